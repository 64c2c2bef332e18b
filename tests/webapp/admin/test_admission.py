"""A second factor that is required of admins: who is led where, and that nobody is locked out."""

from __future__ import annotations

import re
import time

import pyotp
import pytest
from sqlalchemy import select

from tests.webapp.support.forms import submit
from webapp.core.database import db
from webapp.models import AuditEntry

PATH = "/admin/second-factor"


@pytest.fixture
def required(alice, bob):
    """Alice is an admin and has required it. Bob is none."""
    page = submit(alice, PATH, required="on")
    assert page.request.path == "/settings/second-factor/"  # she has none herself


def test_an_admin_is_led_to_set_it_up_and_gets_in_then(alice, required):
    for answer in (alice.get("/admin/people/"), alice.post("/admin/people/bob/make-admin")):
        assert answer.location == "/settings/second-factor/"
    page = alice.get("/settings/second-factor/").text
    assert "Admins of this server need a second factor." in page
    secret = re.search(r'<code class="key">(\w+)</code>', submit(alice, "/settings/second-factor/app/begin").text)[1]
    submit(alice, "/settings/second-factor/app", code=pyotp.TOTP(secret).at(int(time.time())))
    assert "All admins have one." in alice.get(PATH).text
    assert "Admins of this server" not in alice.get("/settings/second-factor/").text


def test_it_is_no_matter_to_others(bob, required):
    assert bob.get("/admin/").status_code == 404
    assert "Admins of this server" not in bob.get("/settings/second-factor/").text


def test_the_last_admin_gets_in_after_the_factors_are_reset(app, alice, required, visit):
    test_an_admin_is_led_to_set_it_up_and_gets_in_then(alice, None)
    assert app.test_cli_runner().invoke(args=["admin", "reset-second-factor", "alice"]).exit_code == 0
    again = visit("alice").log_in()
    assert again.get("/admin/").location == "/settings/second-factor/"
    test_an_admin_is_led_to_set_it_up_and_gets_in_then(again, None)
    submit(again, PATH)
    assert "All admins have one." in again.get(PATH).text
    with app.app_context():
        acts = db.session.scalars(select(AuditEntry.act).where(AuditEntry.act.startswith("factors.")).order_by(AuditEntry.id))
        assert acts.all() == ["factors.required", "factors.reset", "factors.optional"]


def test_who_has_none_is_named(app, alice, bob):
    submit(alice, "/admin/people/bob/make-admin")
    assert "Without one: alice, bob." in alice.get(PATH).text
