// Pointer, keys and theme of one widget, sent to the kernel no faster than it answers.
// ipycanvas swallows every key, wheel and touch over a canvas; listening before it, on the widget around, gives the
// page its Tab key and its scrolling back. clipboard.js, controls.js and moving.js stand before this in the page.
const PACE = 60; // milliseconds between messages of a map that moves by itself: its new frames cost the kernel and the page
const TURN = 0.0022; // by which a pixel of the wheel zooms, as an exponent
const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Escape", "Home", "End"];

function isDark() {
  const body = document.body;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  const [r, g, b, a] = (getComputedStyle(body).backgroundColor.match(/[\d.]+/g) || [255, 255, 255]).map(Number);
  return a !== 0 && 0.299 * r + 0.587 * g + 0.114 * b < 128;
}

// A press, what follows while it is held, and its release; one that goes nowhere is a click.
function dragging(model, place, offer, drop, lead) {
  const FAR = 4; // pixels
  let start = null, path = [], far = false, last = null, map = null;
  const message = (kind, event, canvas) => {
    const at = place(event, canvas);
    path.push([at.x, at.y]);
    return { kind, held: true, shift: event.shiftKey, path, ...at };
  };
  const follow = (event, canvas) => {
    const at = place(event, canvas);
    map?.pan((at.x - last.x) * canvas.width, (at.y - last.y) * canvas.height);
    last = at;
  };
  return {
    held: () => start !== null,
    press(event, canvas) {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      start = [event.clientX, event.clientY], path = [], far = false, last = place(event, canvas);
      map = event.shiftKey || canvas.classList.contains("nnviz-lasso") ? null : lead(canvas);
      map?.hold();
      drop();
      model.send(message("press", event, canvas));
      path = [];
    },
    move(event, canvas) {
      if (!start) return;
      far ||= Math.hypot(event.clientX - start[0], event.clientY - start[1]) > FAR;
      if (!far) return;
      follow(event, canvas);
      offer(message("move", event, canvas), map ? PACE : 0);
    },
    sent() { path = []; },
    release(event, canvas) {
      if (!start) return;
      start = null;
      if (far) follow(event, canvas);
      map?.release();
      drop();
      model.send(message("release", event, canvas));
      if (!far && event.type === "pointerup") model.send({ kind: "click", shift: event.shiftKey, ...place(event, canvas) });
    },
  };
}

function watch(root, model, signal) {
  let waiting = null, busy = false, last = 0, pace = 0;
  const send = (message) => { busy = true; last = performance.now(); model.send(message); if (message.held) drag.sent(); };
  const next = () => {
    busy = false;
    if (waiting) { const message = waiting; waiting = null; send(message); }
  };
  const answered = (message) => {
    if (message.kind !== "answer") return;
    if (pace) setTimeout(next, last + pace - performance.now());
    else next();
  };
  model.on("msg:custom", answered);
  signal.addEventListener("abort", () => model.off("msg:custom", answered));

  const paneOf = (event) => {
    const canvas = event.target instanceof HTMLCanvasElement && event.target.closest(".nnviz-pane");
    return canvas && canvas.closest(".nnviz") === root && canvas; // a widget inside this one listens itself
  };
  const place = (event, canvas) => {
    const box = canvas.getBoundingClientRect();
    const name = [...canvas.classList].find((c) => c.startsWith("nnviz-pane-")).slice("nnviz-pane-".length);
    return { pane: name, x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  const listen = (type, handle) => root.addEventListener(type, (event) => {
    const canvas = paneOf(event);
    if (!canvas) return;
    event.stopImmediatePropagation();
    handle?.(event, canvas);
  }, { capture: true, signal });

  // An answer that never comes (a busy kernel) must not silence the pointer for good.
  const offer = (message, soonest = 0) => {
    pace = soonest;
    if (busy && performance.now() - last < 1000) waiting = message; else send(message);
  };
  const move = (event, canvas) => offer({ kind: "move", ...place(event, canvas) });
  const drags = (canvas) => canvas.classList.contains("nnviz-drag");
  const maps = new Map();
  const lead = (canvas) => {
    if (!maps.has(canvas)) {
      maps.set(canvas, null);
      sourceOf(canvas, model).then((source) => { if (source && !signal.aborted) maps.set(canvas, moving(canvas, source)); });
    }
    return maps.get(canvas);
  };
  signal.addEventListener("abort", () => { for (const map of maps.values()) map?.end(); });
  const drag = dragging(model, place, offer, () => { waiting = null; }, lead);
  listen("mousemove", (event, canvas) => { if (!drag.held()) move(event, canvas); });
  // What can be dragged goes on past the pane's edge; a finger drags it as a mouse does.
  const grabs = (canvas) => canvas.classList.contains("nnviz-grab");
  listen("pointerdown", (event, canvas) => {
    if (grabs(canvas)) canvas.setPointerCapture(event.pointerId);
    if (drags(canvas)) drag.press(event, canvas);
  });
  const finger = (event, canvas) => event.pointerType !== "mouse" && grabs(canvas);
  listen("pointermove", (event, canvas) => {
    if (finger(event, canvas)) move(event, canvas);
    if (drags(canvas)) lead(canvas), drag.move(event, canvas);
  });
  for (const type of ["pointerup", "pointercancel"]) listen(type, (event, canvas) => {
    if (drags(canvas)) drag.release(event, canvas);
    else if (type === "pointerup" && finger(event, canvas)) model.send({ kind: "click", ...place(event, canvas) });
  });
  listen("mouseout", () => { waiting = null; model.send({ kind: "leave" }); });
  listen("mousedown", (event, canvas) => canvas.focus({ preventScroll: true }));
  listen("click", (event, canvas) => { if (!drags(canvas)) model.send({ kind: "click", ...place(event, canvas) }); });
  listen("wheel", (event, canvas) => {
    if (!drags(canvas) || !(event.ctrlKey || event.metaKey)) return; // without a key the page scrolls
    event.preventDefault();
    const at = place(event, canvas), factor = Math.exp(-TURN * event.deltaY * (event.deltaMode ? 33 : 1));
    lead(canvas)?.zoom(factor, at.x * canvas.width, at.y * canvas.height);
    offer({ kind: "wheel", zoom: (waiting?.kind === "wheel" ? waiting.zoom : 1) * factor, ...at }, PACE);
  });
  for (const type of ["mouseup", "touchstart", "touchmove", "touchend", "touchcancel"]) listen(type);
  listen("keydown", (event, canvas) => {
    const own = { Enter: "nnviz-opens", " ": "nnviz-plays" }[event.key];
    const known = KEYS.includes(event.key) || (own && canvas.classList.contains(own));
    if (!known || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    model.send({ kind: "key", key: event.key, ...place({ clientX: 0, clientY: 0 }, canvas) });
  });
}

function label(root, model) {
  const names = model.get("labels");
  for (const canvas of root.querySelectorAll("canvas.nnviz-pane")) {
    const pane = [...canvas.classList].find((c) => c.startsWith("nnviz-pane-"));
    if (!pane || canvas.closest(".nnviz") !== root) continue;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", names[pane.slice("nnviz-pane-".length)] || "");
    canvas.tabIndex = 0;
  }
}

// What nobody sees leaves the kernel to what is on the screen.
const inSight = new Set(); // the views of this widget, for each has this script to itself
function notice(root, model, signal) {
  const observer = new IntersectionObserver((entries) => {
    if (entries.at(-1).isIntersecting) inSight.add(root); else inSight.delete(root);
    model.send({ kind: "seen", seen: inSight.size > 0 });
  });
  observer.observe(root);
  signal.addEventListener("abort", () => { observer.disconnect(); inSight.delete(root); });
}

const canvasOf = (model, name) => model.widget_manager.get_model(name.slice("IPY_MODEL_".length));

// ipycanvas decodes a saved picture while the notebook opens; a canvas that was there before never got it.
async function restore(model) {
  for (const name of model.get("canvases")) {
    const canvas = await canvasOf(model, name);
    const show = () => { for (const view of Object.values(canvas.views)) view.then((v) => v.updateCanvas()); };
    canvas.once("new-frame", show);
    show();
  }
}

// ipycanvas reads its pixels while the browser is idle, and would send them though the widget was closed meanwhile.
async function hush(model) {
  const canvas = await canvasOf(model, model.get("echo"));
  canvas.once("destroy", () => { canvas.comm_live = false; });
}

export default {
  render({ model, el }) {
    const end = new AbortController();
    const tell = () => model.send({ kind: "theme", dark: isDark() });
    const theme = new MutationObserver(tell);
    theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
    tell();
    let tries = 0;
    const attach = () => {
      if (end.signal.aborted) return;
      const root = el.closest(".nnviz");
      if (root && root.querySelector("canvas.nnviz-pane")) {
        watch(root, model, end.signal);
        label(root, model);
        keepNamed(root, end.signal);
        markDecimals(root, model.get("decimal"), end.signal);
        notice(root, model, end.signal);
      } else if (tries++ < 600) requestAnimationFrame(attach);
    };
    attach();
    restore(model);
    hush(model);
    const relabel = () => { const root = el.closest(".nnviz"); if (root) label(root, model); };
    model.on("change:labels", relabel);
    const asked = async (message) => {
      if (message.kind === "copy") model.send({ kind: (await copy(message.text)) ? "copied" : "uncopied" });
    };
    model.on("msg:custom", asked);
    return () => {
      end.abort();
      theme.disconnect();
      model.off("change:labels", relabel);
      model.off("msg:custom", asked);
    };
  },
};
