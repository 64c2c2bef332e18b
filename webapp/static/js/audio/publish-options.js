import { QUALITIES } from "./contract.js";

/** Returns the SDK's options for publishing the microphone. @param {import("./contract.js").QualityName} name */
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
