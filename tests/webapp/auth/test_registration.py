"""Who may register, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.webapp.conftest import PASSWORD
from webapp.accounts import accounts
from webapp.auth import invites
from webapp.core.database import db
from webapp.models import RateLimitHit, now
from webapp.security import rate_limits


def register(person, **fields):
    return person.post("/api/register", {"username": person.username, "password": PASSWORD, **fields})


def choose(admin, mode: str):
    return admin.client.post("/admin/registration", data={"csrf_token": admin.csrf_token, "registration": mode})


def invite_of(app, username: str) -> str:
    with app.app_context():
        return invites.make(accounts.find(username)).id


class TestWhoMay:
    @pytest.mark.parametrize(("mode", "code"), [("invite", "invite_needed"), ("closed", "registration_closed")])
    def test_the_first_account_can_always_be_made_and_the_second_asks_the_setting(self, make_app, visit_app, mode, code):
        app = make_app(registration=mode)
        assert register(visit_app(app, "alice")).status_code == 201
        answer = register(visit_app(app, "bob"))
        assert (answer.status_code, answer.json["error"]["code"]) == (403, code)

    def test_what_the_admin_chooses_holds_for_every_process(self, make_app, visit_app, alice, visit):
        assert choose(alice, "closed").status_code == 303
        assert register(visit_app(make_app(registration="open"), "bob")).status_code == 403
        assert choose(alice, "open").status_code == 303
        assert register(visit("bob")).status_code == 201

    def test_anything_else_is_no_choice(self, alice, visit):
        assert choose(alice, "sometimes").status_code == 422
        assert register(visit("bob")).status_code == 201

    def test_with_an_invite_link_one_person_comes_in(self, app, alice, visit):
        choose(alice, "invite")
        link = invite_of(app, "alice")
        assert register(visit("bob"), invite=link).status_code == 201
        answer = register(visit("charlie"), invite=link)
        assert (answer.status_code, answer.json["error"]["code"]) == (410, "gone")
        assert [friend["username"] for friend in alice.get("/api/friends").json["friends"]] == ["bob"]

    def test_a_link_is_not_spent_by_a_registration_that_fails(self, app, alice, visit):
        link = invite_of(app, "alice")
        assert register(visit("alice"), invite=link).status_code == 409
        assert register(visit("bob"), password="short", invite=link).status_code == 422
        assert register(visit("bob"), invite=link).status_code == 201

    def test_a_link_does_not_open_what_is_closed(self, app, alice, visit):
        choose(alice, "closed")
        assert register(visit("bob"), invite=invite_of(app, "alice")).status_code == 403


@pytest.mark.parametrize(
    ("mode", "words", "has_form"),
    [
        ("open", "Friends find you by this name.", True),
        ("invite", "You need an invite link to register here.", False),
        ("closed", "Registration is closed here.", False),
    ],
)
def test_the_page_says_who_may_register(alice, visit, mode, words, has_form):
    choose(alice, mode)
    page = visit("bob").get("/register").text
    assert words in page
    assert ('id="password"' in page) is has_form


def test_a_fresh_server_asks_for_the_admins_account(visit):
    answer = visit("alice").get("/", follow_redirects=True)
    assert answer.request.path == "/register"
    assert "The first account is the admin's." in answer.text


class TestHowOften:
    @pytest.fixture
    def app(self, make_app):
        return make_app(registrations_per_hour=2)

    def let_pass(self, app, seconds: float) -> None:
        with app.app_context():
            for act in db.session.scalars(select(RateLimitHit)):
                act.at -= timedelta(seconds=seconds)
            db.session.commit()

    def test_a_network_that_makes_too_many_accounts_waits(self, app, visit):
        for name in ("alice", "bob"):
            assert register(visit(name)).status_code == 201
        charlie = visit("charlie")
        answer = register(charlie)
        assert (answer.status_code, answer.json["error"]["code"]) == (429, "too_many")
        assert 3590 <= int(answer.headers["Retry-After"]) <= 3600
        assert "Try again in 60 minutes." in answer.json["error"]["message"]
        page = charlie.client.post("/register", data={"csrf_token": charlie.csrf_token, "username": "x-1", "password": PASSWORD})
        assert page.status_code == 429
        assert "Too many accounts have been created from your network in the last hour. Try again in 60 minutes." in page.text
        self.let_pass(app, 3601)
        assert register(charlie).status_code == 201

    def test_a_registration_that_fails_does_not_count(self, app, visit):
        register(visit("alice"))
        for _ in range(5):
            assert register(visit("alice")).status_code == 409
        assert register(visit("bob")).status_code == 201

    def test_another_network_does_not_wait(self, alice, make_app, visit_app):
        app = make_app(registrations_per_hour=1, trusted_proxies=1)
        statuses = []
        for number, address in enumerate(("203.0.113.7", "203.0.113.7", "2001:db8::1", "2001:db8::2")):
            body = {"username": f"person-{number}", "password": PASSWORD}
            answer = visit_app(app, "somebody").post("/api/register", body, headers={"X-Forwarded-For": address})
            statuses.append(answer.status_code)
        assert statuses == [201, 429, 201, 429]

    def test_the_time_to_wait_is_until_the_oldest_that_counts_is_an_hour_ago(self, app, visit):
        register(visit("alice"))
        self.let_pass(app, 3000)
        register(visit("bob"))
        assert 590 <= int(register(visit("charlie")).headers["Retry-After"]) <= 600


def test_somebody_who_sends_too_many_friend_requests_waits(app, alice, bob, visit):
    dora, erin = visit("dora").register(), visit("erin").register()
    bob.ask(dora)
    with app.app_context():
        subject = db.session.scalars(
            select(RateLimitHit.subject).where(RateLimitHit.subject.startswith("friend request:"))
        ).all()[-1]
        db.session.add_all(RateLimitHit(subject=subject) for _ in range(rate_limits.LIMITS["friend request"].maximum - 1))
        db.session.commit()
    answer = bob.post("/api/friend-request/send", {"username": "erin"})
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "too_many")
    assert int(answer.headers["Retry-After"]) > 3500
    page = bob.client.post("/friends/request", data={"csrf_token": bob.csrf_token, "username": "erin"}, follow_redirects=True)
    assert "You have sent too many friend requests in the last hour. Try again in 60 minutes." in page.text
    assert erin.get("/api/friend-requests/pending").json["received"] == []
    erin.ask(bob)
    assert bob.post("/api/friend-request/send", {"username": "erin"}).json["status"] == "accepted"
    assert dora.post("/api/friend-request/send", {"username": "alice"}).status_code == 201


def test_what_counted_long_ago_is_forgotten(app, alice, visit):
    with app.app_context():
        db.session.execute(update(RateLimitHit).values(at=now() - timedelta(hours=2)))
        db.session.commit()
    register(visit("bob"))
    with app.app_context():
        assert len(db.session.scalars(select(RateLimitHit)).all()) == 1
