"""Which browsers are woken: switched on and off by themselves, and gone with their log-in."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from sqlalchemy import delete, select

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.push_service import Browser
from webapp.core.database import db
from webapp.models import PushSubscription, User
from webapp.notifications import subscriptions
from webapp.security import rate_limits

ENDPOINT = "https://8.8.8.8/push/"  # public, and nothing is sent there
PATH = "/api/push/subscription"


def switch_on(person, name: str = "", browser: Browser | None = None, **changes: object):
    return person.put(PATH, {**(browser or Browser()).subscription(ENDPOINT + (name or person.username)), **changes})


@pytest.fixture
def endpoints(app):
    """That are known, without what they have in common."""

    def endpoints() -> list[str]:
        with app.app_context():
            found = db.session.scalars(select(PushSubscription.endpoint).order_by(PushSubscription.id))
            return [endpoint.removeprefix(ENDPOINT) for endpoint in found]

    return endpoints


def is_on(person) -> bool:
    return "On in this browser." in person.get("/settings/notifications").text


def test_a_browser_is_switched_on_and_off(alice, endpoints):
    browser = Browser()
    assert not is_on(alice)
    assert [switch_on(alice, browser=browser).status_code for _ in range(2)] == [204, 204]
    assert (is_on(alice), endpoints()) == (True, ["alice"])
    assert [alice.delete(PATH).status_code for _ in range(2)] == [204, 204]
    assert (is_on(alice), endpoints()) == (False, [])


def test_a_browser_that_subscribes_anew_has_one_subscription(alice, endpoints):
    switch_on(alice, "old")
    switch_on(alice, "new")
    assert endpoints() == ["new"]


def test_it_is_on_in_the_browser_where_it_was_switched_on(alice, visit):
    elsewhere = visit("alice").log_in()
    switch_on(alice)
    assert (is_on(alice), is_on(elsewhere)) == (True, False)


def test_it_ends_with_the_log_in(alice, visit, endpoints):
    switch_on(alice, "here")
    switch_on(visit("alice").log_in(), "elsewhere")
    alice.post("/api/logout")
    assert endpoints() == ["elsewhere"]


def test_it_ends_with_the_account(app, alice, endpoints):
    switch_on(alice)
    with app.app_context():
        db.session.execute(delete(User))
        db.session.commit()
    assert endpoints() == []


def test_a_new_password_ends_it_everywhere_but_here(alice, visit, endpoints):
    switch_on(alice, "here")
    switch_on(visit("alice").log_in(), "elsewhere")
    form = {"old_password": PASSWORD, "password": "another battery"}
    assert alice.request("POST", "/settings/password", data=form).status_code == 303
    assert endpoints() == ["here"]
    assert is_on(alice)


def test_logging_in_again_goes_on_and_another_person_does_not(alice, charlie, endpoints):
    switch_on(alice)
    alice.log_in()
    assert endpoints() == ["alice"]
    alice.username = "charlie"
    alice.log_in()
    assert endpoints() == []


def test_a_browser_that_somebody_else_uses_now_is_theirs(alice, charlie, endpoints):
    browser = Browser()
    switch_on(alice, "shared", browser)
    assert switch_on(charlie, "shared", browser).status_code == 204
    assert (is_on(alice), is_on(charlie), endpoints()) == (False, True, ["shared"])


def test_who_knows_only_the_address_of_a_browser_cannot_take_it(alice, charlie, endpoints):
    switch_on(alice, "hers")
    assert switch_on(charlie, "hers").status_code == 409
    assert (is_on(alice), is_on(charlie)) == (True, False)


def test_of_too_many_browsers_the_one_used_longest_ago_gives_way(alice, visit, endpoints):
    for number in range(subscriptions.MAX_BROWSERS + 1):
        switch_on(visit("alice").log_in(), str(number))
    assert endpoints() == [str(number) for number in range(1, subscriptions.MAX_BROWSERS + 1)]


def test_only_so_often_in_an_hour(alice, monkeypatch):
    monkeypatch.setitem(rate_limits.LIMITS, "push subscription", replace(rate_limits.LIMITS["push subscription"], maximum=2))
    assert [switch_on(alice, str(number)).status_code for number in range(3)] == [204, 204, 429]


POINT = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"  # the generator of P-256


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("endpoint", "https://127.0.0.1/x"),
        ("endpoint", "https://[::ffff:10.0.0.1]/x"),
        ("endpoint", "http://8.8.8.8/x"),
        ("endpoint", "https://8.8.8.8/" + "x" * 1024),
        ("endpoint", ""),
        ("endpoint", None),
        ("endpoint", 5),
        ("endpoint", "\ud800"),
        ("p256dh", ""),
        ("p256dh", None),
        ("p256dh", "x"),
        ("p256dh", "!" * 87),
        ("p256dh", POINT[:-4]),
        ("p256dh", POINT + "AAAA"),
        ("p256dh", "B" + "A" * 86),
        ("p256dh", "é" * 87),
        ("p256dh", POINT * 500),
        ("p256dh", [POINT]),
        ("auth", ""),
        ("auth", None),
        ("auth", "AAAA"),
        ("auth", "A" * 24),
        ("auth", "=" * 22),
        ("auth", {}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_subscription_is_refused(alice, endpoints, field, value):
    response = switch_on(alice, **{field: value})
    assert response.status_code == 422
    assert field in response.json["error"]["fields"]
    assert endpoints() == []


def test_a_server_without_a_way_to_the_internet_says_so(alice, monkeypatch):
    def getaddrinfo(*_args, **_options):
        raise socket.gaierror("Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    response = switch_on(alice, endpoint="https://push.example/x")
    assert response.status_code == 422
    assert "cannot find your browser's push service" in response.json["error"]["message"]


def test_the_answer_does_not_tell_which_names_exist_in_the_servers_network(alice, monkeypatch):
    def getaddrinfo(host, port, *_args, **_options):
        if host != "database.internal":
            raise socket.gaierror("Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    there, missing = (switch_on(alice, endpoint=f"https://{name}.internal/x") for name in ("database", "nothing"))
    assert (there.status_code, there.json) == (missing.status_code, missing.json)
