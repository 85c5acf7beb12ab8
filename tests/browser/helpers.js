// What the tests ask of a page. Waiting is left to the tests.
window.nnvizTest = (() => {
  const panel = () => window.jupyterapp?.shell.currentWidget;
  const kernel = () => panel()?.sessionContext?.session?.kernel;

  const canvas = (name, view) => document.querySelectorAll(`canvas.nnviz-pane-${name}`)[view];
  const data = (c) => c.getContext("2d").getImageData(0, 0, c.width, c.height);

  return {
    ready: () => panel()?.content?.model?.sharedModel && kernel()?.status === "idle"
      && panel().content.widgets.length > 0 && panel().content.widgets.every((cell) => cell.isAttached),

    async run(source, wait) {
      const notebook = panel().content;
      const cells = notebook.model.sharedModel;
      cells.insertCell(cells.cells.length, { cell_type: "code", source, metadata: {}, outputs: [] });
      notebook.activeCellIndex = notebook.widgets.length - 1;
      const cell = notebook.activeCell;
      const done = window.jupyterapp.commands.execute("notebook:run-cell");
      if (!wait) return "";
      await done;
      const outputs = cell.model.outputs.toJSON();
      return outputs.filter((o) => o.output_type === "error").map((o) => o.traceback.join("\n")).join("\n");
    },

    // Run the cells of a notebook in turn up to the one that holds a text, whatever they raise.
    async runThrough(text) {
      const notebook = panel().content;
      for (let i = 0; i < notebook.widgets.length; i++) {
        notebook.activeCellIndex = i;
        notebook.deselectAll();
        await window.jupyterapp.commands.execute("notebook:run-cell");
        if (notebook.widgets[i].model.type === "code" && notebook.widgets[i].model.sharedModel.source.includes(text)) return;
      }
    },

    // Another text for the cell that begins with one.
    write(beginning, text) {
      const cells = panel().content.widgets.map((cell) => cell.model.sharedModel);
      cells.find((cell) => cell.source.startsWith(beginning)).source = text;
    },

    clear() {
      const cells = panel().content.model.sharedModel;
      cells.deleteCellRange(0, cells.cells.length);
    },

    async ask(expression) {
      const content = { code: "", user_expressions: { answer: expression }, store_history: false };
      const reply = await kernel().requestExecute(content).done;
      const answer = reply.content.user_expressions.answer;
      return answer.status === "ok" ? { value: answer.data["text/plain"] } : { error: answer.traceback.join("\n") };
    },

    print(name, view) {
      const c = canvas(name, view);
      if (!c || !c.width) return 0;
      const words = new Uint32Array(data(c).data.buffer);
      let sum = 0, any = 0;
      for (const word of words) { sum = (Math.imul(sum, 31) + word) >>> 0; any |= word; }
      return any ? sum || 1 : 0;
    },

    // Whether the centres of a grid of cells have these colours, off by no more than rounding.
    shows(name, view, expected) {
      const c = canvas(name, view);
      if (!c || !c.width) return false;
      const pixels = data(c).data, rows = expected.length, columns = expected[0].length;
      return expected.every((line, i) => line.every((colour, j) => {
        const y = Math.floor((i + 0.5) * c.height / rows), x = Math.floor((j + 0.5) * c.width / columns);
        return colour.every((value, k) => Math.abs(pixels[4 * (y * c.width + x) + k] - value) <= 1);
      }));
    },

    // Note when the first pixel of a pane takes another colour, and which: [milliseconds since 1970, number].
    follow(name) {
      const seen = (window.nnvizSeen = []);
      const look = () => {
        const c = canvas(name, 0);
        if (c && c.width) {
          const [r, g, , a] = c.getContext("2d").getImageData(2, 2, 1, 1).data;
          const number = a ? 256 * r + g : -1;
          if (!seen.length || seen[seen.length - 1][1] !== number) seen.push([Date.now(), number]);
        }
        if (window.nnvizSeen === seen) requestAnimationFrame(look);
      };
      look();
    },
  };
})();
