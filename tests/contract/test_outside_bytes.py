"""Readers of what another program wrote: they read it, or refuse it in the one way that is declared, and nothing else happens."""

import json
import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.fields import DocumentError
from contract.flac import FIXED, VARIABLE, parse_frame_header, renumber
from contract.messages import BroadcastJob, StudioMetadata
from contract.recording import RECORDING_HEAD_BYTES, RecordingHead, RecordingManifest, Span
from tests.outside_bytes import documents, fuzzed, spoiled

JOB = BroadcastJob("5" * 32, "alice", "Morning talk", "2026-01-02T03:04:05Z", 20.0)
METADATA = StudioMetadata("stage-5-1", live=True, title="Morning talk", recording_limit=10)
SPAN = Span(1.0, 0.5, "connection")
MANIFEST = RecordingManifest("5" * 32, "alice", "Talk", "2026-01-02T03:04:05Z", "closed", 48_000, gaps=(SPAN,), paused=(SPAN,))
HEAD = RecordingHead(samples=48_000, end=9000).to_bytes()


def read(kind, text):
    """Reads the document, or returns None when it is refused as declared."""
    try:
        return kind.from_json(text)
    except DocumentError:
        return None


def check(kind, text):
    """What was read can be written, stored and read again: it holds no number or character that no program can pass on."""
    found = read(kind, text)
    if found is not None:
        written = found.to_json()
        written.encode()
        assert kind.from_json(written) == found
        assert all(math.isfinite(value) for value in asdict(found).values() if isinstance(value, float))
    return found


@fuzzed
@given(documents(asdict(JOB)))
def test_broadcast_jobs(text):
    check(BroadcastJob, text)


@fuzzed
@given(documents(asdict(METADATA)))
def test_studio_metadata(text):
    check(StudioMetadata, text)


@fuzzed
@given(documents(json.loads(MANIFEST.to_json())))
def test_sidecars(text):
    found = check(RecordingManifest, text)
    if found is not None:
        assert 0 <= found.duration < 2**36


@pytest.mark.parametrize(
    "changes",
    [{"gaps": [1]}, {"sample_rate": 0}, {"samples": -1}, {"samples": 10**400}, {"boot_time": 10**400}, {"title": "\ud800"}],
    ids=str,
)
def test_a_sidecar_that_makes_no_sense_is_refused(changes):
    assert read(RecordingManifest, json.dumps(json.loads(MANIFEST.to_json()) | changes)) is None


@fuzzed
@given(spoiled(HEAD))
def test_heads_of_recordings(data):
    try:
        head = RecordingHead.from_bytes(data)
    except DocumentError:
        return
    assert head.to_bytes() == data[:RECORDING_HEAD_BYTES]


frames = st.builds(lambda sync, rest: sync + rest, st.sampled_from([FIXED, VARIABLE]), st.binary(max_size=40))


@fuzzed
@given(st.one_of(frames, st.binary(max_size=40)), st.integers(0, 2**31 - 1))
def test_frames_of_flac(data, number):
    head = parse_frame_header(data)
    if head is None:
        with pytest.raises(ValueError, match="not a FLAC frame"):
            renumber(data, number)
    else:
        assert 6 <= head.size <= min(16, len(data))
        assert 1 <= head.samples <= 65_536
        assert 1 <= head.channels <= 8
