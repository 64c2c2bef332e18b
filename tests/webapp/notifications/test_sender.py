"""From a stream that goes live to the words in a friend's browser, through a real push service on this machine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests.webapp.support.push_service import Browser, push_service
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import Friendship, LoginSession, PushMessage, PushSubscription, Stream, now
from webapp.notifications import push_client, sender, vapid
from webapp.streams import queries as stream_queries
from webapp.streams import state as stream_state


@pytest.fixture
def service(tmp_path):
    with push_service(tmp_path) as service:
        yield service


@pytest.fixture
def app(app, service):
    """May reach the push service, which has a private address."""
    app.extensions["push_route"] = service.route
    return app


@pytest.fixture
def subscribe(service):
    """Switches notifications on for somebody; the path at the push service is the name."""

    def subscribe(person, path: str = "") -> Browser:
        browser = Browser()
        answer = person.put("/api/push/subscription", browser.subscription(f"{service.url}/{path or person.username}"))
        assert answer.status_code == 204
        return browser

    return subscribe


@pytest.fixture
def go_live(app, alice):
    """Alice does, from this state."""

    def go_live(state: str = "starting", to: str = "live") -> str:
        with app.app_context():
            stream = stream_queries.running_stream_of(accounts.find("alice"))
            if stream is None:
                stream = Stream(owner=accounts.find("alice"), title="Morning show", state=state)
                db.session.add(stream)
                db.session.commit()
            assert stream_state.move(stream, to)
            return stream.id

    return go_live


@pytest.fixture
def paths(app, service):
    """Sends what is due; returns where it went."""

    def paths() -> list[str]:
        service.requests.clear()
        sender.drain(app)
        return sorted(request.path.removeprefix("/") for request in service.requests)

    return paths


def count(app, model) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model))


def change(app, model, **values) -> None:
    with app.app_context():
        db.session.execute(update(model).values(**values))
        db.session.commit()


def due_in_s(app) -> float:
    with app.app_context():
        return (db.session.scalar(select(PushMessage.due_at)) - now()).total_seconds()


def test_a_friend_is_told_who_is_live_and_nobody_else_can_read_it(app, alice, bob, service, subscribe, go_live):
    browser = subscribe(bob)
    stream_id = go_live()
    sender.drain(app)
    (request,) = service.requests
    assert browser.read(request) == {"title": "alice is live", "body": "Morning show", "link": "/listen/alice"}
    assert b"alice" not in request.body
    assert request.signer(audience=service.url) == vapid.public_key(app.config["STILLAIR"].data)
    assert {name: request.headers[name] for name in ("TTL", "Urgency", "Topic")} == {
        "TTL": "3600",
        "Urgency": "high",
        "Topic": stream_id,
    }
    assert "Cookie" not in request.headers


def test_it_is_told_once_for_each_stream(app, alice, bob, subscribe, go_live, paths):
    subscribe(bob)
    go_live()
    assert paths() == ["bob"]
    go_live(to="interrupted")
    go_live()
    assert paths() == []
    go_live(to="ended")
    go_live()
    assert paths() == ["bob"]


def test_all_browsers_of_all_friends_are_told_and_no_strangers(alice, bob, charlie, visit, subscribe, go_live, paths):
    subscribe(alice)
    subscribe(bob)
    subscribe(visit("bob").log_in(), "bobs-phone")
    subscribe(charlie)
    go_live()
    assert paths() == ["bob", "bobs-phone"]


def test_a_sound_check_is_told_to_nobody(alice, bob, subscribe, go_live, paths):
    subscribe(bob)
    go_live(to="checking")
    assert paths() == []
    go_live()
    assert paths() == ["bob"]


def test_who_has_a_page_in_sight_is_told_by_the_page(alice, bob, subscribe, go_live, paths):
    subscribe(bob)
    with bob.events() as his:
        go_live()
        assert [his.next()[0], his.next()[0]] == ["stream.live", "notice.live"]
    assert paths() == []


def test_a_page_in_the_background_does_not_count(alice, bob, subscribe, go_live, paths):
    subscribe(bob)
    with bob.events("/events?watching=0"):
        go_live()
        assert paths() == ["bob"]


def test_a_page_that_was_closed_this_moment_does_not_count(app, alice, bob, subscribe, go_live, paths):
    subscribe(bob)
    with bob.events():
        pass
    app.extensions["events"].wait_until_closed(5)
    go_live()
    assert paths() == ["bob"]


def test_a_friend_who_is_switched_off_is_not_told_of(app, alice, bob, subscribe, go_live, paths):
    subscribe(bob)
    bob.request("POST", "/settings/notifications", data={"shown": ["alice"], "wanted": []})
    go_live()
    assert paths() == []


def test_a_log_in_that_has_ended_by_itself_gets_nothing(app, alice, bob, subscribe, go_live, paths):
    subscribe(bob)
    change(app, LoginSession, seen_at=now() - timedelta(days=31))
    go_live()
    assert paths() == []


@pytest.mark.parametrize("meanwhile", ["ended", "unfriended", "switched off", "an hour old"])
def test_what_is_no_news_any_more_is_dropped(app, alice, bob, subscribe, go_live, paths, meanwhile):
    subscribe(bob)
    go_live()
    if meanwhile == "ended":
        go_live(to="ended")
    elif meanwhile == "unfriended":
        with app.app_context():  # without the audio server, which would be told, too
            db.session.delete(db.session.scalar(select(Friendship)))
            db.session.commit()
    elif meanwhile == "switched off":
        bob.request("POST", "/settings/notifications", data={"shown": ["alice"]})
    else:
        change(app, PushMessage, created_at=now() - timedelta(hours=1, seconds=1))
    assert paths() == []
    assert count(app, PushMessage) == 0


def test_a_log_out_takes_what_waits_along(app, alice, bob, subscribe, go_live, paths):
    subscribe(bob)
    go_live()
    bob.post("/api/logout")
    assert count(app, PushMessage) == 0
    assert paths() == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(app, alice, bob, service, subscribe, go_live, paths, status):
    subscribe(bob)
    service.answers["/bob"] = (status, {})
    go_live()
    paths()
    assert (count(app, PushSubscription), count(app, PushMessage)) == (0, 0)


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (500, {}, 10),
        (503, {}, 10),
        (429, {"Retry-After": "120"}, 120),
        (429, {"Retry-After": "9" * 30}, 3600),
        (429, {"Retry-After": "soon"}, 10),
        (429, {"Retry-After": "-5"}, 10),
    ],
)
def test_a_push_service_that_is_busy_is_asked_again_later(
    app,
    alice,
    bob,
    service,
    subscribe,
    go_live,
    paths,
    status,
    headers,
    wait_s,
):
    subscribe(bob)
    service.answers["/bob"] = (status, headers)
    go_live()
    assert paths() == ["bob"]
    assert wait_s - 5 < due_in_s(app) <= wait_s
    assert paths() == []
    del service.answers["/bob"]
    change(app, PushMessage, due_at=now())
    assert paths() == ["bob"]
    assert count(app, PushMessage) == 0


def test_it_is_tried_less_and_less_often_and_then_no_more(app, alice, bob, service, subscribe, go_live, paths):
    subscribe(bob)
    service.answers["/bob"] = (500, {})
    go_live()
    waits = []
    while count(app, PushMessage):
        assert paths() == ["bob"]
        if count(app, PushMessage):
            waits.append(round(due_in_s(app) / 10) * 10)
            change(app, PushMessage, due_at=now())
    assert waits == [10, 60, 300, 900]
    assert count(app, PushSubscription) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_push_service_cannot_send_us_elsewhere(app, alice, bob, service, subscribe, go_live, paths, status):
    subscribe(bob)
    service.answers["/bob"] = (status, {"Location": f"{service.url}/elsewhere"})
    go_live()
    assert paths() == ["bob"]
    assert count(app, PushMessage) == 0


def test_a_refusal_is_not_repeated_and_named_without_names(app, alice, bob, service, subscribe, go_live, paths, caplog):
    subscribe(bob)
    service.answers["/bob"] = (403, {})
    go_live()
    paths()
    assert (count(app, PushMessage), count(app, PushSubscription)) == (0, 1)
    (record,) = [record for record in caplog.records if record.name == "webapp.notifications.sender"]
    assert (record.status, record.getMessage()) == (403, "push given up")


def test_one_that_does_not_answer_is_asked_again_later(app, alice, bob, service, subscribe, go_live, monkeypatch):
    monkeypatch.setattr(push_client, "WHOLE_S", 0.3)
    subscribe(bob)
    go_live()
    service.silent.set()
    sender.drain(app)  # returns
    assert due_in_s(app) > 5
    service.silent.clear()
    change(app, PushMessage, due_at=now())
    sender.drain(app)
    assert [request.path for request in service.requests] == ["/bob", "/bob"]


def test_a_certificate_of_nobody_is_not_believed(app, alice, bob, service, subscribe, go_live, paths):
    subscribe(bob)
    app.extensions["push_route"] = push_client.PushRoute(private=True, ports=service.route.ports)
    go_live()
    assert paths() == []
    assert count(app, PushMessage) == 1


def test_a_private_address_is_refused_when_it_is_sent_to_as_well(app, alice, bob, service, subscribe, go_live, paths):
    subscribe(bob)
    app.extensions["push_route"] = push_client.PushRoute(ports=service.route.ports, tls=service.route.tls)
    go_live()
    assert paths() == []
    assert count(app, PushSubscription) == 0


def test_of_two_reconcilers_one_sends(app, alice, bob, subscribe, go_live):
    subscribe(bob)
    go_live()
    with app.app_context():
        assert sender._claim() is not None
        assert sender._claim() is None
    assert 50 < due_in_s(app) <= 60  # whoever claims it and dies leaves it to the next one
