"""The second factor: how an app is set up, what is asked at log-in, and that no code works twice."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from html import unescape

import pyotp
import pytest
from sqlalchemy import select, update

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.forms import submit
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.factors import recovery_codes
from webapp.models import AuditEntry, AuthenticatorApp, LoginFailure, RecoveryCode, now

PATH = "/settings/second-factor"
STEP = "/login/second-step"


class App:
    """Alice's phone. Every code comes from a later step than the one before it, without waiting for that."""

    def __init__(self, secret: str) -> None:
        self.totp, self._steps = pyotp.TOTP(secret), iter((0, 1))

    def code(self) -> str:
        return self.at(next(self._steps))

    def at(self, off: int) -> str:
        return self.totp.at(int(time.time()), counter_offset=off)


@pytest.fixture
def set_up(alice):
    """Returns Alice's app and her recovery codes."""
    page = submit(alice, f"{PATH}/app/begin").text
    app = App(re.search(r'<code class="key">(\w+)</code>', page)[1])
    page = submit(alice, f"{PATH}/app", code=app.code())
    assert page.status_code == 201
    codes = re.search(r"<textarea[^>]*>([^<]+)<", page.text)[1].split()
    return app, codes


def acts(app) -> list[tuple[str, str, str]]:
    """What the log says, without log-ins."""
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.act != "login.new"))
        return [(entry.actor, entry.act, entry.about) for entry in entries]


def enter(person, **fields):
    return person.post("/api/login", {"username": "alice", "password": PASSWORD, **fields})


def test_an_app_counts_only_after_it_has_shown_a_code(app, alice, visit):
    page = submit(alice, f"{PATH}/app/begin").text
    assert "<svg" in page
    assert submit(alice, f"{PATH}/app", code="000000").status_code == 422
    assert "Off. Anyone" in alice.get(f"{PATH}/").text
    visit("alice").log_in()
    assert acts(app) == []


def test_the_log_in_asks_for_the_password_first_and_then_for_a_code(app, set_up, visit):
    phone, _ = set_up
    browser = visit("alice")
    page = submit(browser, "/login?next=/recordings", username="alice", password="wrong wrong")
    assert (page.status_code, page.request.path) == (401, "/login")
    page = submit(browser, "/login?next=/recordings", username="alice", password=PASSWORD)
    assert page.request.path == STEP
    assert browser.get("/api/session").json["user"] is None
    assert browser.get("/api/friends").status_code == 401
    assert submit(browser, page.request.full_path, code="123456").status_code == 422
    assert browser.get("/api/session").json["user"] is None
    page = submit(browser, page.request.full_path, code=phone.code())
    assert page.request.path == "/recordings"
    assert browser.get("/api/session").json["user"]["username"] == "alice"


def test_the_api_asks_for_the_code_as_described(set_up, visit):
    phone, _ = set_up
    browser = visit("alice")
    assert enter(browser, password="wrong wrong").json["error"]["code"] == "wrong_password"
    answer = enter(browser)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "second_factor_required")
    answer = enter(browser, code="123456")
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "wrong_code")
    assert browser.get("/api/session").json["user"] is None
    assert enter(browser, code=phone.code()).json["user"]["username"] == "alice"


def test_a_code_works_once_and_an_older_one_not_after_it(app, set_up, visit):
    phone, _ = set_up
    with app.app_context():
        db.session.execute(update(AuthenticatorApp).values(last_step=0))
        db.session.commit()
    older, newer = phone.at(0), phone.at(1)
    assert enter(visit("alice"), code=newer).status_code == 200
    assert [enter(visit("alice"), code=code).status_code for code in (newer, older)] == [401, 401]


@pytest.mark.parametrize(("off", "status"), [(-3, 401), (-1, 200), (1, 200), (3, 401)])
def test_clocks_may_differ_by_half_a_minute(app, set_up, visit, off, status):
    phone, _ = set_up
    with app.app_context():
        db.session.execute(update(AuthenticatorApp).values(last_step=0))
        db.session.commit()
    code, browser = phone.at(off), visit("alice")
    answer = enter(browser, code=code)
    if code != phone.at(off):  # the half minute ended between
        answer = enter(browser, code=phone.at(off))
    assert answer.status_code == status


def test_guessing_codes_is_slowed_down_and_the_password_does_not_clear_that(app, set_up, visit):
    phone, _ = set_up
    browser = visit("alice")
    assert [enter(browser, code="123456").status_code for _ in range(5)] == [401] * 5
    right = phone.code()
    assert enter(browser, code=right).status_code == 429
    assert ("", "login.slowed", "alice") in acts(app)
    with app.app_context():
        for failure in db.session.scalars(select(LoginFailure)):
            failure.at -= timedelta(seconds=1.5)
        db.session.commit()
    assert enter(browser, code=right).status_code == 200
    assert [enter(visit("alice"), code="123456").status_code for _ in range(5)] == [401] * 5


def test_whoever_knows_the_password_cannot_keep_the_owner_out(alice, set_up, visit):
    phone, _ = set_up
    thief = visit("alice")
    assert [enter(thief, code="123456").status_code for _ in range(6)] == [401] * 5 + [429]
    assert submit(alice, "/logout").request.path == "/login"
    alice.csrf_token = alice.get("/api/session").json["csrf_token"]
    assert enter(alice, code=phone.code()).status_code == 200


def test_a_recovery_code_works_once_however_it_is_written(app, alice, set_up, visit):
    _, codes = set_up
    assert len(set(codes)) == recovery_codes.COUNT
    page = submit(visit("alice"), "/login", username="alice", password=PASSWORD)
    assert page.request.path == STEP
    assert enter(visit("alice"), code=codes[0].upper().replace("-", " ")).status_code == 200
    assert enter(visit("alice"), code=codes[0]).status_code == 401
    assert ("alice", "recovery.used", "alice") in acts(app)
    assert "A recovery code of your account was used." in alice.get("/settings/log-ins").text


def test_new_recovery_codes_end_the_former_ones(alice, set_up, visit):
    _, codes = set_up
    enter(visit("alice"), code=codes[0])
    assert "9 codes are left" in alice.get(f"{PATH}/").text
    page = submit(alice, f"{PATH}/codes").text
    assert "10 codes are left" in page
    new = re.search(r"<textarea[^>]*>([^<]+)<", page)[1].split()
    assert enter(visit("alice"), code=codes[1]).status_code == 401
    assert enter(visit("alice"), code=new[1]).status_code == 200
    assert new[0] not in alice.get(f"{PATH}/").text


def test_nothing_that_is_kept_shows_a_code(app, set_up):
    phone, codes = set_up
    with app.app_context():
        kept = str(db.session.execute(select(*AuthenticatorApp.__table__.columns)).all())
        kept += str(db.session.execute(select(*RecoveryCode.__table__.columns)).all())
    assert phone.totp.secret not in kept
    assert not [code for code in codes if code in kept or code.replace("-", "") in kept]


def test_another_secret_key_opens_nothing_and_breaks_nothing(make_app, visit_app, set_up):
    phone, codes = set_up
    other = make_app(secret_key="z" * 40)
    assert enter(visit_app(other, "alice"), code=phone.code()).status_code == 401
    assert enter(visit_app(other, "alice"), code=codes[0]).status_code == 200


def test_without_the_app_the_password_is_enough_again(app, alice, set_up, visit):
    submit(alice, f"{PATH}/app/remove")
    visit("alice").log_in()
    with app.app_context():
        assert db.session.scalars(select(RecoveryCode)).all() == []
    assert acts(app) == [("alice", "factor.added", "alice"), ("alice", "factor.removed", "alice")]


@pytest.mark.parametrize("ends_by", ["time", "a new password", "a suspension"])
def test_the_second_step_ends(app, set_up, visit, ends_by):
    phone, _ = set_up
    browser = visit("alice")
    assert submit(browser, "/login", username="alice", password=PASSWORD).request.path == STEP
    if ends_by == "time":
        with browser.client.session_transaction() as session:
            session["second_step"] = {**session["second_step"], "at": time.time() - 301}
    with app.app_context():
        if ends_by == "a new password":
            accounts.set_password(accounts.find("alice"), "another battery")
        if ends_by == "a suspension":
            accounts.find("alice").suspended_at = now()
            db.session.commit()
    assert submit(browser, STEP, code=phone.code()).request.path == "/login"
    assert browser.get("/api/session").json["user"] is None


def test_an_app_that_is_set_up_is_not_replaced_unseen(alice, set_up):
    phone, _ = set_up
    assert submit(alice, f"{PATH}/app/begin").status_code == 409
    page = alice.get(f"{PATH}/app")
    assert page.status_code == 303
    assert phone.totp.secret not in unescape(alice.get(f"{PATH}/").text)


def test_the_admin_removes_a_lost_factor_on_the_command_line(app, set_up, visit):
    run = app.test_cli_runner().invoke
    result = run(args=["admin", "reset-second-factor", "ALICE"])
    assert result.output == "alice logs in with the password alone now.\n"
    visit("alice").log_in()
    assert ("(command line)", "factors.reset", "alice") in acts(app)
    assert run(args=["admin", "reset-second-factor", "nobody"]).exit_code == 1
    assert "Nobody here is called reset-second-factor" in run(args=["admin", "reset-second-factor"]).output
