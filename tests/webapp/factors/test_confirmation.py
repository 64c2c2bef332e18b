"""Confirming: what asks for it, that nothing sent before is lost, and that guessing is slowed down."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.forms import submit
from tests.webapp.test_access import MATRIX, World, made_world, world  # noqa: F401
from webapp.accounts import access_tokens, accounts
from webapp.core.database import db
from webapp.factors import confirmation
from webapp.models import AccessToken, LoginSession, User, now

ASKED_BY = {
    "pages_tokens.make",
    "pages_settings.save_email",
    "pages_privacy.download",
    "pages_privacy.confirm",
    "pages_privacy.delete",
    "pages_factors.begin_app",
    "pages_factors.app",
    "pages_factors.add_app",
    "pages_factors.remove_app",
    "pages_factors.renew_codes",
    "pages_factors.add_passkey",
    "pages_factors.remove_passkey",
    "api_factors.creation_options",
    "pages_confirmation.confirm",
}
"""Beside all acts of the admin."""


def let_ten_minutes_pass(app) -> None:
    with app.app_context():
        db.session.execute(update(LoginSession).values(confirmed_at=now() - confirmation.LIFETIME))
        db.session.commit()


@pytest.fixture
def later(app, alice):
    """Alice has logged in more than ten minutes ago."""
    let_ten_minutes_pass(app)
    return alice


def hidden(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.partition("<main")[2]):
        found.setdefault(name, []).append(value)
    return found


def is_asked(line, answer) -> bool:
    if line.method == "GET":
        return answer.location is not None and answer.location.startswith("/confirm")
    if answer.is_json:
        return answer.status_code == 403 and answer.json["error"]["code"] == "confirmation_required"
    return answer.status_code == 403 and 'name="confirm_password"' in answer.text


def test_what_would_help_a_thief_most_asks_again(world):  # noqa: F811
    asked = set()
    for endpoint, line in MATRIX.items():
        world.restore()
        let_ten_minutes_pass(world.app)
        if is_asked(line, world.ask("admin", line)):
            asked.add(endpoint)
    acts = {name for name, line in MATRIX.items() if line.path.startswith("/admin") and line.method == "POST"}
    assert asked == ASKED_BY | acts


def test_a_form_that_was_sent_goes_on_after_the_password(app, later):
    form = {"name": "Lights & more", "scopes": ["read", "chat"], "days": "30"}
    page = submit(later, "/settings/tokens", **form)
    assert page.status_code == 403
    kept = hidden(page.text)
    assert kept["name"] == ["Lights &amp; more"]
    assert kept["scopes"] == form["scopes"]
    assert len(kept["csrf_token"]) == 1
    assert submit(later, "/settings/tokens", **form, confirm_password="wrong wrong").status_code == 422
    page = submit(later, "/settings/tokens", **form, confirm_password=PASSWORD)
    assert page.status_code == 201
    with app.app_context():
        [token] = access_tokens.tokens_of(accounts.find("alice"))
        assert (token.name, token.scopes) == ("Lights & more", "read chat")
    assert submit(later, "/settings/tokens", **form).status_code == 201


def test_a_link_goes_on_after_the_password_and_stays_on_this_server(later):
    page = later.client.get("/settings/data.zip?recordings=1", follow_redirects=True)
    assert page.request.full_path == "/confirm?next=/settings/privacy"
    assert submit(later, page.request.full_path, confirm_password=PASSWORD).request.path == "/settings/privacy"
    assert later.get("/settings/data.zip").mimetype == "application/zip"
    assert later.post("/confirm?next=//evil.example").location == "/"


def test_it_counts_for_one_log_in_only(app, alice, visit):
    other = visit("alice").log_in()
    let_ten_minutes_pass(app)
    assert alice.post("/api/confirm", {"password": PASSWORD}).status_code == 200
    assert submit(alice, "/settings/second-factor/app/begin").status_code == 200
    assert submit(other, "/settings/second-factor/app/begin").status_code == 403


def test_programs_are_answered_with_a_code(later):
    wrong = later.post("/api/confirm", {"password": "wrong wrong"})
    assert (wrong.status_code, wrong.json["error"]["fields"].keys()) == (422, {"password"})
    assert later.post("/api/confirm", {}).status_code == 422
    assert later.post("/api/confirm", {"password": PASSWORD}).json.keys() == {"until"}


def test_guessing_inside_a_log_in_waits_and_does_not_keep_the_owner_out(app, later, visit):
    answers = [later.post("/api/confirm", {"code": f"00000{number}"}).status_code for number in range(6)]
    assert answers == [422] * 5 + [429]
    visit("alice").log_in()


def test_no_access_token_passes(app, later):
    with app.app_context():
        token = access_tokens.make(accounts.find("alice"), "Script", ["read"], "")
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().post("/api/confirm", json={"password": PASSWORD}, headers=headers).status_code == 403
    with app.test_request_context(headers=headers):
        user = db.session.get(User, 1)
        user.session_token = token
        with pytest.raises(Exception, match="Log in first"):
            confirmation.confirm(user, PASSWORD, "")


def test_nothing_is_confirmed_by_a_wrong_password(app, later):
    submit(later, "/settings/tokens", name="x", scopes="read", days="", confirm_password="wrong wrong")
    with app.app_context():
        assert db.session.scalars(select(AccessToken)).all() == []
        assert db.session.scalar(select(LoginSession.confirmed_at)) < now() - timedelta(minutes=10)
