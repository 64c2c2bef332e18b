/** A tenth of a second of silence, as a WAV file: 8 bits, mono, 8 kHz. */
function silence() {
  const samples = new Uint8Array(800).fill(0x80);
  const header = new DataView(new ArrayBuffer(44));
  const text = (/** @type {number} */ at, /** @type {string} */ word) => [...word].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF"); header.setUint32(4, 36 + samples.length, true); text(8, "WAVEfmt "); header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); header.setUint16(22, 1, true); header.setUint32(24, 8000, true); header.setUint32(28, 8000, true);
  header.setUint16(32, 1, true); header.setUint16(34, 8, true); text(36, "data"); header.setUint32(40, samples.length, true);
  return new Blob([header.buffer, samples], { type: "audio/wav" });
}

/** Whether sound may start without a press. Most browsers say so only by what becomes of a sound. */
export async function soundMayStart() {
  if (navigator.userActivation?.hasBeenActive) return true;
  const address = URL.createObjectURL(silence());
  const trial = new Audio(address);
  try {
    await trial.play();
    return true;
  } catch (error) {
    return !(error instanceof DOMException && error.name === "NotAllowedError");
  } finally {
    trial.pause();
    URL.revokeObjectURL(address);
  }
}
