// A map moves under the hand at once: its last frame, shifted and scaled, until the kernel's own has come.
// Where a frame lies it says itself, in the shadow of a canvas on which nothing casts one: the blur is the
// pixels for a unit of the map, the offsets are where the map's origin lies.
const BELIEVED = 600; // milliseconds after a gesture in which a frame that lies elsewhere is on its way, no correction

function moving(canvas, source) {
  const still = document.createElement("canvas"); // the last frame as it came
  const told = () => ({ scale: source.ctx.shadowBlur, x: source.ctx.shadowOffsetX, y: source.ctx.shadowOffsetY });
  let frame = told(), ahead = null, held = false, late = 0;
  const keep = (picture) => {
    still.width = canvas.width, still.height = canvas.height;
    still.getContext("2d").drawImage(picture, 0, 0);
  };
  const draw = () => {
    const pen = canvas.getContext("2d"), k = ahead.scale / frame.scale;
    let x = ahead.x - k * frame.x, y = ahead.y - k * frame.y;
    if (k === 1) x = Math.round(x), y = Math.round(y); // a smoothed half pixel would blur it
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.setTransform(k, 0, 0, k, x, y);
    pen.drawImage(still, 0, 0);
    pen.resetTransform();
  };
  const letGo = () => {
    if (held || !ahead) return;
    ahead = { ...frame };
    draw();
    ahead = null;
  };
  const arrives = () => {
    frame = told();
    if (!ahead) return;
    keep(source.canvas);
    const near = Math.abs(ahead.scale / frame.scale - 1) < 1e-3 && Math.hypot(ahead.x - frame.x, ahead.y - frame.y) < 1.4;
    if (near && !held) ahead = null;
    else queueMicrotask(() => ahead && draw()); // ipycanvas draws the frame itself in one before
  };
  const go = (change) => {
    if (!frame.scale) return; // no frame yet, or one that does not say where it lies
    if (!ahead) keep(canvas), ahead = { ...frame };
    change(ahead);
    draw();
    clearTimeout(late);
    late = setTimeout(letGo, BELIEVED);
  };
  source.on("new-frame", arrives);
  return {
    hold() { held = true; },
    release() { held = false; clearTimeout(late); late = setTimeout(letGo, BELIEVED); },
    // Distances and places in the canvas's own pixels.
    pan(right, down) { go((to) => { to.x += right, to.y += down; }); },
    zoom(factor, x, y) {
      go((to) => { to.scale *= factor, to.x = x + (to.x - x) * factor, to.y = y + (to.y - y) * factor; });
    },
    end() { clearTimeout(late); source.off("new-frame", arrives); },
  };
}

// The model that a canvas of the page shows.
async function sourceOf(canvas, model) {
  for (const name of model.get("canvases")) {
    const found = await model.widget_manager.get_model(name.slice("IPY_MODEL_".length));
    const views = await Promise.all(Object.values(found.views));
    if (views.some((view) => view.el === canvas)) return found;
  }
}
