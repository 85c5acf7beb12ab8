// Pointer, keys and theme of one widget, sent to the kernel no faster than it answers.
// ipycanvas swallows every key, wheel and touch over a canvas; listening before it, on the widget around, gives the
// page its Tab key and its scrolling back.
const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Escape", "Home", "End"];

function isDark() {
  const body = document.body;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  const [r, g, b, a] = (getComputedStyle(body).backgroundColor.match(/[\d.]+/g) || [255, 255, 255]).map(Number);
  return a !== 0 && 0.299 * r + 0.587 * g + 0.114 * b < 128;
}

function watch(root, model, signal) {
  let waiting = null, busy = false, last = 0;
  const send = (message) => { busy = true; last = performance.now(); model.send(message); };
  const answered = () => {
    busy = false;
    if (waiting) { const message = waiting; waiting = null; send(message); }
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

  const move = (event, canvas) => {
    const message = { kind: "move", ...place(event, canvas) };
    // An answer that never comes (a busy kernel) must not silence the pointer for good.
    if (busy && performance.now() - last < 1000) waiting = message; else send(message);
  };
  listen("mousemove", move);
  // What can be dragged goes on past the pane's edge; a finger drags it as a mouse does.
  const grabs = (canvas) => canvas.classList.contains("nnviz-grab");
  listen("pointerdown", (event, canvas) => { if (grabs(canvas)) canvas.setPointerCapture(event.pointerId); });
  const finger = (event, canvas) => event.pointerType !== "mouse" && grabs(canvas);
  listen("pointermove", (event, canvas) => { if (finger(event, canvas)) move(event, canvas); });
  listen("pointerup", (event, canvas) => {
    if (finger(event, canvas)) model.send({ kind: "click", ...place(event, canvas) });
  });
  listen("mouseout", () => { waiting = null; model.send({ kind: "leave" }); });
  listen("mousedown", (event, canvas) => canvas.focus({ preventScroll: true }));
  listen("click", (event, canvas) => model.send({ kind: "click", ...place(event, canvas) }));
  for (const type of ["mouseup", "wheel", "touchstart", "touchmove", "touchend", "touchcancel"]) listen(type);
  listen("keydown", (event, canvas) => {
    const known = KEYS.includes(event.key) || (event.key === "Enter" && canvas.classList.contains("nnviz-opens"));
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

// ipycanvas decodes a saved picture while the notebook opens; a canvas that was there before never got it.
async function restore(model) {
  for (const name of model.get("canvases")) {
    const canvas = await model.widget_manager.get_model(name.slice("IPY_MODEL_".length));
    const show = () => { for (const view of Object.values(canvas.views)) view.then((v) => v.updateCanvas()); };
    canvas.once("new-frame", show);
    show();
  }
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
      } else if (tries++ < 600) requestAnimationFrame(attach);
    };
    attach();
    restore(model);
    const relabel = () => { const root = el.closest(".nnviz"); if (root) label(root, model); };
    model.on("change:labels", relabel);
    return () => { end.abort(); theme.disconnect(); model.off("change:labels", relabel); };
  },
};
