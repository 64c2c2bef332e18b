"""Who has how much, what is biggest, and files that belong to nothing."""

from __future__ import annotations

from tests.webapp.support.recordings_on_disk import record
from webapp.accounts import accounts
from webapp.admin import storage_report
from webapp.core.database import db
from webapp.models import Stream, now


def test_an_empty_server(alice):
    page = alice.get("/admin/storage").text
    assert "0 recordings, 0 kB" in page
    assert "None. Every file in the folder belongs to a recording." in page


def test_who_has_most_and_what_is_biggest(app, alice, bob, folder, ingest):
    for owner, seconds in (("alice", 0.2), ("bob", 0.5), ("bob", 1.5)):
        record(folder, owner, seconds=seconds, title="Not for the admin")
    ingest()
    with app.app_context():
        found = storage_report.usage()
        assert found.count == 3
        assert [(share.user.username, share.count) for share in found.people] == [("bob", 2), ("alice", 1)]
        assert sum(share.size for share in found.people) == found.size
        assert [recording.size for recording in found.biggest] == sorted((r.size for r in found.biggest), reverse=True)
    page = alice.get("/admin/storage").text
    assert page.index("/admin/people/bob") < page.index("/admin/people/alice")
    assert "Not for the admin" not in page


def test_half_a_recording_is_named_and_one_that_is_just_made_is_not(app, alice, folder, ingest):
    without_sidecar, without_sound, running, whole = (record(folder, "alice") for _ in range(4))
    ingest()
    (folder / f"{without_sidecar}.json").unlink()
    (folder / f"{without_sound}.flac").unlink()
    (folder / f"{running}.json").unlink()
    with app.app_context():
        db.session.add(Stream(id=running, owner=accounts.find("alice"), title="Now", state="live", live_at=now()))
        db.session.commit()
        orphans = storage_report.usage().orphans
    assert (orphans.without_sidecar, orphans.without_sound) == ([without_sidecar], [without_sound])
    page = alice.get("/admin/storage").text
    assert f"{without_sidecar}.flac" in page
    assert f"{without_sound}.json" in page
    assert whole not in page
