// Records, for benchmarks/live.py, what the page's microphone gives (taps.mouth) and what its audio elements get (taps.ear), with
// the time of every block. Added to a page before its own scripts, and after tests/e2e/tap.js.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one scope, so that nothing of it is global in the page
(() => {
  const RATE = 48000;
  const KEEP = 60 * RATE;
  const LOUD = 0.003; // -50 dBFS

  class Tap {
    constructor() {
      this.context = new AudioContext({ sampleRate: RATE });
      this.node = this.context.createScriptProcessor(512, 1, 1);
      this.blocks = []; // [milliseconds since 1970 of the last sample, samples]
      this.loud = []; // times of loud blocks
      this.node.onaudioprocess = (event) => this.add(event.inputBuffer.getChannelData(0).slice());
      const still = this.context.createGain();
      still.gain.value = 0;
      this.node.connect(still).connect(this.context.destination);
    }

    follow(stream) {
      this.source?.disconnect();
      this.source = stream?.getAudioTracks().length
        ? this.context.createMediaStreamSource(new MediaStream(stream.getAudioTracks()))
        : null;
      this.source?.connect(this.node);
    }

    add(samples) {
      const now = performance.timeOrigin + performance.now();
      this.blocks.push([now, samples]);
      if (this.blocks.length * samples.length > KEEP) this.blocks.shift();
      if (samples.some((sample) => Math.abs(sample) > LOUD)) this.loud.push(now);
    }

    silentFor() {
      return performance.timeOrigin + performance.now() - (this.loud.at(-1) ?? 0);
    }

    firstLoudAfter(time) {
      return this.loud.find((at) => at > time);
    }

    // A block's callback may come late but never early, so the least late one tells when the first sample was there.
    take(since) {
      const blocks = this.blocks.filter(([at]) => at > since);
      let count = 0;
      const begins = blocks.map(([at, samples]) => {
        count += samples.length;
        return at - (count / RATE) * 1000;
      });
      return { at: Math.min(...begins), samples: globalThis.heard.asText(blocks.map(([, samples]) => samples)) };
    }
  }

  const taps = {};
  globalThis.taps = taps;
  const tap = (name, stream) => {
    taps[name] ??= new Tap();
    taps[name].follow(stream);
  };

  const devices = navigator.mediaDevices;
  if (devices) {
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wishes) => {
      const stream = await ask(wishes);
      tap("mouth", stream);
      return stream;
    };
  }
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    get,
    set(value) {
      set.call(this, value);
      if (value) tap("ear", value);
    },
  });
})();
