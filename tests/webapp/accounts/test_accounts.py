from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.webapp.support.forms import submit
from webapp.core.database import db
from webapp.models import LoginSession, User, now
from webapp.security.headers import SESSION_LIFETIME


def cookie_of(person) -> str:
    return person.client.get_cookie("stillair_8000").value


def test_register_logs_in_and_answers_as_documented(anonymous):
    response = anonymous.post("/api/register", {"username": "Ana", "password": "correct horse battery"})
    assert response.status_code == 201
    assert response.json.keys() == {"user", "csrf_token"}
    assert response.json["user"] == {"username": "Ana", "display_name": "Ana"}
    assert anonymous.get("/api/session").json["user"]["username"] == "Ana"


def test_session_of_nobody_has_a_csrf_token(anonymous):
    answer = anonymous.get("/api/session").json
    assert answer["user"] is None
    assert answer["csrf_token"]


def test_only_the_first_account_is_the_admins(app, alice, bob):
    with app.app_context():
        assert [user.is_admin for user in db.session.scalars(select(User).order_by(User.id))] == [True, False]


def test_nobody_makes_himself_admin_by_a_further_field(app, alice, visit):
    visit("eve").post("/api/register", {"username": "eve", "password": "correct horse", "is_admin": True, "id": 99})
    with app.app_context():
        eve = db.session.scalar(select(User).where(User.username == "eve"))
        assert (eve.is_admin, eve.id) == (False, 2)


@pytest.mark.parametrize("name", ["alice", "ALICE", "Alice"])
def test_a_name_is_taken_whatever_its_case(alice, visit, name):
    response = visit(name).enter("/api/register")
    assert response.status_code == 409
    assert response.json["error"]["fields"].keys() == {"username"}


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 33,
        "with space",
        "dot.dot",
        "ünïcode",
        "аlice",
        "a\u202eb",
        "slash/name",
        "％00",
        "noise-remover",
        "Noise-Remover",
        "admin",
    ],
)
def test_other_names_are_refused(anonymous, name):
    anonymous.username = name
    response = anonymous.enter("/api/register")
    assert response.status_code == 422
    assert response.json["error"]["fields"].keys() == {"username"}


@pytest.mark.parametrize("name", ["abc", "a" * 32, "A-b_9", "___", "123"])
def test_these_names_are_fine(anonymous, name):
    anonymous.username = name
    assert anonymous.enter("/api/register").status_code == 201


def test_wrong_password_and_unknown_name_get_the_same_answer(alice, visit):
    wrong = visit("alice").enter("/api/login", "wrong password")
    unknown = visit("nobody").enter("/api/login", "wrong password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.data == unknown.data


def test_log_in_takes_the_name_in_any_case(alice, visit):
    assert visit("ALICE").log_in().get("/api/session").json["user"]["username"] == "alice"


def test_log_in_gives_a_new_cookie_and_a_new_csrf_token(app, alice, visit):
    browser = visit("alice")
    before, token = cookie_of(browser), browser.csrf_token
    browser.log_in()
    assert cookie_of(browser) != before
    assert browser.csrf_token != token
    browser.csrf_token = token
    assert browser.post("/api/logout").status_code == 403


def test_a_cookie_from_before_the_log_out_is_worth_nothing(app, alice, visit):
    stolen = cookie_of(alice)
    assert alice.post("/api/logout").status_code == 204
    thief = visit("thief")
    thief.client.set_cookie("stillair_8000", stolen)
    assert thief.get("/api/friends").status_code == 401
    assert thief.get("/api/session").json["user"] is None


def test_another_log_in_ends_the_one_before_it(alice, bob, visit):
    stolen = cookie_of(alice)
    alice.username = "bob"
    alice.log_in()
    thief = visit("thief")
    thief.client.set_cookie("stillair_8000", stolen)
    assert thief.get("/api/friends").status_code == 401


def test_log_out_ends_only_this_browser(alice, visit):
    other = visit("alice").log_in()
    alice.post("/api/logout")
    assert other.get("/api/friends").status_code == 200


def test_log_out_is_not_done_by_a_link(alice):
    assert alice.get("/api/logout").status_code == 405
    assert alice.get("/api/friends").status_code == 200


def test_only_the_hash_of_a_session_is_stored(app, alice):
    with app.app_context():
        stored = db.session.scalars(select(LoginSession.token_hash)).all()
    with alice.client.session_transaction() as session:
        token = session["_user_id"]
    assert token not in stored
    assert len(token) >= 32


def test_a_session_ends_after_a_month_without_use(app, alice):
    with app.app_context():
        db.session.execute(update(LoginSession).values(seen_at=now() - SESSION_LIFETIME + timedelta(minutes=1)))
        db.session.commit()
    assert alice.get("/api/friends").status_code == 200  # and that was use
    with app.app_context():
        assert db.session.scalar(select(LoginSession.seen_at)) > now() - timedelta(minutes=1)
        db.session.execute(update(LoginSession).values(seen_at=now() - SESSION_LIFETIME))
        db.session.commit()
    assert alice.get("/api/friends").status_code == 401


def test_a_forged_cookie_is_nobodys(app, alice, visit):
    forger = visit("forger")
    with forger.client.session_transaction() as session:  # even one who knows the secret key needs a token
        session["_user_id"] = "1"
    assert forger.get("/api/friends").status_code == 401


def test_a_password_change_logs_every_other_browser_out(app, alice, visit):
    other = visit("alice").log_in()
    submit(alice, "/settings/password", old_password="correct horse battery", password="staple staple")
    assert other.get("/api/friends").status_code == 401
    assert visit("alice").enter("/api/login").status_code == 401
    assert visit("alice").enter("/api/login", "staple staple").status_code == 200


def test_a_password_change_needs_the_old_password(alice, visit):
    answer = submit(alice, "/settings/password", old_password="something else", password="staple staple")
    assert answer.status_code == 422
    assert "The password is wrong." in answer.text
    assert visit("alice").enter("/api/login").status_code == 200
