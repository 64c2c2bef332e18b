"""Space and time for the recordings of one person: what the server says, what an admin and the person can change."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from sqlalchemy import delete

from contract.messages import StudioMetadata
from webapp.accounts import accounts, quotas
from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.models import Recording, Setting, Stream, User, new_id, now
from webapp.recordings import editing, retention
from webapp.streams import queries

GB = quotas.GB


def add(owner: User, size: int, *, days: float = 0, **values) -> str:
    began = now() - timedelta(days=days)
    row = Recording(id=new_id(), owner=owner, title="x", started_at=began, state="closed", size=size, **values)
    db.session.add(row)
    db.session.commit()
    return row.id


@pytest.fixture
def in_app(make_app, alice, bob):
    """An app with settings, in whose context the test is; Alice's account."""
    contexts = []

    def enter(**settings) -> User:
        contexts.append(make_app(**settings).app_context())
        contexts[-1].push()
        return accounts.find("alice")

    yield enter
    for context in reversed(contexts):
        context.pop()


def save(person, **fields):
    fields = {"csrf_token": person.csrf_token, "keep_days": "", "audience": "friends"} | fields
    return person.client.post("/settings/recording", data=fields, follow_redirects=True)


# Space


@pytest.mark.parametrize(
    ("server", "own", "quota"),
    [
        (0.0, None, None),
        (2.0, None, 2 * GB),
        (2.0, 0.5, GB // 2),
        (2.0, 0.0, None),
        (0.0, 1.0, GB),
    ],
)
def test_the_quota_is_the_servers_unless_an_admin_says_otherwise(in_app, server, own, quota):
    alice = in_app(quota_gb=server)
    alice.quota_gb = own
    assert quotas.quota(alice) == quota


def test_what_is_left_counts_all_others_and_no_deleted_one(in_app):
    alice = in_app(quota_gb=1.0)
    add(alice, 300_000_000)
    running = add(alice, 200_000_000)
    add(alice, 100_000_000, deleted_at=now())
    add(accounts.find("bob"), 900_000_000)
    assert quotas.used(alice) == 500_000_000
    assert quotas.left_for(alice, running) == 700_000_000
    add(alice, 2 * GB)
    assert quotas.left_for(alice, running) == 0


def test_the_noise_remover_is_told_how_long_the_recording_may_get(in_app):
    alice = in_app(quota_gb=1.0)
    old = add(alice, 400_000_000)
    stream = Stream(id=new_id(), owner=alice, title="x", state="live")
    db.session.add(stream)
    db.session.commit()
    assert StudioMetadata.from_json(queries.rooms_of(stream).metadata).recording_limit == 600_000_000
    editing.delete(alice, old)
    assert StudioMetadata.from_json(queries.rooms_of(stream).metadata).recording_limit == GB
    alice.quota_gb = 0.0
    assert StudioMetadata.from_json(queries.rooms_of(stream).metadata).recording_limit is None


def test_the_page_says_how_much_is_used(make_app, visit_app, alice):
    app = make_app(quota_gb=2.0, keep_days=90)
    with app.app_context():
        add(accounts.find("alice"), 500_000_000)
    person = visit_app(app, "alice").log_in()
    quota = 'You use <b class="num">500 MB of 2.0 GB</b>. Recordings are kept for 90 days.'
    assert quota in " ".join(person.get("/recordings/").text.split())
    assert 'id="quota"' not in person.get("/recordings/friends").text
    with app.app_context():
        add(accounts.find("alice"), 2 * GB)
    assert "There is no space for new ones: delete old ones first." in person.get("/recordings/").text
    assert 'id="quota"' not in alice.get("/recordings/").text  # a server without limits says nothing of them


@pytest.mark.parametrize(
    ("arguments", "quota", "words"),
    [
        (["alice", "2.5"], 2.5, "alice uses 0.0 GB of 2.5."),
        (["ALICE", "0"], 0.0, "of as many as there are."),
        (["alice"], None, "of 7."),
        (["alice", "much"], 1.0, "Use a number of GB from 0 to 1000000, or leave it empty. Nothing was changed."),
        (["alice", "nan"], 1.0, "Nothing was changed."),
        (["alice", "inf"], 1.0, "Nothing was changed."),
        (["nobody", "1"], 1.0, "Nobody here is called nobody. Nothing was changed."),
    ],
)
def test_an_admin_sets_the_quota_of_one_person(make_app, alice, arguments, quota, words):
    app = make_app(quota_gb=7.0)
    with app.app_context():
        accounts.find("alice").quota_gb = 1.0
        db.session.commit()
    result = app.test_cli_runner().invoke(args=["quota", *arguments])
    assert words in result.output
    assert (result.exit_code == 0) is ("Nothing" not in words)
    with app.app_context():
        assert accounts.find("alice").quota_gb == quota


# Time


@pytest.mark.parametrize(
    ("server", "own", "days", "kept"),
    [
        (0, None, None, {1, 20, 40}),
        (30, None, 30, {1, 20}),
        (30, 10, 10, {1}),
        (0, 30, 30, {1, 20}),
        (10, 30, 10, {1}),  # the server had more once
    ],
)
def test_recordings_go_when_the_server_or_their_owner_wants_so(in_app, server, own, days, kept):
    alice = in_app(keep_days=server)
    alice.keep_days = own
    ids = {add(alice, 1, days=age): age for age in (1, 20, 40)}
    bobs = add(accounts.find("bob"), 1, days=5)
    assert quotas.days_kept(alice) == days
    assert retention.expire() == 3 - len(kept)
    assert {age for recording, age in ids.items() if db.session.get(Recording, recording)} == kept
    assert db.session.get(Recording, bobs)


@pytest.mark.parametrize(("days", "saved"), [("", None), (" 7 ", 7), ("30", 30)])
def test_a_person_keeps_recordings_for_fewer_days(make_app, visit_app, alice, days, saved):
    app = make_app(keep_days=30)
    person = visit_app(app, "alice").log_in()
    assert "Saved." in save(person, keep_days=days, audience="chosen").text
    with app.app_context():
        user = accounts.find("alice")
        assert (user.keep_days, user.audience) == (saved, "chosen")


@pytest.mark.parametrize("days", ["0", "31", "-1", "1.5", "many", "³", "9" * 400])
def test_days_that_are_none_or_too_many_are_refused_beside_the_field(make_app, visit_app, alice, days):
    person = visit_app(make_app(keep_days=30), "alice").log_in()
    answer = save(person, keep_days=days)
    assert answer.status_code == 422
    assert "Use a whole number of days from 1 to 30, or leave it empty." in answer.text
    assert 'id="keep_days-error"' in answer.text


@pytest.mark.parametrize(
    ("audience", "words"),
    [
        ("friends", "Your friends can play it too."),
        ("chosen", "You choose who can play it too."),
        ("nobody", "Only you can play it."),
    ],
)
def test_before_a_stream_the_page_says_who_will_hear_its_recording(alice, audience, words):
    save(alice, audience=audience)
    assert words in alice.get("/live").text


def test_an_audience_that_is_none_is_refused(app, alice):
    assert save(alice, audience="everybody").status_code == 422
    with app.app_context():
        user = accounts.find("alice")
        assert user.audience == "friends"
        with pytest.raises(Invalid) as refused:
            quotas.change(user, keep_days="", audience="everybody")
    assert list(refused.value.fields) == ["audience"]


class TestNewServer:
    def test_everybody_gets_a_tenth_of_the_disk(self, make_app, visit_app):
        app = make_app(quota_gb=None)
        alice = visit_app(app, "alice").register()
        with app.app_context():
            tenth = shutil.disk_usage(app.config["STILLAIR"].data).total / 10
            share = quotas.quota(accounts.find("alice"))
            assert abs(share - tenth) < GB
            assert share >= GB
        assert "Each person may keep" in alice.get("/admin/storage").text

    def test_a_setting_wins(self, make_app, visit_app):
        app = make_app(quota_gb=3.0)
        visit_app(app, "alice").register()
        with app.app_context():
            assert quotas.quota(accounts.find("alice")) == 3 * GB

    def test_one_from_before_has_no_limit_until_its_admin_sets_one(self, make_app, visit_app):
        app = make_app(quota_gb=None)
        alice = visit_app(app, "alice").register()
        with app.app_context():
            db.session.execute(delete(Setting))
            db.session.commit()
            assert quotas.quota(accounts.find("alice")) is None
        visit_app(app, "bob").register()
        with app.app_context():
            assert quotas.quota(accounts.find("bob")) is None
        assert "People may keep as much as there is room." in alice.get("/admin/storage").text
