"""Fifty people at once, against the real database: one of them wins, the others are told so, and nothing fails."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from tests.webapp.conftest import PASSWORD, Person
from tests.webapp.support.push_service import Browser
from webapp.accounts import accounts
from webapp.auth import invites
from webapp.core.database import db
from webapp.models import FriendRequest, Friendship, LoginFailure, PushSubscription, User

CROWD = 50


def at_once(acts: list[Callable[[], int]]) -> Counter[int]:
    """Runs all acts in threads of their own that start together; returns how often each status came."""
    statuses: Counter[int] = Counter()
    lock = threading.Lock()
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], int]) -> None:
        start.wait()
        status = act()
        with lock:
            statuses[status] += 1

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def count(app, model) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model))


def test_one_of_fifty_gets_the_name(app, visit):
    browsers = [visit("ana" if number % 2 else "ANA") for number in range(CROWD)]
    statuses = at_once([lambda browser=browser: browser.enter("/api/register").status_code for browser in browsers])
    assert statuses == {201: 1, 409: CROWD - 1}
    assert count(app, User) == 1


def test_one_of_fifty_first_accounts_is_the_admins(app, visit):
    browsers = [visit(f"person-{number}") for number in range(CROWD)]
    statuses = at_once([lambda browser=browser: browser.enter("/api/register").status_code for browser in browsers])
    assert statuses == {201: CROWD}
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(User.is_admin)) == 1


def test_fifty_requests_are_one(app, alice, charlie):
    send = {"username": "alice"}
    statuses = at_once([lambda: charlie.post("/api/friend-request/send", send).status_code] * CROWD)
    assert statuses == {201: 1, 409: CROWD - 1}
    assert count(app, FriendRequest) == 1


def test_two_who_ask_each_other_at_once_are_friends(app, alice, charlie):
    acts = [
        lambda: charlie.post("/api/friend-request/send", {"username": "alice"}).status_code,
        lambda: alice.post("/api/friend-request/send", {"username": "charlie"}).status_code,
    ]
    statuses = at_once(acts * (CROWD // 2))
    assert statuses == {201: 2, 409: CROWD - 2}
    assert count(app, Friendship) == 1


@pytest.mark.parametrize("answers", [("accept",), ("accept", "reject")])
def test_a_request_is_answered_once_however_many_answer(app, alice, charlie, answers):
    path = f"/api/friend-request/{charlie.ask(alice)}/respond"
    acts = [lambda action=action: alice.post(path, {"action": action}).status_code for action in answers]
    statuses = at_once(acts * (CROWD // len(acts)))
    assert statuses == {200: 1, 409: CROWD - 1}
    assert count(app, Friendship) <= 1


def test_a_friendship_ends_once(app, alice, bob):
    statuses = at_once([lambda: alice.delete("/api/friends/bob").status_code] * CROWD)
    assert set(statuses) <= {204, 404}
    assert statuses[204] >= 1
    assert count(app, Friendship) == 0


def test_guesses_sent_at_once_do_not_slip_past_the_limit(app, alice, visit):
    browsers = [visit("alice") for _ in range(CROWD)]
    statuses = at_once([lambda browser=browser: browser.enter("/api/login", "a wrong guess").status_code for browser in browsers])
    assert set(statuses) == {401, 429}
    assert statuses[401] <= 5 + 1  # two verify at once, so one more may be under way
    assert count(app, LoginFailure) == 2 * statuses[401]


def test_fifty_log_ins_with_the_right_password_all_work(app, alice, visit):
    browsers = [visit("alice") for _ in range(CROWD)]
    statuses = at_once([lambda browser=browser: browser.enter("/api/login").status_code for browser in browsers])
    assert statuses == {200: CROWD}
    with app.app_context():
        assert accounts.find("alice") is not None


def test_one_of_fifty_who_have_the_same_invite_link_comes_in(app, alice, visit):
    with app.app_context():
        link = invites.make(accounts.find("alice")).id
    browsers = [visit(f"person-{number}") for number in range(CROWD)]

    def register(browser) -> int:
        body = {"username": browser.username, "password": PASSWORD, "invite": link}
        return browser.post("/api/register", body).status_code

    assert at_once([lambda browser=browser: register(browser) for browser in browsers]) == {201: 1, 410: CROWD - 1}
    assert (count(app, User), count(app, Friendship)) == (2, 1)


def test_a_limit_holds_for_those_who_come_together(make_app, visit_app):
    app = make_app(registrations_per_hour=10)
    browsers = [visit_app(app, f"person-{number}") for number in range(CROWD)]
    statuses = at_once([lambda browser=browser: browser.enter("/api/register").status_code for browser in browsers])
    assert statuses == {201: 10, 429: CROWD - 10}


def test_the_tabs_of_a_browser_are_one_subscription(app, alice):
    tabs = []
    for _ in range(10):
        tabs.append(Person(app, "alice"))
        tabs[-1].client._cookies, tabs[-1].csrf_token = dict(alice.client._cookies), alice.csrf_token
    told = Browser().subscription("https://8.8.8.8/alice")
    statuses = at_once([lambda tab=tab: tab.put("/api/push/subscription", told).status_code for tab in tabs])
    assert statuses.keys() <= {204, 409}
    assert statuses[204] >= 1
    assert count(app, PushSubscription) == 1
