from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from webapp import create_app
from webapp.core.database import db
from webapp.models import LoginFailure
from webapp.security.login_throttle import FREE_TRIES, MAX_DELAY_S, delay_s, record_failure


def fail(person, times: int) -> list[int]:
    return [person.enter("/api/login", "not it " * 2).status_code for _ in range(times)]


def let_pass(app, seconds: float) -> None:
    """Moves all failures into the past."""
    with app.app_context():
        for failure in db.session.scalars(select(LoginFailure)):
            failure.at -= timedelta(seconds=seconds)
        db.session.commit()


@pytest.mark.parametrize(("failures", "delay"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (12, 128), (14, 300), (10_000, 300)])
def test_the_delay_doubles_and_has_an_end(failures, delay):
    assert delay_s(failures, free=5) == delay


def test_five_failures_make_the_next_try_wait(alice, visit):
    stranger = visit("alice")
    assert fail(stranger, 5) == [401] * 5
    response = stranger.enter("/api/login")
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) == 1
    assert response.json["error"]["code"] == "too_many"


def test_the_right_password_works_again_after_the_delay_and_clears_it(app, alice, visit):
    stranger = visit("alice")
    fail(stranger, 5)
    let_pass(app, 1.1)
    assert stranger.enter("/api/login").status_code == 200
    assert fail(visit("alice"), 5) == [401] * 5


def test_each_further_failure_waits_twice_as_long(app, alice, visit):
    stranger = visit("alice")
    fail(stranger, 5)
    let_pass(app, 1.1)
    assert fail(stranger, 1) == [401]
    assert int(stranger.enter("/api/login").headers["Retry-After"]) == 2


def test_nobody_is_locked_out_for_longer_than_the_longest_delay(app, alice, visit):
    stranger = visit("alice")
    for _ in range(12):
        fail(stranger, 1)
        let_pass(app, MAX_DELAY_S)
    assert stranger.enter("/api/login").status_code == 200


def test_a_name_that_nobody_has_is_limited_just_the_same(alice, visit):
    def answers(name: str) -> list[tuple[int, bytes]]:
        person = visit(name)
        responses = [person.enter("/api/login", "not it at all") for _ in range(6)]
        return [(response.status_code, response.data) for response in responses]

    assert answers("alice") == answers("nobody")


def test_other_people_are_not_slowed_down(alice, bob, visit):
    fail(visit("alice"), 6)
    assert visit("bob").enter("/api/login").status_code == 200


def test_limits_survive_a_restart(app, config, alice, visit):
    fail(visit("alice"), 5)
    restarted = create_app(config)
    client = restarted.test_client()
    token = client.get("/api/session").json["csrf_token"]
    response = client.post(
        "/api/login", json={"username": "alice", "password": "correct horse battery"}, headers={"X-CSRF-Token": token}
    )
    assert response.status_code == 429


def test_an_address_that_tries_many_names_is_slowed_down(app, alice, visit):
    fail(visit("alice"), 1)
    with app.app_context():
        address = db.session.scalar(select(LoginFailure.subject).where(LoginFailure.subject.startswith("address:")))
        assert address == "address:127.0.0.1"
        db.session.add_all(LoginFailure(subject=address) for _ in range(FREE_TRIES["address"]))
        db.session.commit()
    assert visit("bob").enter("/api/login", "anything").status_code == 429


@pytest.mark.parametrize(("proxies", "believed"), [(0, "address:127.0.0.1"), (1, "address:203.0.113.7")])
def test_a_forwarded_address_counts_only_from_a_configured_proxy(make_app, visit_app, proxies, believed):
    app = make_app(trusted_proxies=proxies)
    somebody = {"username": "alice", "password": "wrong"}
    visit_app(app, "alice").post("/api/login", somebody, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"})
    with app.app_context():
        subjects = set(db.session.scalars(select(LoginFailure.subject)))
    assert believed in subjects


@pytest.mark.parametrize(
    ("addresses", "subject"),
    [
        (("2001:db8:0:7::1", "2001:db8:0:7::ffff:2"), "address:2001:db8:0:7::/64"),
        (("203.0.113.7", "::ffff:203.0.113.7"), "address:203.0.113.7"),
        (("", "no address"), None),
    ],
)
def test_ipv6_counts_by_household_and_mapped_ipv4_as_itself(context, addresses, subject):
    for address in addresses:
        record_failure("alice", address)
    db.session.commit()
    found = db.session.scalars(select(LoginFailure.subject).where(LoginFailure.subject.startswith("address:"))).all()
    assert found == ([subject] * 2 if subject else ["address:", "address:no address"])


def test_old_failures_are_forgotten(app, alice, visit):
    stranger = visit("alice")
    fail(stranger, 5)
    let_pass(app, 3601)
    assert fail(stranger, 1) == [401]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(LoginFailure)) == 2
