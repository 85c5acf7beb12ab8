// The webcam of a page, one frame at a time: the next is grabbed, at that very moment, when the kernel has taken the last.
// It runs while a view of it is on a visible page, it is not frozen, and the kernel answers; else its light is off.
const PING = 1500, SILENCE = 6000; // milliseconds without a word: when to ask whether the kernel is there, and when to stop
const CAUSES = {
  NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "none", OverconstrainedError: "none",
  NotReadableError: "taken", AbortError: "taken",
};

export default () => {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d", { willReadFrequently: true });
  const views = new Set();
  let model, timer, stream = null, opening = false, failed = false, fresh = false, sent = 0;
  let asked = 0, heard = 0, alive = false; // when the kernel was asked and heard, and whether it answers
  let number = Math.floor(Math.random() * 2 ** 40), waiting = false; // the last frame, and whether it is yet to be taken

  const wanted = () => views.size > 0 && !document.hidden && !model.get("frozen") && !failed;

  function update() {
    if (!wanted()) stop();
    else if (!alive && !asked) ask();
    else if (alive && !stream && !opening) open();
    const silent = wanted() && !alive && asked && performance.now() - asked > SILENCE;
    for (const el of views) {
      el.dataset.camera = stream ? "on" : "off";
      el.textContent = silent ? model.get("silent") : "";
    }
  }

  // A saved notebook opens without a kernel: only one that answers may turn a camera on.
  function ask() {
    asked = performance.now();
    model.send({ kind: "ping" });
  }

  function fail(cause, reason = "") {
    failed = true;
    model.send({ kind: "trouble", cause, reason });
    update();
  }

  async function open() {
    if (!navigator.mediaDevices?.getUserMedia) return fail("insecure");
    opening = true;
    try {
      const ideal = { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } };
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: ideal });
      stream.getVideoTracks()[0].addEventListener("ended", () => { if (stream) fail("gone"); });
      video.srcObject = stream;
      if (wanted()) await video.play();
      waiting = fresh = false;
      sent = 0;
      send();
    } catch (error) {
      if (wanted()) fail(CAUSES[error.name] || "failed", `${error.name}: ${error.message}`);
    } finally {
      opening = false;
      update();
    }
  }

  function stop() {
    const old = stream;
    stream = null;
    alive = false;
    asked = 0;
    old?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  }

  // The camera's newest frame; where there is none since the last one that was sent, the next.
  function send() {
    if (!stream || waiting) return;
    const newest = video.getVideoPlaybackQuality?.().totalVideoFrames || 0;
    if (newest === sent && !fresh) return comeNext();
    waiting = true;
    fresh = false;
    sent = newest;
    model.send({ kind: "frame", number: ++number }, undefined, [grab()]);
  }

  function comeNext() {
    const mine = stream;
    const come = () => {
      if (stream !== mine) return;
      fresh = video.videoWidth > 0;
      send();
    };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(come); else requestAnimationFrame(come);
  }

  // The middle of the camera's picture in the shape that is asked for. `toBlob` would wait for an idle browser.
  function grab() {
    const [width, height] = model.get("size");
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const zoom = Math.min(video.videoWidth / width, video.videoHeight / height);
    const w = width * zoom, h = height * zoom, mirror = model.get("mirror");
    pen.imageSmoothingQuality = "medium";
    pen.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
    pen.drawImage(video, (video.videoWidth - w) / 2, (video.videoHeight - h) / 2, w, h, 0, 0, width, height);
    const text = atob(canvas.toDataURL("image/jpeg", 0.9).split(",")[1]);
    return Uint8Array.from(text, (c) => c.charCodeAt(0)).buffer;
  }

  function hear(message) {
    heard = performance.now();
    alive = true;
    if (message.kind === "taken" && message.number === number) {
      waiting = false;
      send();
    }
    if (!stream) update();
  }

  function watch() {
    const quiet = performance.now() - heard;
    if (wanted() && alive && quiet > SILENCE) {
      stop();
      asked = heard; // it may come back, and will then answer what it was asked last
    } else if (wanted() && alive && quiet > PING) model.send({ kind: "ping" });
    update();
  }

  return {
    initialize(context) {
      model = context.model;
      const turned = () => { failed = false; update(); };
      model.on("msg:custom", hear);
      model.on("change:frozen", turned);
      document.addEventListener("visibilitychange", update);
      window.addEventListener("pagehide", stop);
      timer = setInterval(watch, 1000);
      return () => {
        clearInterval(timer);
        views.clear();
        stop();
        model.off("msg:custom", hear);
        model.off("change:frozen", turned);
        document.removeEventListener("visibilitychange", update);
        window.removeEventListener("pagehide", stop);
      };
    },
    render({ el }) {
      el.classList.add("nnviz-camera");
      views.add(el);
      update();
      return () => { views.delete(el); update(); };
    },
  };
};
