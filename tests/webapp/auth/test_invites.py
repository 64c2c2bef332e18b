"""Invite links, as a browser without JavaScript uses them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.webapp.conftest import PASSWORD
from webapp.auth import invites
from webapp.core.database import db
from webapp.models import Invite, now


def submit(person, path, **fields):
    return person.client.post(path, data={"csrf_token": person.csrf_token, **fields}, follow_redirects=True)


def make_link(person) -> str:
    """Path of a new link."""
    return links_on(submit(person, "/invites"))[0]


def links_on(answer) -> list[str]:
    return re.findall(r'value="http://127\.0\.0\.1:8000(/invite/\w+)"', answer.text)


def csrf_of(answer) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', answer.text)[1]


def test_who_registers_by_a_link_is_a_friend_at_once(alice, visit):
    dora = visit("dora")
    page = dora.get(make_link(alice))
    assert "invites you" in page.text
    action = re.search(r'action="(/register\?invite=\w+)"', page.text)[1]
    with alice.events() as hers:
        answer = submit(dora, action, username="dora", password=PASSWORD)
        assert hers.next() == ("friend.added", {"username": "dora"})
    assert answer.request.path == "/"
    assert "Welcome. You and alice are friends now." in answer.text
    assert alice.get("/listen/dora").status_code == 200
    assert links_on(alice.get("/invites")) == []


def test_a_registration_that_fails_keeps_the_invite(alice, visit):
    dora = visit("dora")
    action = re.search(r'action="(/register\?invite=\w+)"', dora.get(make_link(alice)).text)[1]
    answer = submit(dora, action, username="alice", password=PASSWORD)
    assert "This name is taken. Choose another." in answer.text
    assert f'action="{action}"' in answer.text
    assert "You and alice are friends now." in submit(dora, action, username="dora", password=PASSWORD).text


def test_who_has_an_account_logs_in_and_accepts(alice, charlie, visit):
    link = make_link(alice)
    browser = visit("charlie")
    login = re.search(r'href="(/login\?next=[^"]+)"', browser.get(link).text)[1]
    browser.csrf_token = csrf_of(browser.get(login))
    answer = submit(browser, login, username="charlie", password=PASSWORD)
    assert answer.request.path == link
    browser.csrf_token = csrf_of(answer)
    assert "You and alice are friends now." in submit(browser, link).text
    assert alice.get("/listen/charlie").status_code == 200


def test_a_link_answers_an_open_request_between_the_two(alice, charlie):
    alice.ask(charlie)
    submit(charlie, make_link(alice))
    assert charlie.get("/api/friend-requests/pending").json == {"received": [], "sent": []}
    assert [friend["username"] for friend in charlie.get("/api/friends").json["friends"]] == ["alice"]


def test_ones_own_link_and_a_friends_link_are_not_spent(alice, bob, charlie):
    link = make_link(alice)
    assert alice.get(link).location == "/invites"
    assert bob.get(link).location == "/listen/alice"
    for person, words in ((alice, "This is your own invite link."), (bob, "You and alice are already friends.")):
        answer = submit(person, link)
        assert (answer.status_code, words in answer.text) == (409, True)
    assert "You and alice are friends now." in submit(charlie, link).text


class TestLinksThatDoNotWork:
    @pytest.fixture
    def link(self, alice):
        return make_link(alice)

    @pytest.fixture
    def used(self, link, charlie):
        submit(charlie, link)

    @pytest.fixture
    def expired(self, app, link):
        with app.app_context():
            db.session.execute(update(Invite).values(expires_at=now() - timedelta(seconds=1)))
            db.session.commit()

    @pytest.fixture
    def withdrawn(self, alice, link):
        assert "That link no longer works." in submit(alice, link.replace("invite", "invites") + "/withdraw").text

    @pytest.mark.parametrize(
        ("end", "status", "words"),
        [
            ("used", 410, "This invite link has already been used; each works only once. Ask alice for a new one."),
            ("expired", 410, "This invite link has expired. Ask alice for a new one."),
            ("withdrawn", 404, "This invite link is unknown. Check that all of it was copied, or ask for a new one."),
        ],
    )
    def test_each_says_why(self, request, visit, link, end, status, words):
        request.getfixturevalue(end)
        dora = visit("dora").register()
        form = f"/register?invite={link[8:]}"
        for answer in (visit("erin").get(link), dora.get(link), submit(dora, link), visit("erin").get(form)):
            assert (answer.status_code, words in answer.text) == (status, True)
        assert submit(visit("erin"), form, username="erin", password=PASSWORD).status_code == status
        assert visit("erin").enter("/api/login").status_code == 401

    @pytest.mark.parametrize("end", ["suspend", "delete"])
    def test_it_ends_with_its_inviter_also_in_a_page_that_is_open(self, alice, bob, visit, end):
        link = make_link(bob)
        dora, erin, open_form = visit("dora").register(), visit("erin"), f"/register?invite={link[8:]}"
        assert (dora.get(link).status_code, erin.get(open_form).status_code) == (200, 200)
        answer = submit(alice, f"/admin/people/bob/{end}", username="bob")
        assert answer.status_code == 200
        assert submit(dora, link).status_code == submit(erin, open_form, username="erin", password=PASSWORD).status_code == 404
        assert visit("erin").enter("/api/login").status_code == 401
        submit(alice, "/admin/people/bob/restore")
        assert dora.get(link).status_code == 404

    @pytest.mark.parametrize("name", ["x", "f" * 32, "f" * 5000, "%00", "..%2f"])
    def test_a_link_that_nobody_made_is_not_known(self, alice, visit, name):
        assert visit("dora").get(f"/invite/{name}").status_code == 404


def test_nobody_withdraws_somebody_elses_link(alice, charlie):
    link = make_link(alice)
    assert submit(charlie, link.replace("invite", "invites") + "/withdraw").status_code == 404
    assert links_on(alice.get("/invites")) == [link]


def test_there_is_an_end_to_open_links(alice, charlie, monkeypatch):
    monkeypatch.setattr(invites, "MAX_OPEN", 2)
    make_link(alice)
    link = make_link(alice)
    assert "You have 2 open invite links." in submit(alice, "/invites").text
    assert len(links_on(alice.get("/invites"))) == 2
    submit(charlie, link)
    make_link(alice)


def test_a_link_has_the_address_that_people_type(make_app, visit_app):
    app = make_app(public_url="https://air.example.org", trusted_hosts=("localhost",))
    set_up = re.search(r"/register\?set_up=[\w-]+", app.test_cli_runner().invoke(args=["set-up"]).output)[0]
    alice = visit_app(app, "alice")
    page = alice.client.get(set_up, base_url="https://air.example.org")
    answer = alice.client.post(
        set_up,
        base_url="https://air.example.org",
        follow_redirects=True,
        data={"csrf_token": csrf_of(page), "username": "alice", "password": PASSWORD},
    )
    made = alice.client.post(
        "/invites", base_url="https://air.example.org", follow_redirects=True, data={"csrf_token": csrf_of(answer)}
    )
    assert 'value="https://air.example.org/invite/' in made.text


def test_old_links_are_forgotten(app, alice):
    make_link(alice)
    with app.app_context():
        db.session.execute(update(Invite).values(expires_at=now() - invites.KEPT - timedelta(seconds=1)))
        invites.prune()
        db.session.commit()
        assert db.session.get(Invite, "x") is None
        assert db.session.query(Invite).count() == 0
