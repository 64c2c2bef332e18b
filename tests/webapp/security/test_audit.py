"""The audit log: what stands there, what never does, how it is read, and when it is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.forms import submit
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import AuditEntry, now
from webapp.security import audit
from webapp.security.login_throttle import FREE_TRIES


def entries(app) -> list[tuple[str, str, str, str]]:
    with app.app_context():
        return [(e.actor, e.act, e.about, e.detail) for e in db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def test_too_many_failed_log_ins_are_written_down_once(app, alice, visit):
    for _ in range(FREE_TRIES["user"] + 3):
        visit("alice").enter("/api/login", "a wrong guess")
    assert entries(app) == [("", "login.slowed", "alice", "127.0.0.1")]


def test_what_was_typed_as_a_name_is_not_for_it_may_be_a_password(app, alice, visit):
    for _ in range(FREE_TRIES["user"] + 3):
        visit("hunter2hunter2").enter("/api/login", "a wrong guess")
    assert entries(app) == []


def test_a_new_password_and_who_may_register(app, alice):
    submit(alice, "/settings/password", old_password="wrong", password="another battery")
    submit(alice, "/admin/registration", registration="closed")
    submit(alice, "/admin/registration", registration="closed")
    submit(alice, "/admin/registration", registration="nonsense")
    submit(alice, "/settings/password", old_password=PASSWORD, password="another battery")
    assert entries(app) == [("alice", "registration.chosen", "", "closed"), ("alice", "password.changed", "alice", "")]


def test_a_takeout_and_what_only_an_admin_may_do(app, alice, bob):
    bob.get("/settings/data.zip").close()
    for _ in range(9):
        assert submit(bob, "/admin/people/alice/suspend").status_code == 404
    refused = ("bob", "admin.refused", "bob", "/admin/people/alice/suspend")
    assert entries(app) == [("bob", "data.exported", "bob", ""), *[refused] * 5]


def test_an_entry_is_there_exactly_when_the_act_is(app, context, alice):
    user = accounts.find("alice")
    audit.record(user, "quota.changed", user, "5 GB")
    db.session.rollback()
    assert audit.page().entries == []
    with pytest.raises(ValueError, match="no act"):
        audit.record(user, "something.else")


@pytest.fixture
def many(app, alice, bob):
    with app.app_context():
        bob_ = accounts.find("bob")
        for number in range(audit.PAGE * 2 + 1):
            audit.record("alice", "quota.changed", bob_ if number % 2 else None, f"{number} GB")
        audit.record(audit.COMMAND_LINE, "admin.made", bob_, "<b>" + "x" * 500)
        db.session.commit()


def test_the_newest_comes_first_and_the_rest_in_pages(app, alice, many):
    first = alice.get("/admin/log").text
    assert first.index("on the command line") < first.index("100 GB") < first.index("52 GB")
    assert "51 GB" not in first
    assert "&lt;b&gt;" in first
    with app.app_context():
        last = audit.page().entries[-1].id
    second = alice.get(f"/admin/log?before={last}").text
    assert "51 GB" in second
    assert "Older entries" in second


def test_what_was_about_one_person(alice, many):
    page = alice.get("/admin/log?about=bob").text
    assert "Log of bob" in page
    assert "99 GB" in page
    assert "100 GB" not in page
    assert "Nothing yet." in alice.get("/admin/log?about=nobody").text


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "9" * 30, "³"])
def test_a_bad_place_is_refused(alice, before):
    assert alice.get("/admin/log", query_string={"before": before}).status_code == 422


def test_every_act_has_its_words(context, app):
    with app.test_request_context():
        assert all(str(words) for words in audit.ACTS.values())


def test_it_is_forgotten_after_half_a_year(app, context, alice):
    for days in (179, 181):
        audit.record("alice", "quota.changed", detail=f"{days}")
        db.session.flush()
        db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first().at = now() - timedelta(days=days)
    audit.prune()
    db.session.commit()
    assert [entry.detail for entry in audit.page().entries] == ["179"]
