"""Forgotten passwords: reset links, handed over by the admin (Alice) or sent by mail."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.forms import submit
from tests.webapp.support.post_office import PostOffice
from tests.webapp.test_races import at_once
from webapp.accounts import accounts, password_resets
from webapp.core import mail
from webapp.core.database import db
from webapp.models import AuditEntry, ResetLink, ResetRequest, now
from webapp.security import audit, rate_limits

NEW = "another battery staple"


@pytest.fixture
def link(app, alice, bob) -> str:
    """Path of a link for Bob, as the admin's page shows it."""
    page = submit(alice, "/admin/people/bob/reset")
    assert page.status_code == 201
    return re.search(r'value="http://127\.0\.0\.1:8000(/reset/[\w-]{43})"', page.text)[1]


def log_in(visit, password: str) -> int:
    return visit("bob").enter("/api/login", password).status_code


def logged(app) -> list[tuple[str, str, str]]:
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(entry.actor, entry.act, entry.about) for entry in entries]


class TestLink:
    def test_it_sets_a_new_password_and_ends_every_log_in(self, app, bob, link, visit):
        stranger = visit("somebody")
        assert "New password for bob" in stranger.get(link).text
        answer = submit(stranger, link, password=NEW)
        assert answer.request.path == "/login"
        assert "Your new password is saved. Log in with it." in answer.text
        assert bob.get("/api/friends").status_code == 401
        assert (log_in(visit, PASSWORD), log_in(visit, NEW)) == (401, 200)
        assert logged(app) == [("alice", "reset.made", "bob"), ("", "password.reset", "bob"), ("bob", "login.new", "bob")]

    def test_it_works_once(self, link, visit):
        submit(visit("somebody"), link, password=NEW)
        again = submit(visit("somebody"), link, password="yet another one")
        assert again.status_code == 410
        assert "This link has been used or is more than a day old. Nothing was changed." in again.text
        assert log_in(visit, NEW) == 200

    def test_it_works_for_one_of_many(self, app, link, visit):
        browsers = [visit("somebody") for _ in range(10)]

        def use(number: int) -> int:
            fields = {"csrf_token": browsers[number].csrf_token, "password": f"{NEW} {number}"}
            return browsers[number].client.post(link, data=fields).status_code

        assert at_once([lambda number=number: use(number) for number in range(10)]) == {303: 1, 410: 9}
        assert [act for _, act, _ in logged(app)].count("password.reset") == 1

    def test_it_works_for_a_day(self, app, link, visit):
        with app.app_context():
            db.session.execute(update(ResetLink).values(expires_at=now() - timedelta(seconds=1)))
            db.session.commit()
        assert visit("somebody").get(link).status_code == 410
        assert submit(visit("somebody"), link, password=NEW).status_code == 410
        assert log_in(visit, PASSWORD) == 200

    def test_used_expired_and_made_up_are_alike(self, link, visit):
        somebody = visit("somebody")
        submit(somebody, link, password=NEW)
        pages = [somebody.get(path) for path in (link, "/reset/" + "x" * 43, "/reset/" + "x" * 5000)]
        assert {page.status_code for page in pages} == {410}
        assert len({re.sub(r'value="[^"]*"|content="[^"]*"|\?next=[^"]*', "", page.text) for page in pages}) == 1

    @pytest.mark.parametrize(
        ("password", "words"),
        [
            ("short", "Use 8 characters or more."),
            ("x" * 129, "Use at most 128 characters."),
            ("password", "too common"),
            ("", "Use 8 characters or more."),
        ],
    )
    def test_a_bad_password_does_not_spend_it(self, link, visit, password, words):
        somebody = visit("somebody")
        answer = submit(somebody, link, password=password)
        assert answer.status_code == 422
        assert words in answer.text
        assert submit(somebody, link, password=NEW).request.path == "/login"

    def test_nothing_in_the_database_opens_the_account(self, app, link):
        token = link.rpartition("/")[2]
        with app.app_context():
            assert db.session.scalar(select(ResetLink.token_hash)) != token
            kept = [entry.detail + entry.about + entry.act for entry in db.session.scalars(select(AuditEntry))]
        assert token not in "".join(kept)

    @pytest.mark.parametrize("change", ["password", "another link"])
    def test_a_new_password_makes_all_links_worthless(self, alice, bob, link, visit, change):
        if change == "password":
            submit(bob, "/settings/password", old_password=PASSWORD, password=NEW)
        else:
            page = submit(alice, "/admin/people/bob/reset").text
            submit(visit("somebody"), re.search(r"(/reset/[\w-]{43})", page)[1], password=NEW)
        assert visit("somebody").get(link).status_code == 410

    def test_who_had_to_wait_can_log_in_at_once(self, app, link, visit):
        for _ in range(6):
            log_in(visit, "wrong guess")
        submit(visit("somebody"), link, password=NEW)
        assert log_in(visit, NEW) == 200

    def test_a_suspended_person_stays_out(self, alice, link, visit):
        submit(alice, "/admin/people/bob/suspend")
        submit(visit("somebody"), link, password=NEW)
        assert log_in(visit, NEW) == 403

    def test_from_the_command_line(self, app, bob, visit):
        result = app.test_cli_runner().invoke(args=["reset-link", "bob"])
        path = result.output.strip().removeprefix("http://127.0.0.1:8000")
        assert submit(visit("somebody"), path, password=NEW).request.path == "/login"
        assert logged(app)[0] == (audit.COMMAND_LINE, "reset.made", "bob")
        assert app.test_cli_runner().invoke(args=["reset-link", "nobody"]).exit_code == 1


def test_without_mail_the_page_says_whom_to_ask(alice, visit):
    assert "Ask the admin of this server for a reset link." in visit("bob").get("/forgot").text
    assert submit(visit("bob"), "/forgot", username="alice").status_code == 404
    assert "E-mail address" not in alice.get("/settings/password").text
    assert "Send it by mail" not in alice.get("/admin/people/alice/reset").text


class TestByMail:
    @pytest.fixture
    def office(self):
        with PostOffice() as office:
            yield office

    @pytest.fixture
    def app(self, make_app, office):
        return make_app(smtp_url=f"smtp://127.0.0.1:{office.port}", mail_from="Stillair <air@example.org>")

    @pytest.fixture
    def reachable(self, bob):
        """Bob, who has left his address."""
        assert "Saved." in submit(bob, "/settings/email", email="bob@example.org").text
        return bob

    @pytest.fixture
    def deliver(self, app):
        """The reconciler's share."""

        def deliver() -> None:
            with app.app_context():
                password_resets.answer_requests()

        return deliver

    def wishes(self, app) -> int:
        with app.app_context():
            return db.session.scalar(select(func.count()).select_from(ResetRequest))

    def test_who_forgot_the_password_gets_a_letter_and_gets_in(self, app, reachable, office, deliver, visit):
        somebody = visit("somebody")
        assert "Check your mail" in submit(somebody, "/forgot", username=" BOB ").text
        deliver()
        [letter] = office.letters
        assert letter["To"] == "bob@example.org"
        assert letter["Subject"] == "A new password for Stillair"
        path = re.search(r"http://127\.0\.0\.1:8000(/reset/[\w-]{43})\r?\n", letter.get_content())[1]
        assert submit(somebody, path, password=NEW).request.path == "/login"
        assert log_in(visit, NEW) == 200
        acts = [act for _, act, _ in logged(app)]
        assert acts == ["email.changed", "reset.sent", "password.reset", "login.new"]
        assert self.wishes(app) == 0

    def test_the_answer_is_the_same_for_every_name(self, app, reachable, charlie, visit):
        """And so is what the server does before it answers: it writes the name down."""
        somebody, written = visit("somebody"), 0
        for name in ("bob", "charlie", "nobody-here", "no name at all", "", "x" * 5000, "\u202e\x00"):
            answer = submit(somebody, "/forgot", username=name)
            assert (answer.status_code, answer.request.full_path) == (200, "/forgot?sent=1")
            written += bool(accounts.USERNAME.fullmatch(name))
            assert self.wishes(app) == written

    @pytest.mark.parametrize("state", ["unknown", "without address", "suspended"])
    def test_nobody_else_gets_one(self, app, alice, bob, reachable, office, deliver, visit, state):
        names = {"unknown": "nobody-here", "without address": "alice", "suspended": "bob"}
        if state == "suspended":
            submit(alice, "/admin/people/bob/suspend")
        submit(visit("somebody"), "/forgot", username=names[state])
        deliver()
        assert office.letters == []
        assert self.wishes(app) == 0

    def test_a_mail_server_that_says_no_is_asked_again_later(self, app, reachable, office, deliver, visit):
        submit(visit("somebody"), "/forgot", username="bob")
        office.refusing = True
        with pytest.raises(mail.MailRefused):
            deliver()
        with app.app_context():
            assert db.session.scalar(select(func.count()).select_from(ResetLink)) == 0  # of a letter that nobody has
        office.refusing = False
        deliver()
        assert office.letters == []  # not at once
        self.let_pass(app, password_resets.TRIED_EVERY)
        deliver()
        assert len(office.letters) == 1

    def let_pass(self, app, time: timedelta) -> None:
        with app.app_context():
            for wish in db.session.scalars(select(ResetRequest)):
                wish.at, wish.try_at = wish.at - time, wish.try_at - time
            db.session.commit()

    def test_after_an_hour_it_is_given_up(self, app, reachable, office, deliver, visit):
        submit(visit("somebody"), "/forgot", username="bob")
        self.let_pass(app, password_resets.TRIED_FOR + timedelta(seconds=1))
        deliver()
        assert (office.letters, self.wishes(app)) == ([], 0)

    def test_nobody_can_fill_a_mailbox(self, reachable, office, deliver, visit):
        for _ in range(rate_limits.LIMITS["reset mail"].maximum + 2):
            submit(visit("somebody"), "/forgot", username="bob")
            deliver()
        assert len(office.letters) == rate_limits.LIMITS["reset mail"].maximum

    def test_nor_ask_for_ever(self, reachable, visit):
        somebody = visit("somebody")
        statuses = [
            submit(somebody, "/forgot", username="bob").status_code for _ in range(rate_limits.LIMITS["reset wish"].maximum + 1)
        ]
        assert statuses == [200] * rate_limits.LIMITS["reset wish"].maximum + [429]

    def test_the_admin_has_one_sent(self, alice, reachable, office, deliver):
        assert "Send it by mail" in alice.get("/admin/people/bob/reset").text
        assert "A reset link is on its way to bob." in submit(alice, "/admin/people/bob/reset", by="mail").text
        deliver()
        assert [letter["To"] for letter in office.letters] == ["bob@example.org"]
        assert "This account has no e-mail address." in submit(alice, "/admin/people/alice/reset", by="mail").text

    @pytest.mark.parametrize("email", ["bob", "bob@example.org\nBcc: eve@example.org"])
    def test_an_address_that_is_none_is_not_taken(self, app, bob, email):
        answer = submit(bob, "/settings/email", email=email)
        assert answer.status_code == 422
        assert 'id="email-error"' in answer.text
        with app.app_context():
            assert accounts.find("bob").email is None

    def test_an_address_can_be_taken_back(self, app, reachable):
        submit(reachable, "/settings/email", email="")
        with app.app_context():
            assert accounts.find("bob").email is None


def test_what_is_too_old_is_forgotten(app, alice):
    with app.app_context():
        user = accounts.find("alice")
        db.session.add(ResetLink(token_hash="old", user=user, expires_at=now() - timedelta(seconds=1)))
        db.session.add(ResetRequest(username_key="old", at=now() - password_resets.TRIED_FOR * 2))
        password_resets.make(audit.COMMAND_LINE, user)
        password_resets.prune()
        db.session.commit()
        assert db.session.scalar(select(func.count()).select_from(ResetLink)) == 1
        assert db.session.scalar(select(func.count()).select_from(ResetRequest)) == 0
