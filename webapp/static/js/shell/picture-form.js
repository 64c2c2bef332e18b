/** Pixels; twice what the server keeps. */
const SIDE = 512;
const SMALL_BYTES = 200_000;

/**
 * Shrinks the middle of a picture before it is sent: photographs from phones are larger than the server accepts.
 * @param {HTMLInputElement} field
 */
async function shrink(field) {
  const file = field.files?.[0];
  if (!file || file.size < SMALL_BYTES) return;
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture || field.files?.[0] !== file) return; // the server tells what is wrong with it
  const side = Math.min(picture.width, picture.height);
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  canvas
    .getContext("2d")
    ?.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  picture.close();
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.9 });
  const chosen = new DataTransfer();
  chosen.items.add(new File([blob], file.name, { type: blob.type }));
  field.files = chosen.files;
}

export function startPictureForm() {
  document.addEventListener("change", (event) => {
    if (event.target instanceof HTMLInputElement && event.target.matches("[data-picture]")) shrink(event.target);
  });
}
