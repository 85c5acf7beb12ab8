// How many strips the page has laid beside each other, told to the kernel whenever it changes.
export default {
  render({ model, el }) {
    let tries = 0, ended = false, sizes = null;
    const attach = () => {
      const box = el.closest(".nnviz")?.querySelector(".nnviz-strips");
      if (!box?.querySelector("canvas")) {
        if (!ended && tries++ < 600) requestAnimationFrame(attach);
        return;
      }
      const count = () => {
        const strips = [...box.querySelectorAll("canvas")].filter((strip) => strip.offsetParent);
        const across = strips.filter((strip) => strip.offsetTop === strips[0].offsetTop).length;
        if (!across || across === model.get("across")) return;
        model.set("across", across);
        model.save_changes();
      };
      sizes = new ResizeObserver(count);
      sizes.observe(box);
    };
    attach();
    return () => { ended = true; sizes?.disconnect(); };
  },
};
