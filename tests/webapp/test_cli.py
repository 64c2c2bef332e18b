from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from webapp.accounts import accounts
from webapp.cli import DEMO_NAMES
from webapp.core.database import db
from webapp.models import Friendship, User


def run(app, *arguments: str, answers: str = ""):
    return app.test_cli_runner().invoke(args=arguments, input=answers)


def shown_passwords(output: str) -> dict[str, str]:
    return dict(re.findall(r"^(demo-\w+)  (\S+)$", output, re.MULTILINE))


def test_demo_makes_three_friends_who_can_log_in(app, visit):
    result = run(app, "demo")
    assert result.exit_code == 0
    passwords = shown_passwords(result.output)
    assert passwords.keys() == set(DEMO_NAMES)
    assert len(set(passwords.values())) == 3
    for name, password in passwords.items():
        browser = visit(name)
        assert browser.enter("/api/login", password).status_code == 200
        friends = {friend["username"] for friend in browser.get("/api/friends").json["friends"]}
        assert friends == set(DEMO_NAMES) - {name}


def test_demo_again_gives_new_passwords_and_ends_old_sessions(app, visit):
    first = shown_passwords(run(app, "demo").output)
    browser = visit(DEMO_NAMES[0])
    browser.enter("/api/login", first[DEMO_NAMES[0]])
    second = shown_passwords(run(app, "demo").output)
    assert not set(first.values()) & set(second.values())
    assert browser.get("/api/friends").status_code == 401
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Friendship)) == 3


def test_demo_leaves_a_folder_with_real_people_alone(app, alice):
    result = run(app, "demo")
    assert result.exit_code == 1
    assert "Nothing was changed" in result.output
    with app.app_context():
        assert db.session.scalars(select(User.username)).all() == ["alice"]
    assert run(app, "demo", "--force").exit_code == 0


def test_create_user_asks_for_the_password(app, visit):
    result = run(app, "create-user", "ana", answers="correct horse battery\n" * 2)
    assert result.exit_code == 0
    assert "is the admin" in result.output
    assert "horse" not in result.output
    assert visit("ana").enter("/api/login").status_code == 200


@pytest.mark.parametrize(
    ("name", "password", "problem"),
    [
        ("ana", "short", "8 characters"),
        ("a b", "correct horse", "letters"),
        ("noise-remover", "correct horse", "reserved"),
    ],
)
def test_create_user_says_what_is_wrong(app, name, password, problem):
    result = run(app, "create-user", name, answers=f"{password}\n" * 2)
    assert result.exit_code == 1
    assert problem in result.output
    with app.app_context():
        assert accounts.find("ana") is None


def test_somebody_is_made_an_admin_when_the_admin_is_lost(app, alice, bob):
    assert bob.get("/admin/").status_code == 404
    assert run(app, "admin", "BOB").output == "bob is an admin.\n"
    assert bob.get("/admin/people/").status_code == 200
    assert run(app, "admin", "nobody").exit_code == 1
