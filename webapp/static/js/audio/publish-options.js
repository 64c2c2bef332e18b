import { QUALITIES } from "./contract.js";

/** What the SDK is told when the microphone is published. @param {import("./contract.js").QualityName} name */
export function publishOptions(name) {
  const quality = QUALITIES[name];
  return {
    dtx: false,
    stopMicTrackOnMute: false,
    red: quality.is_sent_twice,
    audioPreset: { maxBitrate: quality.bit_rate },
    ...(quality.channels === 2 && { forceStereo: true }),
  };
}
