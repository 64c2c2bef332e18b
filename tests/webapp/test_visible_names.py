"""One rule for everything that must be seen: titles of streams, recordings and clips, display names, names of access tokens."""

from __future__ import annotations

import re

import pytest

from agent.recording.files import RecordingFolder
from tests.webapp.support.recordings_on_disk import record

pytestmark = pytest.mark.no_cover  # hundreds of requests through code that the tests of each room cover

INVISIBLE = [
    "",
    "   ",
    "\u200d",  # zero width joiner
    "\u200b\u202e",
    "\u3164",  # Hangul filler
    "\uffa0",  # halfwidth Hangul filler
    "\u115f\u1160",  # Hangul choseong and jungseong filler
    "\u2800\u2800",  # braille pattern without dots
    "\u00ad",  # soft hyphen
    "\u2061\u2062\u2063\u2064",  # invisible operators
    "\u034f",  # combining grapheme joiner
    "\u180e",  # Mongolian vowel separator
    "\u17b4\u17b5",  # Khmer inherent vowels
    "\ufe0f",  # variation selector
    "\U000e0100",  # variation selector of the supplement
    "\U000e0067\U000e0062\U000e007f",  # tag letters
    "\u0301",  # a mark without its letter
    "\u00a0\u3000",  # spaces
    " \u3164\u200d\u2800 ",
]
VISIBLE = [
    "a",
    "👩‍👩‍👧",  # joined
    "🏳️‍🌈",
    "🇩🇪",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland, spelled with tag letters
    "1️⃣",
    "🫨",  # newer than the Unicode data of Python 3.11
    "क्‍ष",  # Devanagari with a joiner
    "می‌خواهم",  # Persian with a non-joiner
    "ㅤ안녕",  # a filler beside letters
    "soft\u00adhyphen",
]


class Entry:
    """A way by which a name comes in. `put` returns whether it was refused, `names` what is stored."""

    def __init__(self, person, recording):
        self.person, self.recording = person, recording

    def api(self, method, path, body):
        return self.person.request(method, path, json=body).status_code == 422

    def form(self, path, **fields):
        answer = self.person.client.post(path, data={"csrf_token": self.person.csrf_token, **fields})
        assert answer.status_code in (201, 303, 422)
        return answer.status_code == 422

    def names(self):
        return {each["title"] for each in self.person.get("/api/recordings/alice").json["recordings"]}


class StreamTitle(Entry):
    def put(self, text):
        return self.api("POST", "/api/stream/title", {"title": text})

    def names(self):
        return {self.person.get("/api/stream/status/alice").json["stream"]["title"]}


class RecordingTitle(Entry):
    def put(self, text):
        return self.api("PATCH", f"/api/recordings/{self.recording}", {"title": text})


class RecordingTitleForm(Entry):
    def put(self, text):
        return self.form(f"/recordings/{self.recording}/rename", title=text)


class ClipTitle(Entry):
    def put(self, text):
        return self.api("POST", f"/api/recordings/{self.recording}/clips", {"title": text, "start": 0.1, "end": 0.2})


class ClipTitleForm(Entry):
    def put(self, text):
        return self.form(f"/recordings/{self.recording}/clip", start="0:00", end="0:00.2", act="keep", title=text)


class DisplayName(Entry):
    def put(self, text):
        return self.form("/settings/", display_name=text)

    def names(self):
        return {self.person.get("/api/session").json["user"]["display_name"]}


class AccessTokenName(Entry):
    def put(self, text):
        return self.form("/settings/tokens", name=text, scopes="read", days="30")

    def names(self):
        return set(re.findall("<b>([^<]*)</b>", self.person.client.get("/settings/tokens").text))


@pytest.fixture(
    params=[StreamTitle, RecordingTitle, RecordingTitleForm, ClipTitle, ClipTitleForm, DisplayName, AccessTokenName],
    ids=lambda kind: kind.__name__,
)
def entry(request, alice, stream, folder, ingest):
    recording = record(folder, "alice")
    ingest()
    return request.param(alice, recording)


def test_what_cannot_be_seen_is_refused(entry):
    before = entry.names()
    accepted = [ascii(text) for text in INVISIBLE if not entry.put(text)]
    assert accepted == []
    assert entry.names() == before


def test_what_can_be_seen_is_stored_as_it_is(entry):
    for text in VISIBLE:
        assert not entry.put(text), ascii(text)
        assert text in entry.names()


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
def test_a_stream_that_starts_with_an_invisible_title_gets_the_usual_one(alice, text):
    alice.post("/api/stream/start", {"title": text})
    assert alice.post("/api/stream/stop").json["stream"]["title"] == "alice on air"


@pytest.mark.parametrize("text", VISIBLE, ids=ascii)
def test_a_stream_starts_with_the_title_that_was_sent(alice, text):
    alice.post("/api/stream/start", {"title": text})
    assert alice.post("/api/stream/stop").json["stream"]["title"] == text


def test_a_sidecar_with_an_invisible_title_gets_the_usual_one(alice, folder, ingest):
    recording = record(folder, "alice")
    for text, title in [*((text, "alice on air") for text in INVISIBLE), *((text, text) for text in VISIBLE)]:
        files = RecordingFolder(folder)
        files.write_manifest(files.read_manifest(recording).with_(title=text))
        ingest()
        assert alice.get("/api/recordings/alice").json["recordings"][0]["title"] == title, ascii(text)
