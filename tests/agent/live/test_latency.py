import pytest
from livekit.rtc._proto.stats_pb2 import RtcStats

from agent.live.latency import JitterBufferCount, Latency


def stats(seconds: float, samples: int) -> list[RtcStats]:
    inbound = RtcStats()
    inbound.inbound_rtp.inbound.jitter_buffer_delay = seconds
    inbound.inbound_rtp.inbound.jitter_buffer_emitted_count = samples
    other = RtcStats()
    other.codec.codec.mime_type = "audio/opus"
    return [other, inbound]


def test_it_is_the_sum_of_what_the_stations_measure():
    latency = Latency(processing_samples=2400)
    latency.uplink_ms = 35.0
    latency.update(JitterBufferCount.from_stats(stats(1000.0, 48_000)))
    assert latency.published_ms == 0, "one reading says nothing of now"
    latency.update(JitterBufferCount.from_stats(stats(1000.0 + 0.060 * 96_000, 144_000)))
    assert latency.published_ms == 35 + 60 + 50


def test_it_is_told_again_only_when_it_has_changed_by_what_somebody_notices():
    latency = Latency(processing_samples=0)
    readings = []
    seconds = samples = 0
    for wait_ms in (100, 100, 110, 90, 125, 130, 60):
        samples += 96_000
        seconds += wait_ms / 1e3 * 96_000
        latency.update(JitterBufferCount(seconds, samples))
        readings.append(latency.published_ms)
    assert readings == [0, 100, 100, 100, 125, 125, 60]


@pytest.mark.parametrize("strange", [None, JitterBufferCount(0.0, 0), JitterBufferCount(5.0, 48_000)])
def test_a_new_track_or_a_standstill_changes_nothing(strange):
    latency = Latency(processing_samples=0)
    latency.update(JitterBufferCount(0.0, 0))
    latency.update(JitterBufferCount(0.080 * 48_000, 48_000))
    latency.update(strange)
    assert latency.published_ms == 80
    latency.update(JitterBufferCount(0.0, 0))
    latency.update(JitterBufferCount(0.040 * 48_000, 48_000))
    assert latency.published_ms == 40


def test_stats_without_an_incoming_track_are_none():
    assert JitterBufferCount.from_stats([]) is None
