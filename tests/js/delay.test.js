import assert from "node:assert/strict";
import { test } from "node:test";

import { Downlink, uplinkMs, waitMs } from "../../webapp/static/js/audio/delay.js";

const report = (/** @type {object[]} */ ...stats) => new Map(stats.map((each, i) => [String(i), each]));
const received = (/** @type {number} */ seconds, /** @type {number} */ samples) =>
  report(
    { type: "codec" },
    { type: "inbound-rtp", jitterBufferDelay: seconds, jitterBufferEmittedCount: samples },
    { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 },
    { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.03 },
    { type: "media-playout", totalPlayoutDelay: samples * 0.025, totalSamplesCount: samples },
  );

test("a buffer's wait is that of the samples between two readings", () => {
  assert.equal(waitMs({ seconds: 1000, samples: 48000 }, { seconds: 1000 + 0.08 * 96000, samples: 144000 }), 80);
  assert.equal(waitMs(null, { seconds: 1, samples: 48000 }), null);
  assert.equal(waitMs({ seconds: 9, samples: 48000 }, { seconds: 9, samples: 48000 }), null);
});

test("the way up is the microphone, a packet and half a round trip", () => {
  assert.equal(uplinkMs(report({ type: "remote-inbound-rtp", roundTripTime: 0.04 }), 10), 10 + 16.5 + 20);
  assert.equal(uplinkMs(report({ type: "outbound-rtp" }), 10), null);
});

test("the way down is a packet, half a round trip, the jitter buffer and the loudspeaker's", () => {
  const downlink = new Downlink();
  assert.equal(downlink.read(received(100, 48000)), null);
  assert.equal(Math.round(downlink.read(received(100 + 0.06 * 96000, 144000)) ?? 0), Math.round(16.5 + 15 + 60 + 25));
});

test("behind is told only when both parts are known, and begins anew with a new track", async () => {
  const downlink = new Downlink();
  downlink.read(received(100, 48000));
  const track = (/** @type {object} */ stats) => /** @type {any} */ ({ receiver: { getStats: async () => stats } });
  const first = track(received(0, 0));
  assert.equal(await downlink.behindS(first, "180"), null);
  assert.equal(await downlink.behindS(null, "180"), null);
});
