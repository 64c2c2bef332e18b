"""What the admin (Alice, the first account) may do with people. No audio server runs here."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from sqlalchemy import event, insert, select

from tests.webapp.support.forms import submit
from tests.webapp.support.recordings_on_disk import record
from tests.webapp.test_races import at_once
from webapp.accounts import accounts, sessions
from webapp.admin import people
from webapp.core.database import db
from webapp.core.errors import Conflict
from webapp.models import AuditEntry, LoginSession, Recording, Stream, User, now
from webapp.recordings import retention
from webapp.security.tokens import token_hash


@pytest.fixture
def person(app):
    """Somebody's row, as it is now."""

    def person(username: str) -> User | None:
        with app.app_context():
            return accounts.find(username)

    return person


def iter_events(events):
    """Until the stream has ended."""
    with suppress(StopIteration):
        while True:
            yield events.next()


def acts(app, about: str) -> list[tuple[str, str, str]]:
    """Who did what with which detail, oldest first."""
    query = select(AuditEntry).where(AuditEntry.about == about).order_by(AuditEntry.id)
    with app.app_context():
        return [(entry.actor, entry.act, entry.detail) for entry in db.session.scalars(query)]


class TestList:
    def test_people_by_name_with_what_the_admin_looks_for(self, app, alice, bob, folder, ingest):
        record(folder, "bob")
        ingest()
        page = alice.get("/admin/people/").text
        assert page.index('href="/admin/people/alice"') < page.index('href="/admin/people/bob"')
        assert 'People <span class="quiet num">2</span>' in page
        assert re.search(r"bob</p>\s*<p>\s*Since today, \d\d:\d\d, last seen today, <span class=\"num\">\d+ kB", page)

    def test_search(self, app, alice, bob, charlie):
        with app.app_context():
            accounts.find("bob").display_name = "Robert Jobson"
            db.session.commit()
        found = {
            "": {"alice", "bob", "charlie"},
            "q=BO": {"bob"},
            "q=obs": {"bob"},  # in the name
            "q=%25": set(),
            "q=_": set(),
            "q=zz": set(),
            "kind=admins": {"alice"},
            "kind=suspended": set(),
            "kind=nonsense": {"alice", "bob", "charlie"},
            "after=BOB": {"charlie"},
            "after=zz": set(),
            "q=" + "x" * 5000: set(),
            "q=%00%E2%80%AEbob": {"bob"},
        }
        links = re.compile(r'person--link" href="/admin/people/(\w+)"')
        assert {query: set(links.findall(alice.get(f"/admin/people/?{query}").text)) for query in found} == found

    def test_ten_thousand_people_come_in_pages(self, app, alice):
        with app.app_context():
            names = [f"person-{number:05}" for number in range(10_000)]
            db.session.execute(
                insert(User),
                [
                    {"username": name, "username_key": name, "display_name": name, "password_hash": "", "created_at": now()}
                    for name in names
                ],
            )
            db.session.commit()
            statements = []
            event.listen(db.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
            seen = people.page(after="person-04999").members
            assert [member.user.username for member in seen] == names[5000 : 5000 + people.PAGE]
            assert len(statements) == 5  # however many people
            assert people.page("son-0999").count == 10
        page = alice.get("/admin/people/").text
        assert 'href="/admin/people/?after=person-00048"' in page


class TestSuspension:
    def test_every_browser_is_logged_out_at_once_and_nobody_gets_in(self, app, alice, bob, visit):
        with bob.events() as events:
            assert "bob is suspended" in submit(alice, "/admin/people/bob/suspend").text
            assert list(iter_events(events)) == []
        assert bob.get("/api/friends").status_code == 401
        answer = visit("bob").enter("/api/login")
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "suspended")
        browser = visit("bob")
        page = submit(browser, "/login", username="bob", password="correct horse battery")
        assert page.status_code == 403
        assert "The admin has suspended your account. Ask them what to do." in page.text
        assert acts(app, "bob") == [("alice", "person.suspended", "")]

    def test_a_wrong_password_does_not_tell_who_is_suspended(self, alice, bob, visit):
        submit(alice, "/admin/people/bob/suspend")
        assert visit("bob").enter("/api/login", "not the password").status_code == 401

    def test_a_log_in_that_was_under_way_is_worth_nothing(self, app, alice, bob):
        submit(alice, "/admin/people/bob/suspend")
        with app.app_context():
            db.session.add(LoginSession(token_hash=token_hash("late"), user=accounts.find("bob")))
            db.session.commit()
            assert sessions.load_user("late") is None

    def test_a_stream_that_runs_ends(self, app, alice, bob):
        with app.app_context():
            db.session.add(stream := Stream(owner=accounts.find("bob"), title="Loud", state="live", live_at=now()))
            db.session.commit()
            stream_id = stream.id
        submit(alice, "/admin/people/bob/suspend")
        with app.app_context():
            assert db.session.get(Stream, stream_id).state == "ended"

    def test_it_can_be_ended(self, app, alice, bob, visit):
        submit(alice, "/admin/people/bob/suspend")
        assert "bob can log in again." in submit(alice, "/admin/people/bob/restore").text
        visit("bob").log_in()
        assert [act for _, act, _ in acts(app, "bob")] == ["person.suspended", "person.restored", "login.new"]

    def test_nobody_suspends_himself(self, alice, person):
        assert "You cannot do this to yourself." in submit(alice, "/admin/people/alice/suspend").text
        assert person("alice").suspended_at is None


class TestAdmins:
    def test_an_admin_is_made_and_unmade(self, app, alice, bob):
        assert bob.get("/admin/").status_code == 404
        assert "bob is an admin now." in submit(alice, "/admin/people/bob/make-admin").text
        assert bob.get("/admin/people/").status_code == 200
        assert submit(bob, "/admin/people/bob/unmake-admin").request.path == "/"
        assert bob.get("/admin/people/").status_code == 404
        assert acts(app, "bob") == [("alice", "admin.made", ""), ("bob", "admin.unmade", "")]

    def test_the_last_one_stays(self, alice, bob, person):
        assert "alice is the last admin." in submit(alice, "/admin/people/alice/unmake-admin").text
        submit(alice, "/admin/people/bob/make-admin")
        submit(alice, "/admin/people/bob/suspend")  # who cannot log in does not count
        assert "alice is the last admin." in submit(alice, "/admin/people/alice/unmake-admin").text
        assert person("alice").is_admin
        assert "is suspended. End the suspension first." in submit(alice, "/admin/people/bob/make-admin").text

    @pytest.mark.parametrize("act", ["unmake-admin", "suspend", "delete"])
    def test_of_two_who_do_away_with_each_other_one_stays(self, app, alice, bob, act):
        submit(alice, "/admin/people/bob/make-admin")

        def do(one, other) -> int:
            fields = {"csrf_token": one.csrf_token, "username": other}
            return one.client.post(f"/admin/people/{other}/{act}", data=fields).status_code

        at_once([lambda: do(alice, "bob"), lambda: do(bob, "alice")])
        with app.app_context():
            left = list(db.session.scalars(select(User).where(*accounts.ACTIVE_ADMIN)))
            assert len(left) == 1

    def test_domain_functions_refuse_the_last_one_too(self, app, alice, bob):
        with app.app_context():
            with pytest.raises(Conflict):
                people.unmake_admin(accounts.find("bob"), accounts.find("alice"))
            with pytest.raises(Conflict):
                people.suspend(accounts.find("bob"), accounts.find("alice"))


class TestLimits:
    @pytest.mark.parametrize(
        ("fields", "quota_gb", "most_days"),
        [
            ({"quota_gb": "2.5", "most_days": "30"}, 2.5, 30),
            ({"quota_gb": " 2,5 ", "most_days": "0"}, 2.5, 0),
            ({"quota_gb": "0", "most_days": ""}, 0.0, None),
            ({}, None, None),
        ],
    )
    def test_space_and_days_of_one_person(self, alice, bob, person, fields, quota_gb, most_days):
        assert "Saved." in submit(alice, "/admin/people/bob/limits", **fields).text
        assert (person("bob").quota_gb, person("bob").most_days) == (quota_gb, most_days)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("quota_gb", "much"),
            ("quota_gb", "-1"),
            ("quota_gb", "nan"),
            ("quota_gb", "inf"),
            ("quota_gb", "1e99"),
            ("most_days", "1.5"),
            ("most_days", "-1"),
            ("most_days", "99999"),
            ("most_days", "9" * 400),
            ("most_days", "³"),
        ],
    )
    def test_bad_ones_are_refused_beside_the_field(self, app, alice, bob, person, field, value):
        answer = submit(alice, "/admin/people/bob/limits", **{field: value})
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert (person("bob").quota_gb, person("bob").most_days) == (None, None)
        assert acts(app, "bob") == []

    def test_only_what_changes_is_written_down(self, app, alice, bob):
        for _ in range(2):
            submit(alice, "/admin/people/bob/limits", quota_gb="5", most_days="7")
        assert acts(app, "bob") == [("alice", "quota.changed", "5 GB"), ("alice", "days.changed", "7")]


class TestDeletion:
    def test_the_account_goes_with_its_recordings(self, app, alice, bob, person, folder, ingest, visit):
        recording = record(folder, "bob")
        ingest()
        answer = submit(alice, "/admin/people/bob/delete", username=" BOB ")
        assert answer.request.path == "/admin/people/"
        assert "bob and all their recordings have been deleted." in answer.text
        assert person("bob") is None
        assert bob.get("/api/friends").status_code == 401
        assert acts(app, "bob") == [("alice", "person.deleted", "")]
        with app.app_context():
            retention.maintain()
            assert db.session.get(Recording, recording) is None
        assert not list(folder.glob(f"{recording}.*"))

    @pytest.mark.parametrize("typed", ["", "alice", "bo"])
    def test_nothing_happens_without_the_name(self, app, alice, bob, person, typed):
        answer = submit(alice, "/admin/people/bob/delete", username=typed)
        assert answer.status_code == 422
        assert "Nothing was deleted. Type bob to confirm." in answer.text
        assert person("bob") is not None
        assert acts(app, "bob") == []

    def test_while_a_stream_cannot_be_ended_nothing_is_deleted_and_nothing_said_of_it(self, app, alice, bob, person):
        with app.app_context():
            db.session.add(Stream(owner=accounts.find("bob"), title="Loud", state="live", live_at=now()))
            db.session.commit()
        page = submit(alice, "/admin/people/bob/delete", username="bob").text
        assert "Nothing was deleted: the audio server does not answer." in page
        assert person("bob") is not None
        assert acts(app, "bob") == []

    def test_nobody_deletes_himself_here(self, alice, person):
        assert "You cannot do this to yourself." in submit(alice, "/admin/people/alice/delete", username="alice").text
        assert person("alice") is not None


def test_a_stream_is_ended_and_its_owner_told(app, alice, bob):
    with app.app_context():
        db.session.add(stream := Stream(owner=accounts.find("bob"), title="Loud", state="live", live_at=now()))
        db.session.commit()
        stream_id = stream.id
    with bob.events() as events:
        assert "The stream of bob has ended." in submit(alice, f"/admin/live/{stream_id}/end").text
        kind, data = events.next()
        while kind != "stream.ended":
            kind, data = events.next()
    assert data["by_admin"] is True
    assert acts(app, "bob") == [("alice", "stream.ended", "Loud")]
    assert submit(alice, f"/admin/live/{stream_id}/end").status_code == 404
    assert len(acts(app, "bob")) == 1
