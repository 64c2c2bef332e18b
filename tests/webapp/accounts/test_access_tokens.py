"""Access tokens: how they are made, kept and ended. What each may open is in test_access.py."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.forms import submit
from webapp.accounts import access_tokens, accounts, password_resets
from webapp.core.database import db
from webapp.models import AccessToken, AuditEntry, now
from webapp.openapi.scopes import Scope
from webapp.security import audit

PATH = "/settings/tokens"


@pytest.fixture
def make(alice):
    """By the page; returns the token."""

    def make(**fields) -> str:
        form = {"csrf_token": alice.csrf_token, "name": "Script", "scopes": ["read"], "days": "", **fields}
        page = alice.client.post(PATH, data=form)
        assert page.status_code == 201
        return re.search(r'value="(stillair_[\w-]{43})"', page.get_data(as_text=True))[1]

    return make


@pytest.fixture
def ask(app):
    """Somebody's script."""

    def ask(token: str, path: str = "/api/session", method: str = "GET", **headers: str):
        return app.test_client().open(path, method=method, headers={"Authorization": f"Bearer {token}", **headers})

    return ask


def test_a_script_asks_in_the_name_of_its_owner(make, ask):
    assert ask(make()).json["user"]["username"] == "alice"


def test_a_token_is_shown_once_and_kept_as_a_hash(app, alice, make):
    token = make()
    for path in (PATH, "/settings/", "/"):
        assert token not in alice.get(path).get_data(as_text=True)
    with app.app_context():
        row = db.session.execute(select(*AccessToken.__table__.columns)).one()
        assert token.removeprefix("stillair_") not in str(row)
        db.session.execute(update(AccessToken).values(token_hash=token))
        db.session.commit()


@pytest.mark.parametrize("broken", [False, True])
def test_no_token_is_logged(app, make, ask, caplog, broken):
    caplog.set_level(logging.DEBUG)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    token = make()
    if broken:
        with app.app_context():
            db.session.execute(text("ALTER TABLE access_token RENAME TO gone"))
            db.session.commit()
    assert ask(token).status_code == (500 if broken else 200)
    logged = "\n".join(logging.Formatter("%(message)s").format(record) for record in caplog.records)
    assert ("request failed" in logged) is broken
    assert "stillair_" not in logged


def test_a_script_needs_no_csrf_token(make, ask, charlie):
    answer = ask(make(scopes=["friends"]), "/api/friends/charlie", "DELETE")
    assert answer.status_code == 404  # not 403
    assert "Set-Cookie" not in answer.headers


def test_a_token_does_not_count_beside_a_cookie(bob, anonymous, make):
    token = make(scopes=["read", "friends"])
    headers = {"Authorization": f"Bearer {token}"}
    assert bob.client.get("/api/session", headers=headers).json["user"]["username"] == "bob"
    assert bob.client.delete("/api/friends/alice", headers=headers).status_code == 403
    assert anonymous.client.get("/api/friends", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer stillair_",
        "Bearer stillair_" + "x" * 43,
        "Bearer x",
        "Basic YWxpY2U6eA==",
        "Token {token}",
        "Bearer {token}x",
        "Bearer {token} x",
        "{token}",
        "Bearer STILLAIR_{token}",
        "Bearer \xff",
        "Bearer a=b",
    ],
)
def test_what_is_no_token_opens_nothing(app, make, header):
    token = make()
    answer = app.test_client().get("/api/friends", headers={"Authorization": header.format(token=token)})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_counts_no_more(app, alice, make, ask):
    token = make()
    with app.app_context():
        token_id = db.session.scalar(select(AccessToken.id))
    assert alice.post(f"{PATH}/{token_id}/revoke").status_code == 303
    answer = ask(token)
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "bad_token"


def test_a_token_ends_when_it_was_said_to(app, alice, make, ask):
    token = make(days="30")
    assert ask(token).status_code == 200
    with app.app_context():
        left = db.session.scalar(select(AccessToken.expires_at)) - now()
        assert timedelta(days=29) < left <= timedelta(days=30)
        db.session.execute(update(AccessToken).values(expires_at=now() - timedelta(seconds=1)))
        db.session.commit()
    assert ask(token).status_code == 401
    assert "It has expired." in alice.get(PATH).get_data(as_text=True)


def test_the_last_use_is_shown(alice, make, ask):
    token = make()
    assert "Never used." in alice.get(PATH).get_data(as_text=True)
    ask(token)
    assert "Last used today" in alice.get(PATH).get_data(as_text=True)


@pytest.mark.parametrize(("kept", "status"), [({}, 401), ({"keep_tokens": "on"}, 200)])
def test_a_new_password_ends_tokens_unless_they_are_kept(alice, make, ask, kept, status):
    token = make()
    assert "Keep access tokens" in alice.get("/settings/password").text
    page = submit(alice, "/settings/password", old_password=PASSWORD, password="another battery", **kept)
    assert page.status_code == 200
    assert ask(token).status_code == status


def test_a_reset_ends_every_token(app, make, ask):
    token = make()
    with app.app_context():
        link = password_resets.make(audit.COMMAND_LINE, accounts.find("alice"))
        password_resets.use(link.rpartition("/")[2], "another battery")
    assert ask(token).status_code == 401


def entries(app) -> list[tuple[str, str]]:
    """What the audit log says of tokens: who did what."""
    with app.app_context():
        found = db.session.scalars(select(AuditEntry).where(AuditEntry.act.startswith("token.")).order_by(AuditEntry.id))
        return [(entry.act, entry.detail) for entry in found]


def test_the_audit_log_says_when_a_token_is_made_used_elsewhere_and_revoked(app, make_app, alice, make):
    token = make(name="hunter2", scopes=["read", "chat"], days="30")
    behind_a_proxy = make_app(trusted_proxies=1).test_client()
    for address in ("203.0.113.7", "203.0.113.7", "198.51.100.1", "203.0.113.7"):
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": address}
        assert behind_a_proxy.get("/api/session", headers=headers).json["user"]
    with app.app_context():
        token_id = db.session.scalar(select(AccessToken.id))
    page = alice.get(PATH).text
    alice.post(f"{PATH}/{token_id}/revoke")
    mark = access_tokens.mark(token_id)
    assert mark in page
    assert entries(app) == [
        ("token.made", f"{mark}, read chat, 30 d"),
        ("token.used", f"{mark}, 203.0.113.7"),
        ("token.used", f"{mark}, 198.51.100.1"),
        ("token.revoked", mark),
    ]


def test_somebody_with_many_addresses_does_not_flood_the_audit_log(app, make):
    make()
    with app.app_context():
        token = db.session.scalar(select(AccessToken))
        for number in range(40):
            access_tokens.record_use(token, f"2001:db8:0:{number:x}::/64")
        assert len(token.networks.split()) == access_tokens.NETWORKS
    assert [act for act, _ in entries(app)].count("token.used") == 20


def test_no_token_counts_for_somebody_who_is_suspended(app, make, ask):
    token = make()
    with app.app_context():
        accounts.find("alice").suspended_at = now()
        db.session.commit()
    assert ask(token).status_code == 401
    with app.app_context():
        accounts.find("alice").suspended_at = None
        db.session.commit()
    assert ask(token).status_code == 200


def test_the_end_of_an_account_is_the_end_of_its_tokens(app, make, ask):
    token = make()
    with app.app_context():
        db.session.execute(db.delete(type(accounts.find("alice"))))
        db.session.commit()
        assert db.session.scalar(select(func.count()).select_from(AccessToken)) == 0
    assert ask(token).status_code == 401


def test_an_event_stream_ends_with_its_token(app, alice, make, ask):
    token = make()
    response = ask(token, "/events")
    parts = iter(response.response)
    next(parts)  # "retry: ..."
    with app.app_context():
        db.session.execute(db.delete(AccessToken))
        db.session.commit()
    assert [part for part in parts if not part.startswith((":", b":"))] == []
    response.close()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": ""}, "Use 1 to 64 characters."),
        ({"name": " \u200b\u202e "}, "Use 1 to 64 characters."),
        ({"name": "x" * 65}, "Use 1 to 64 characters."),
        ({"scopes": []}, "Choose at least one."),
        ({"scopes": ["admin"]}, "Choose at least one."),
        ({"days": "31"}, "Choose one from the list."),
        ({"days": "-1"}, "Choose one from the list."),
        ({"days": "1e9"}, "Choose one from the list."),
    ],
)
def test_what_makes_no_sense_makes_no_token(app, alice, fields, problem):
    form = {"csrf_token": alice.csrf_token, "name": "Script", "scopes": ["read"], "days": "", **fields}
    page = alice.client.post(PATH, data=form)
    assert page.status_code == 422
    assert problem in page.get_data(as_text=True)
    with app.app_context():
        assert access_tokens.tokens_of(accounts.find("alice")) == []


def test_unknown_scopes_are_left_out(app, make):
    make(scopes=["read", "admin", "stream"])
    with app.app_context():
        [token] = access_tokens.tokens_of(accounts.find("alice"))
        assert access_tokens.scopes_of(token) == [Scope.READ, Scope.STREAM]


def test_there_are_only_so_many(app, alice, make):
    with app.app_context():
        for number in range(access_tokens.MAX_TOKENS):
            access_tokens.make(accounts.find("alice"), str(number), ["read"], "")
    form = {"csrf_token": alice.csrf_token, "name": "One more", "scopes": ["read"], "days": ""}
    page = alice.client.post(PATH, data=form)
    assert page.status_code == 409
    assert "You have 20 access tokens. Revoke one first." in page.get_data(as_text=True)


def test_a_token_is_no_way_to_log_in(app, make):
    token = make()
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/", "/settings/", PATH):
        assert app.test_client().get(path, headers=headers).status_code == 302
    answer = app.test_client().post("/api/login", headers=headers, json={"username": "alice", "password": PASSWORD})
    assert answer.status_code == 403  # a CSRF token is missing
