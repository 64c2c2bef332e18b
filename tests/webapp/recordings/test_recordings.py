"""/api/recordings and /recordings/ID/audio: who may, pages of 50, ranges."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from tests.webapp.support.recordings_on_disk import record, record_more, sound_bytes
from webapp.core.database import db
from webapp.models import Recording, new_id
from webapp.recordings import ingest as recording_ingest
from webapp.recordings.downloads import PIECE_BYTES
from webapp.recordings.flac_tags import with_tags

METHODS = [
    ("GET", "/api/recordings/alice", None),
    ("PATCH", "/api/recordings/{id}", {"title": "Stolen"}),
    ("DELETE", "/api/recordings/{id}", None),
    ("POST", "/api/recordings/{id}/restore", None),
    ("GET", "/recordings/{id}/audio", None),
]


@pytest.fixture
def recording(folder, alice, ingest) -> str:
    """Alice's, finished."""
    recording = record(folder, "alice", seconds=1.0)
    ingest()
    return recording


@pytest.fixture
def growing(folder, alice, ingest) -> str:
    """Alice's, still being written."""
    growing = record(folder, "alice", seconds=0.96, finished=False)  # ten whole blocks
    ingest()
    return growing


# Access


@pytest.mark.parametrize(("method", "path", "body"), METHODS)
def test_anonymous_people_get_nothing(recording, anonymous, method, path, body):
    response = anonymous.request(method, path.format(id=recording), json=body)
    to_log_in = response.status_code == 302 and response.location.startswith("/login")
    assert response.status_code == 401 or (to_log_in and not path.startswith("/api"))
    assert b"fLaC" not in response.data


@pytest.mark.parametrize(("method", "path", "body"), METHODS)
def test_a_stranger_gets_the_same_404_as_for_nothing(recording, charlie, method, path, body):
    theirs = charlie.request(method, path.format(id=recording), json=body)
    missing = charlie.request(method, path.format(id=new_id()).replace("alice", "nobody"), json=body)
    assert (theirs.status_code, missing.status_code) == (404, 404)
    if path.startswith("/api"):
        assert theirs.json == missing.json


@pytest.mark.parametrize(("method", "path", "body"), METHODS[1:4])
def test_a_friend_changes_nothing(recording, alice, bob, method, path, body):
    assert bob.request(method, path.format(id=recording), json=body).status_code == 404
    assert alice.get("/api/recordings/alice").json["recordings"][0]["title"] == "Morning talk"


def test_a_friend_lists_and_plays(recording, bob):
    assert [found["id"] for found in bob.get("/api/recordings/alice").json["recordings"]] == [recording]
    assert bob.get(f"/recordings/{recording}/audio").status_code == 200


def test_an_ex_friend_gets_404_at_once(recording, alice, bob):
    assert bob.get(f"/recordings/{recording}/audio").status_code == 200
    alice.delete("/api/friends/bob")
    assert bob.get(f"/recordings/{recording}/audio").status_code == 404
    assert bob.get("/api/recordings/alice").status_code == 404


def test_a_change_without_the_csrf_token_is_refused(recording, alice):
    alice.csrf_token = ""
    assert alice.patch(f"/api/recordings/{recording}", {"title": "x"}).status_code == 403
    assert alice.delete(f"/api/recordings/{recording}").status_code == 403


def test_a_deleted_recording_is_gone_for_everybody(recording, alice, bob):
    alice.delete(f"/api/recordings/{recording}")
    for person in (alice, bob):
        assert person.get(f"/recordings/{recording}/audio").status_code == 404
        assert person.get("/api/recordings/alice").json["recordings"] == []
    assert alice.patch(f"/api/recordings/{recording}", {"title": "x"}).status_code == 404
    assert bob.post(f"/api/recordings/{recording}/restore").status_code == 404


@pytest.mark.parametrize("name", ["..", "../../etc/passwd", "%2e%2e%2fstillair.db", "x" * 200, "ä", "a" * 31, "A" * 32])
def test_an_id_names_no_other_file(alice, recording, name):
    assert alice.get(f"/recordings/{name}/audio").status_code in (404, 308)


def test_a_sound_file_that_became_a_link_is_not_served(alice, recording, folder, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret" * 1000)
    (folder / f"{recording}.flac").unlink()
    (folder / f"{recording}.flac").symlink_to(tmp_path / "secret")
    response = alice.get(f"/recordings/{recording}/audio")
    assert response.status_code == 404
    assert b"secretsecret" not in response.data


# The list


def test_what_the_list_says(recording, alice, folder):
    (found,) = alice.get("/api/recordings/alice").json["recordings"]
    assert found == {
        "id": recording,
        "title": "Morning talk",
        "owner": "alice",
        "started_at": "2026-01-02T03:04:05.000Z",
        "duration": 1.0,
        "size": len(sound_bytes(folder, recording)),
        "state": "closed",
        "gaps": [],
        "paused": [],
        "audio_url": f"/recordings/{recording}/audio",
        "clip_of": None,
        "audience": "friends",
        "usernames": [],
    }


def test_a_growing_recording_has_a_new_address_when_it_is_longer(growing, alice, folder):
    (first,) = alice.get("/api/recordings/alice").json["recordings"]
    record_more(folder, growing, 0.96)
    (second,) = alice.get("/api/recordings/alice").json["recordings"]
    assert first["audio_url"] != second["audio_url"]
    assert (first["duration"], second["duration"]) == (0.96, 1.92)
    assert len(alice.get(second["audio_url"]).data) == second["size"]


def test_one_recording_alone_as_it_is_at_this_moment(growing, alice, bob, folder):
    (listed,) = bob.get("/api/recordings/alice").json["recordings"]
    assert bob.get(f"/api/recordings/alice/{growing}").json["recording"] == listed
    record_more(folder, growing, 0.96)
    assert bob.get(f"/api/recordings/alice/{growing}").json["recording"]["duration"] == 1.92
    assert bob.get(f"/api/recordings/bob/{growing}").status_code == 404


def add_rows(app, count: int) -> list[str]:
    """Newest first. Every ten have the same time."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    with app.app_context():
        owner = recording_ingest.accounts.find("alice")
        for number in range(count):
            moment = begin - timedelta(hours=number // 10)
            db.session.add(Recording(id=f"{count - number:032x}", owner=owner, title="x", started_at=moment, state="closed"))
        db.session.commit()
    return [f"{count - number:032x}" for number in range(count)]


def test_pages_of_fifty_miss_nothing_and_repeat_nothing(app, alice):
    expected = add_rows(app, 123)
    found: list[str] = []
    before = ""
    while page := alice.get(f"/api/recordings/alice?before={before}").json["recordings"]:
        assert len(page) <= 50
        found += [recording["id"] for recording in page]
        before = found[-1]
    assert found == expected


def test_before_may_be_a_time(app, alice):
    add_rows(app, 30)
    page = alice.get("/api/recordings/alice?before=2025-12-31T23:00:00Z").json["recordings"]
    assert {recording["started_at"] for recording in page} == {"2025-12-31T22:00:00.000Z"}


@pytest.mark.parametrize("before", ["yesterday", "-1", "f" * 32, "0001-01-01T00:00:00%2b23:59", "%00", "9" * 1000])
def test_a_before_that_is_neither_is_a_wrong_field(alice, before):
    response = alice.get(f"/api/recordings/alice?before={before}")
    assert response.status_code == 422
    assert "before" in response.json["error"]["fields"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"title": ""}, 422),
        ({"title": " \u200b\u202e "}, 422),
        ({"title": "x" * 121}, 422),
        ({"title": 5}, 422),
        ({"title": None}, 422),
        ({"title": "\ud800"}, 422),
        ({}, 422),
        ([], 422),
        ({"title": "ok \u202e\x00 then"}, 200),
        ({"title": "x" * 120}, 200),
        ({"title": "🎙️ café"}, 200),
    ],
)
def test_titles(recording, alice, body, status):
    response = alice.patch(f"/api/recordings/{recording}", body)
    assert response.status_code == status
    if status == 200:
        assert not set("\u202e\x00") & set(response.json["recording"]["title"])
    else:
        assert alice.get("/api/recordings/alice").json["recordings"][0]["title"] == "Morning talk"


def test_malformed_json_is_400(recording, alice):
    response = alice.patch(f"/api/recordings/{recording}", data="{", content_type="application/json")
    assert response.status_code == 400


def test_restoring_twice_is_no_error(recording, alice):
    alice.delete(f"/api/recordings/{recording}")
    assert alice.post(f"/api/recordings/{recording}/restore").status_code == 200
    assert alice.post(f"/api/recordings/{recording}/restore").status_code == 200


def test_deleting_twice_is_404(recording, alice):
    assert alice.delete(f"/api/recordings/{recording}").status_code == 204
    assert alice.delete(f"/api/recordings/{recording}").status_code == 404


# The sound


def test_the_whole_sound(recording, alice, folder):
    response = alice.get(f"/recordings/{recording}/audio")
    assert response.data == sound_bytes(folder, recording)
    assert response.headers["Content-Type"] == "audio/flac"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in response.headers["Cache-Control"]
    assert int(response.headers["Content-Length"]) == len(response.data)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-", 0, None),
        ("bytes=0-0", 0, 1),
        ("bytes=40-100", 40, 101),
        ("bytes=60-70", 60, 71),
        ("bytes=5000-5999", 5000, 6000),
        ("bytes=-100", -100, None),
        ("bytes=100-99999999999", 100, None),
    ],
)
def test_ranges(recording, alice, folder, asked, start, end):
    whole = sound_bytes(folder, recording)
    response = alice.get(f"/recordings/{recording}/audio", headers={"Range": asked})
    assert response.status_code == 206
    assert response.data == whole[start:end]
    first = start % len(whole)
    assert response.headers["Content-Range"] == f"bytes {first}-{first + len(response.data) - 1}/{len(whole)}"
    assert int(response.headers["Content-Length"]) == len(response.data)


def test_the_player_of_a_page_gets_the_sound_in_pieces_and_others_whole(alice, folder, ingest):
    recording = record(folder, "alice", seconds=18)
    ingest()
    whole = sound_bytes(folder, recording)
    assert 2 * PIECE_BYTES > len(whole) > PIECE_BYTES
    heard = b""
    while len(heard) < len(whole):
        asked = {"Range": f"bytes={len(heard)}-", "Sec-Fetch-Dest": "audio"}
        response = alice.get(f"/recordings/{recording}/audio", headers=asked)
        assert response.status_code == 206
        assert len(response.data) <= PIECE_BYTES
        end = len(heard) + len(response.data)
        assert response.headers["Content-Range"] == f"bytes {len(heard)}-{end - 1}/{len(whole)}"
        heard += response.data
    assert heard == whole
    assert alice.get(f"/recordings/{recording}/audio").data == whole
    assert alice.get(f"/recordings/{recording}/audio", headers={"Range": "bytes=0-"}).data == whole  # FFmpeg does not ask again
    rest = alice.get(f"/recordings/{recording}/audio?download=1", headers={"Range": "bytes=10-"})
    assert (len(rest.data), rest.data[4096 - 10 :]) == (len(whole) - 10, whole[4096:])


def test_a_range_past_the_end_is_416_and_says_the_length(recording, alice, folder):
    size = len(sound_bytes(folder, recording))
    for asked in (f"bytes={size}-", "bytes=99999999999-", f"bytes={size + 5}-{size + 10}"):
        response = alice.get(f"/recordings/{recording}/audio", headers={"Range": asked})
        assert response.status_code == 416
        assert response.headers["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize("asked", ["bytes=", "bytes=x-y", "seconds=1-2", "bytes=9-1", "nonsense", "bytes=0-1,5-6"])
def test_an_odd_range_is_no_server_error(recording, alice, asked):
    assert alice.get(f"/recordings/{recording}/audio", headers={"Range": asked}).status_code in (200, 416)


def test_an_unchanged_sound_is_not_sent_again(recording, alice):
    first = alice.get(f"/recordings/{recording}/audio")
    again = alice.get(f"/recordings/{recording}/audio", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_if_range_with_an_old_etag_gets_the_whole(recording, alice, folder):
    etag = alice.get(f"/recordings/{recording}/audio").headers["ETag"]
    same = alice.get(f"/recordings/{recording}/audio", headers={"Range": "bytes=10-19", "If-Range": etag})
    other = alice.get(f"/recordings/{recording}/audio", headers={"Range": "bytes=10-19", "If-Range": '"old"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert other.data == sound_bytes(folder, recording)


def test_head_has_the_length_and_no_body(recording, alice, folder):
    response = alice.request("HEAD", f"/recordings/{recording}/audio")
    assert (response.status_code, response.data) == (200, b"")
    assert int(response.headers["Content-Length"]) == len(sound_bytes(folder, recording))


def test_a_growing_recording_is_a_valid_file_of_the_length_it_says(growing, alice, folder):
    with (folder / f"{growing}.flac").open("ab") as file:
        file.write(b"\xff\xf8 half a frame")
    response = alice.get(f"/recordings/{growing}/audio")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "ETag" not in response.headers
    assert int(response.headers["Content-Length"]) == len(response.data) < len(sound_bytes(folder, growing))
    sound, rate = soundfile.read(io.BytesIO(response.data))
    assert (len(sound), rate) == (46_080, 48_000)


def test_a_growing_recording_keeps_its_promise_while_it_grows(growing, alice, folder):
    response = alice.get(f"/recordings/{growing}/audio", buffered=False)
    chunks = response.iter_encoded()
    begin = next(chunks)
    record_more(folder, growing, 0.96)
    body = begin + b"".join(chunks)
    response.close()
    assert len(body) == int(response.headers["Content-Length"])
    assert len(soundfile.read(io.BytesIO(body))[0]) == 46_080
    longer = alice.get(f"/recordings/{growing}/audio")
    assert len(soundfile.read(io.BytesIO(longer.data))[0]) == 92_160
    assert longer.data[4096 : len(body)] == body[4096:]


def test_a_missing_sound_file_is_404_and_says_so(recording, alice, folder, caplog):
    (folder / f"{recording}.flac").unlink()
    assert alice.get(f"/recordings/{recording}/audio").status_code == 404
    assert "sound file is missing" in caplog.text


@pytest.mark.parametrize(
    ("title", "plain", "coded"),
    [
        ("Morning talk", 'filename="2026-01-02 Morning talk - alice.flac"', None),
        ("Späte", 'filename="2026-01-02 Spate - alice.flac"', "UTF-8''2026-01-02%20Sp%C3%A4te%20-%20alice.flac"),
        ("../../etc/passwd", 'filename="2026-01-02 .. .. etc passwd - alice.flac"', None),
        ('a"b\\c;d', 'filename="2026-01-02 a b c;d - alice.flac"', None),
        ("日本", 'filename="2026-01-02 - alice.flac"', "UTF-8''2026-01-02%20%E6%97%A5%E6%9C%AC%20-%20alice.flac"),
    ],
)
def test_a_download_has_a_good_name(recording, alice, title, plain, coded):
    alice.patch(f"/api/recordings/{recording}", {"title": title})
    disposition = alice.get(f"/recordings/{recording}/audio?download=1").headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert plain in disposition
    assert coded is None or f"filename*={coded}" in disposition


def tags_in(data: bytes) -> dict[str, str]:
    with av.open(io.BytesIO(data)) as container:
        return {name.upper(): value for name, value in container.metadata.items()}


@pytest.mark.parametrize("title", ["Morning talk", "Späte ☂ Stunde", "x" * 120, "🎙" * 120])
def test_a_download_carries_tags_and_the_same_sound(recording, alice, folder, title):
    alice.patch(f"/api/recordings/{recording}", {"title": title})
    data = alice.get(f"/recordings/{recording}/audio?download=1").data
    tags = tags_in(data)
    assert (tags["TITLE"], tags["ARTIST"], tags["DATE"]) == (title, "alice", "2026-01-02")
    assert "2026-01-02 03:04 UTC" in tags["COMMENT"]
    whole = sound_bytes(folder, recording)
    assert (len(data), data[4096:]) == (len(whole), whole[4096:])
    np.testing.assert_array_equal(soundfile.read(io.BytesIO(data))[0], soundfile.read(io.BytesIO(whole))[0])
    assert "TITLE" not in tags_in(whole)


def test_a_download_that_is_continued_is_one_file(recording, alice):
    whole = alice.get(f"/recordings/{recording}/audio?download=1")
    rest = alice.get(f"/recordings/{recording}/audio?download=1", headers={"Range": "bytes=100-"})
    assert whole.data[:100] + rest.data == whole.data
    assert "ETag" not in whole.headers


def test_tags_that_do_not_fit_are_left_out(recording, folder):
    header = sound_bytes(folder, recording)[:4096]
    assert with_tags(header, {"TITLE": "x" * 5000}) == header
    fits = with_tags(header, {"TITLE": "x" * 4000})
    assert len(fits) == 4096 != header
    assert with_tags(header[:100], {"TITLE": "x"}) == header[:100]
    assert with_tags(fits, {"TITLE": "other"}) == fits


def test_playing_is_no_download(recording, alice):
    assert "Content-Disposition" not in alice.get(f"/recordings/{recording}/audio").headers


def test_no_file_stays_open(recording, alice):
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    alice.get(f"/recordings/{recording}/audio")
    before = open_files()
    for _ in range(20):
        alice.get(f"/recordings/{recording}/audio")
        alice.get(f"/recordings/{recording}/audio", headers={"Range": "bytes=0-99"})
        alice.get(f"/recordings/{recording}/audio", headers={"Range": "bytes=99999999-"})
        alice.request("HEAD", f"/recordings/{recording}/audio")
        alice.get("/api/recordings/alice")
    assert open_files() == before
