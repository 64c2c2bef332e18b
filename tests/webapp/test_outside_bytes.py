"""Readers of bytes from outside: requests, and files beside recordings. They answer to everything as they always do."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.fields import DocumentError
from tests.outside_bytes import documents, fuzzed, fuzzed_slowly, spoiled
from tests.webapp.support.pictures import opened, picture_file
from tests.webapp.support.recordings_on_disk import record
from tests.webapp.support.webhooks import deliver, hint
from webapp.chat.archive import ChatRecord
from webapp.core.errors import Invalid
from webapp.profiles import images
from webapp.recordings.sharing import Audience, Chosen

AUDIENCE = json.loads(Audience("chosen", (Chosen("bob", "5" * 32), Chosen("dora", ""))).to_json())
MESSAGE = {
    "id": "5" * 32,
    "at": "2026-01-02T03:04:05.000Z",
    "author": "5" * 32,
    "username": "bob",
    "name": "Bob",
    "text": "hello",
}
CHAT = {"messages": [MESSAGE], "reactions": [{"at": "2026-01-02T03:04:05.000Z", "kind": "heart"}]}
WEBHOOK = json.loads(hint("track_published", "EV_1", f"stage-{'5' * 32}-1"))
PICTURES = {kind: picture_file(kind) for kind in images.FORMATS}


def check_note(kind, text):
    try:
        found = kind.from_json(text)
    except DocumentError:
        return
    found.to_json().encode()
    assert kind.from_json(found.to_json()) == found


@fuzzed
@given(documents(AUDIENCE))
def test_notes_of_who_may_hear_a_recording(text):
    check_note(Audience, text)


@fuzzed
@given(documents(CHAT))
def test_chats_beside_recordings(text):
    check_note(ChatRecord, text)


@pytest.fixture
def recording(folder, alice, ingest):
    recording = record(folder, "alice")
    ingest()
    return recording


def test_sidecars(folder, alice, ingest, recording):
    path = folder / f"{recording}.json"
    whole = path.read_text()

    @fuzzed_slowly
    @given(documents(json.loads(whole)))
    def ingested(text):
        path.write_bytes(text.encode(errors="replace"))
        ingest()
        assert alice.get("/api/recordings/alice").status_code == 200

    ingested()
    path.write_text(whole)
    ingest()
    assert [one["id"] for one in alice.get("/api/recordings/alice").json["recordings"]] == [recording]


def test_sounds(folder, alice, recording):
    path = folder / f"{recording}.flac"
    addresses = [
        f"/recordings/{recording}/{way}" for way in ("audio", "audio?download=1", "audio.opus", "clip.flac?start=0.1&end=0.4")
    ]

    @settings(fuzzed_slowly, max_examples=25)
    @given(spoiled(path.read_bytes()))
    def answered(data):
        path.write_bytes(data)
        for address in addresses:
            answer = alice.get(address)
            assert answer.status_code < 500, address
            assert len(answer.data) <= 2 * len(data) + 100_000

    answered()


numbers = st.one_of(st.integers(-2, 2**70), st.sampled_from(["", "x", "٣", "1e3", "0x1", " 1", "9" * 400])).map(str)
spans = st.builds(lambda first, last: f"{first}-{last}", numbers, numbers)
ranges = st.builds(
    lambda unit, some: unit + ",".join(some), st.sampled_from(["bytes=", "bytes ", "=", ""]), st.lists(spans, max_size=20)
)
words = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)


@pytest.mark.parametrize("path", ["/recordings/{}/audio", "/recordings/{}/audio?download=1"])
def test_ranges(alice, recording, path):
    size = alice.get(path.format(recording)).content_length

    @fuzzed_slowly
    @given(st.one_of(ranges, words))
    def answered(asked):
        answer = alice.get(path.format(recording), headers={"Range": asked.encode(errors="ignore").decode("latin-1")})
        assert answer.status_code in (200, 206, 416)
        assert len(answer.data) <= size or answer.status_code == 416
        if answer.status_code == 206:
            first, last, whole = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers["Content-Range"]).groups())
            assert (last - first + 1, whole) == (len(answer.data), size)

    answered()


@pytest.mark.parametrize(
    "query", ["start=nan", "start=inf", "start=1e308&end=1e308", "end=-1e400", "start=٣", "start=" + "9" * 400]
)
def test_times_of_a_clip(alice, recording, query):
    assert alice.get(f"/recordings/{recording}/clip.flac?{query}").status_code in (200, 400, 422)


def test_webhooks(app):
    @fuzzed_slowly
    @given(documents(WEBHOOK))
    def answered(body):
        assert deliver(app, body.encode(errors="replace").decode()).status_code in (204, 401, 413)

    answered()


def test_signatures_of_webhooks(app):
    @fuzzed_slowly
    @given(
        st.one_of(
            words, spoiled(b"eyJhbGciOiJIUzI1NiJ9.e30.c2ln").map(lambda data: re.sub(r"[\r\n]", "", data.decode("latin-1")))
        )
    )
    def answered(signature):
        headers = {"Authorization": signature}
        assert app.test_client().post("/livekit/webhook", data=json.dumps(WEBHOOK), headers=headers).status_code == 401

    answered()


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures(context, kind):
    @fuzzed_slowly
    @given(spoiled(PICTURES[kind]))
    def squared(data):
        try:
            picture = images.square(data)
        except Invalid:
            return
        assert opened(picture).size == (images.SIDE, images.SIDE)

    squared()
