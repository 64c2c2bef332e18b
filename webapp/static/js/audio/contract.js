/**
 * What the pages and the noise remover agree on. contract/messages.py says the same in Python, and
 * tests/js/contract.test.js compares the two; the types below let the type checker find a misspelt name.
 */

/** Identity of the noise remover in every room. */
export const AGENT_NAME = "noise-remover";

/** Topic of the data packets in which the noise remover sends its meter readings, ten a second. */
export const METER_TOPIC = "meter";

/** Names of the attributes by which the noise remover publishes its state. */
export const ATTRIBUTES = /** @type {const} */ (["state", "strength_db", "recording", "beat", "delay_ms", "removed_db", "stage"]);

/** Values of the attribute `state`. */
export const AGENT_STATES = /** @type {const} */ (["starting", "cleaning", "paused", "silenced", "music"]);

/** Values of the attribute `recording`. */
export const RECORDING_STATES = /** @type {const} */ (["on", "off", "failed", "full"]);

/** Methods of the noise remover that the broadcaster calls. */
export const RPC_METHODS = /** @type {const} */ (["set_strength", "set_bypass", "set_uplink", "set_monitor"]);

/** What a broadcaster chooses for a whole stream; the names are those of `Quality` in contract/messages.py. */
export const QUALITIES = {
  voice: { bit_rate: 32_000, channels: 1, is_cleaned: true, is_sent_twice: false },
  standard: { bit_rate: 64_000, channels: 1, is_cleaned: true, is_sent_twice: true },
  music: { bit_rate: 128_000, channels: 2, is_cleaned: false, is_sent_twice: false },
};

/** Quality of a stream whose owner has chosen none. @type {keyof typeof QUALITIES} */
export const USUAL_QUALITY = "standard";

/**
 * @typedef {(typeof AGENT_STATES)[number]} AgentState
 * @typedef {(typeof RECORDING_STATES)[number]} RecordingState
 * @typedef {(typeof RPC_METHODS)[number]} RpcMethod
 * @typedef {keyof typeof QUALITIES} QualityName
 * @typedef {Readonly<Partial<Record<(typeof ATTRIBUTES)[number], string> & {state: AgentState, recording: RecordingState}>>} RemoverAttributes
 */

/**
 * Returns what the noise remover of a room publishes about itself; empty while it is absent.
 * @param {import("livekit-client").Room} room
 */
export function removerAttributes(room) {
  return /** @type {RemoverAttributes} */ (room.remoteParticipants.get(AGENT_NAME)?.attributes ?? {});
}
