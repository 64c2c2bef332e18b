"""A fresh server that others can reach belongs to whoever started it: the first account takes the set-up link."""

from __future__ import annotations

import re
import stat

import pytest
from sqlalchemy import select

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.forms import submit
from webapp.core.database import db
from webapp.models import AuditEntry


@pytest.fixture
def public(make_app):
    """A server on the network, without any account."""
    return make_app(host="0.0.0.0", public_url="http://192.0.2.7:8000")


def printed(app) -> str:
    """What `./stillair up` runs and prints at a start."""
    result = app.test_cli_runner().invoke(args=["set-up"])
    assert result.exit_code == 0
    return result.output


def path_of(link: str) -> str:
    return re.search(r"Open http://192\.0\.2\.7:8000(/register\?set_up=[\w-]{43}) ", link)[1]


def register(person, **fields):
    return person.post("/api/register", {"username": person.username, "password": PASSWORD, **fields})


def test_without_the_link_nobody_makes_the_first_account(public, visit_app):
    printed(public)
    stranger = visit_app(public, "mallory")
    assert "This server is new. Open the set-up link" in stranger.get("/", follow_redirects=True).text
    for token in ("", "x" * 43):
        answer = register(stranger, set_up=token)
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "set_up_needed")
    assert submit(stranger, "/register", username="mallory", password=PASSWORD).status_code == 403


def test_with_it_the_admin_comes_in_once_and_it_is_gone(public, make_app, visit_app):
    path = path_of(printed(public))
    assert path_of(printed(public)) == path  # also after another start
    file = public.config["STILLAIR"].data / "set-up-token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    alice = visit_app(public, "alice")
    form = re.search(r'action="([^"]+set_up=[^"]+)"', alice.get(path).text)[1]
    assert submit(alice, form.replace("&amp;", "&"), username="alice", password=PASSWORD).status_code == 200
    assert alice.get("/admin/").status_code == 200
    assert not file.exists()
    assert printed(public) == ""
    assert register(visit_app(make_app(registration="closed"), "bob"), set_up=path.partition("=")[2]).status_code == 403
    with public.app_context():
        assert db.session.scalars(select(AuditEntry.act)).first() == "server.set_up"


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, False),
        ({"host": "::1", "public_url": "http://localhost:8000"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"public_url": "https://air.example.org"}, True),
        ({"trusted_hosts": ("air.local",)}, True),
        ({"trusted_proxies": 1}, True),
    ],
)
def test_only_a_server_for_its_own_machine_needs_none(make_app, changes, needed):
    assert ("set_up=" in printed(make_app(**changes))) is needed


def test_a_server_that_had_accounts_before_needs_none(alice, make_app):
    assert printed(make_app(host="0.0.0.0")) == ""
