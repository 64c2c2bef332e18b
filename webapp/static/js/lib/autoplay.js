import { silence } from "./silence.js";

/** Finds out whether sound may start without a press. Most browsers show it only when a sound is tried. */
export async function soundMayStart() {
  if (navigator.userActivation?.hasBeenActive) return true;
  const address = URL.createObjectURL(silence(0.1));
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
