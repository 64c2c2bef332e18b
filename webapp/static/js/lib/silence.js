/** Returns a file of silence: WAV, 8 bits, mono, 8 kHz. @param {number} seconds */
export function silence(seconds) {
  const samples = new Uint8Array(8000 * seconds).fill(0x80);
  const header = new DataView(new ArrayBuffer(44));
  const text = (/** @type {number} */ at, /** @type {string} */ word) => {
    for (const [i, letter] of [...word].entries()) header.setUint8(at + i, letter.charCodeAt(0));
  };
  text(0, "RIFF");
  header.setUint32(4, 36 + samples.length, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, 8000, true);
  header.setUint32(28, 8000, true);
  header.setUint16(32, 1, true);
  header.setUint16(34, 8, true);
  text(36, "data");
  header.setUint32(40, samples.length, true);
  return new Blob([header.buffer, samples], { type: "audio/wav" });
}
