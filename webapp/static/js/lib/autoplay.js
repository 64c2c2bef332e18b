import { silence } from "./silence.js";

/** Whether sound may start without a press. Most browsers say so only by what becomes of a sound. */
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
