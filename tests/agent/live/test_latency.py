import pytest
from livekit.rtc._proto.stats_pb2 import RtcStats

from agent.live.latency import Delay, Waited


def stats(seconds: float, samples: int) -> list[RtcStats]:
    inbound = RtcStats()
    inbound.inbound_rtp.inbound.jitter_buffer_delay = seconds
    inbound.inbound_rtp.inbound.jitter_buffer_emitted_count = samples
    other = RtcStats()
    other.codec.codec.mime_type = "audio/opus"
    return [other, inbound]


def test_it_is_the_sum_of_what_the_stations_measure():
    delay = Delay(processing_samples=2400)
    delay.uplink_ms = 35.0
    delay.waited(Waited.of(stats(1000.0, 48_000)))
    assert delay.told_ms == 0, "one reading says nothing of now"
    delay.waited(Waited.of(stats(1000.0 + 0.060 * 96_000, 144_000)))
    assert delay.told_ms == 35 + 60 + 50


def test_it_is_told_again_only_when_it_has_changed_by_what_somebody_notices():
    delay = Delay(processing_samples=0)
    readings = []
    seconds = samples = 0
    for wait_ms in (100, 100, 110, 90, 125, 130, 60):
        samples += 96_000
        seconds += wait_ms / 1e3 * 96_000
        delay.waited(Waited(seconds, samples))
        readings.append(delay.told_ms)
    assert readings == [0, 100, 100, 100, 125, 125, 60]


@pytest.mark.parametrize("strange", [None, Waited(0.0, 0), Waited(5.0, 48_000)])
def test_a_new_track_or_a_standstill_changes_nothing(strange):
    delay = Delay(processing_samples=0)
    delay.waited(Waited(0.0, 0))
    delay.waited(Waited(0.080 * 48_000, 48_000))
    delay.waited(strange)
    assert delay.told_ms == 80
    delay.waited(Waited(0.0, 0))
    delay.waited(Waited(0.040 * 48_000, 48_000))
    assert delay.told_ms == 40


def test_stats_without_an_incoming_track_are_none():
    assert Waited.of([]) is None
