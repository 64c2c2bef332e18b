// Records what the page plays, without touching it: every stream or file that an audio element gets goes into one mixer, too, and what
// the page sends to the speakers by Web Audio.
// Added to every page before its own scripts. `heard` is what the tests ask.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one scope, so that nothing of it is global in the page
(() => {
  const RATE = 48000;
  const KEEP = 30 * RATE;
  const SILENT = 1e-4; // -80 dBFS
  let context,
    mixer,
    blocks = [],
    count = 0,
    last = 0,
    loudAt = 0;

  function start() {
    context = new AudioContext({ sampleRate: RATE });
    mixer = context.createScriptProcessor(1024, 1, 1);
    mixer.onaudioprocess = (event) => {
      const block = event.inputBuffer.getChannelData(0).slice();
      blocks.push(block);
      count += block.length;
      if (blocks.length * block.length > KEEP) blocks.shift();
      last = Math.sqrt(block.reduce((sum, x) => sum + x * x, 0) / block.length);
      if (last > SILENT) loudAt = performance.now();
    };
    const still = context.createGain();
    still.gain.value = 0;
    mixer.connect(still).connect(context.destination);
  }

  const sources = new WeakMap();
  const elements = new Set();

  function follow(element) {
    elements.add(element);
    if (!context) start();
    sources.get(element)?.disconnect();
    sources.delete(element);
    const stream = element.srcObject;
    if (!stream?.getAudioTracks().length) return;
    const source = context.createMediaStreamSource(new MediaStream(stream.getAudioTracks()));
    source.connect(mixer);
    sources.set(element, source);
  }

  const { connect } = AudioNode.prototype;
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode && this.context !== context) {
      const way = this.context.createMediaStreamDestination();
      if (!context) start();
      connect.call(this, way);
      connect.call(context.createMediaStreamSource(way.stream), mixer);
    }
    return connect.call(this, target, ...rest);
  };

  addEventListener("click", () => context?.resume(), true); // where the browser waits for a press

  const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    get,
    set(value) {
      set.call(this, value);
      follow(this);
    },
  });
  addEventListener("securitypolicyviolation", (event) =>
    console.error("securitypolicyviolation", event.violatedDirective, event.blockedURI),
  );

  globalThis.heard = {
    elements: () => [...elements],
    level: () => 20 * Math.log10(last + 1e-9),
    silentFor: () => (performance.now() - loudAt) / 1000,
    count: () => count,
    mark: () => count,
    take: (from) => globalThis.heard.asText(blocks, count - from),

    // The last of these samples, as a string (sounds.py, `of_text`): a page hands that over a hundred times faster than numbers.
    asText(pieces, maximum = Infinity) {
      const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const samples = new Float32Array(Math.min(maximum, total));
      let at = samples.length;
      for (let i = pieces.length - 1; at > 0; i -= 1) {
        const part = pieces[i].subarray(Math.max(0, pieces[i].length - at));
        at -= part.length;
        samples.set(part, at);
      }
      const bytes = new Uint8Array(samples.buffer);
      let text = "";
      for (let from = 0; from < bytes.length; from += 0x8000) text += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
      return btoa(text);
    },
  };
})();
