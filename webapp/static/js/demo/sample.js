/** Sample rate of the sounds: with the same rate here nothing is resampled. */
const RATE = 48_000;
const FADE_S = 0.02;
const READINGS_A_SECOND = 10;

/** @type {GainNode | undefined} */
let shared;

/** Returns the one output that all samples share. */
function out() {
  if (!shared) {
    shared = new GainNode(new AudioContext({ sampleRate: RATE }));
    shared.connect(shared.context.destination);
  }
  return shared;
}

const context = () => /** @type {AudioContext} */ (out().context);

/**
 * Plays a sample in two versions, clean and original, in step, so that switching neither clicks nor jumps in time: the
 * one fades out in 20 ms while the other fades in. It plays again and again.
 */
export class Sample {
  playing = false;
  /** @type {{removed_db: number[], clean: number[], original: number[]} | null} */
  #description = null;
  /** @type {AudioBuffer[]} Clean and original. */
  #sounds = [];
  /** @type {{source: AudioBufferSourceNode, gain: GainNode}[]} The same, while they run. */
  #running = [];
  #began = 0;
  #offset = 0;

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  /** Fetches the levels. Throws while the server does not have them. */
  async describe() {
    this.#description ??= await (await get(`/difference/${this.name}.json`)).json();
  }

  /** Fetches both sounds. Throws while the server has none. */
  async load() {
    await this.describe();
    if (this.#sounds.length) return;
    this.#sounds = await Promise.all(
      ["clean", "original"].map(async (which) => {
        const file = await get(`/difference/${this.name}-${which}.flac`);
        return context().decodeAudioData(await file.arrayBuffer());
      }),
    );
  }

  /** Allows sound. Call it in the handler of a press, before the first await. */
  wake() {
    context().resume();
  }

  /** @param {boolean} original Which of the two is heard. */
  play(original) {
    const now = context().currentTime;
    this.#running = this.#sounds.map((sound, i) => {
      const source = new AudioBufferSourceNode(context(), { buffer: sound, loop: true });
      const gain = new GainNode(context(), { gain: 0 });
      source.connect(gain).connect(out());
      source.start(now, this.#offset);
      fade(gain, Number(original === Boolean(i)));
      return { source, gain };
    });
    this.#began = now - this.#offset;
    this.playing = true;
  }

  /** @param {boolean} original */
  hear(original) {
    for (const [i, { gain }] of this.#running.entries()) fade(gain, Number(original === Boolean(i)));
  }

  pause() {
    this.#offset = this.#position;
    for (const { source, gain } of this.#running) {
      fade(gain, 0);
      source.stop(context().currentTime + FADE_S);
    }
    this.#running = [];
    this.playing = false;
  }

  close() {
    this.pause();
  }

  /** The decibels that the noise meter of a broadcast would show at this position. */
  get removedDb() {
    const readings = this.#description?.removed_db ?? [];
    return readings[Math.floor(this.#position * READINGS_A_SECOND)] ?? 0;
  }

  /** Returns the length of each bar of the wave, 0 to 1. @param {string} which @returns {number[]} */
  bars(which) {
    return (which === "clean" ? this.#description?.clean : this.#description?.original) ?? [];
  }

  get #position() {
    return this.playing ? (context().currentTime - this.#began) % this.#sounds[0].duration : this.#offset;
  }
}

/** @param {GainNode} node @param {number} to */
function fade({ gain }, to) {
  const now = context().currentTime;
  gain.cancelAndHoldAtTime ? gain.cancelAndHoldAtTime(now) : gain.cancelScheduledValues(now);
  gain.setValueAtTime(gain.value, now);
  gain.linearRampToValueAtTime(to, now + FADE_S);
}

/** @param {string} path */
async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}
