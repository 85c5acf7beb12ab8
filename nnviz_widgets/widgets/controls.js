// What ipywidgets' controls lack for people who use keys or a screen reader: a slider's handle and its number are not
// called by their label, and what is folded away opens to a mouse alone.
let named = 0;

function nameControls(root) {
  // Notebook 7 and JupyterLab in command mode take the arrow keys for themselves, wherever the focus is.
  for (const part of root.querySelectorAll(".noUi-handle, .nnviz-pane")) part.dataset.lmSuppressShortcuts = "true";
  for (const part of root.querySelectorAll(".noUi-handle, .widget-readout[contenteditable]")) {
    const label = part.closest(".jupyter-widgets")?.querySelector(".widget-label");
    if (!label || part.hasAttribute("aria-labelledby")) continue;
    label.id ||= `nnviz-label-${named++}`;
    part.setAttribute("aria-labelledby", label.id);
    if (part.matches(".widget-readout")) part.setAttribute("role", "textbox");
  }
  for (const header of root.querySelectorAll(".jupyter-widget-Collapse-header")) {
    const open = String(header.parentElement.classList.contains("jupyter-widget-Collapse-open"));
    if (header.getAttribute("aria-expanded") !== open) header.setAttribute("aria-expanded", open);
    if (header.getAttribute("role") === "button") continue;
    header.setAttribute("role", "button");
    header.tabIndex = 0;
    header.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      header.click();
    });
  }
}

// Now, and whenever controls come or change.
function keepNamed(root, signal) {
  let due = false;
  const name = () => { due = false; if (!signal.aborted) nameControls(root); };
  const watcher = new MutationObserver(() => { if (!due) { due = true; requestAnimationFrame(name); } });
  watcher.observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
  signal.addEventListener("abort", () => watcher.disconnect());
  name();
}

// ipywidgets writes the number beside a slider with a point, and reads no other mark. A number that is being edited
// keeps what was typed; it gets its point back before ipywidgets reads it.
function markDecimals(root, mark, signal) {
  if (mark === ".") return;
  const readoutOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)?.closest(".widget-readout");
  const swap = (readout, from, to) => {
    const [whole, part, more] = readout.textContent.split(from);
    if (more === undefined && /^\d+$/.test(part) && /^[-−]?\d+$/.test(whole)) readout.textContent = whole + to + part;
  };
  const write = (readout) => { if (readout && readout !== document.activeElement) swap(readout, ".", mark); };
  const watcher = new MutationObserver((changes) => { for (const change of changes) write(readoutOf(change.target)); });
  const read = (event) => {
    const readout = (event.type === "blur" || event.key === "Enter") && readoutOf(event.target);
    if (!readout) return;
    swap(readout, mark, ".");
    watcher.takeRecords();
    setTimeout(() => write(readout)); // once ipywidgets has read it
  };
  watcher.observe(root, { childList: true, subtree: true, characterData: true });
  for (const type of ["blur", "keydown"]) root.addEventListener(type, read, { capture: true, signal });
  signal.addEventListener("abort", () => watcher.disconnect());
  root.querySelectorAll(".widget-readout").forEach(write);
}
