from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.forms import submit
from webapp import create_app
from webapp.accounts.known_browsers import MAX_BROWSERS
from webapp.core.database import db
from webapp.models import LoginFailure
from webapp.security.login_throttle import FREE_TRIES, MAX_DELAY_S, delay_s, of_stranger, record_failure


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
        record_failure(of_stranger("alice", address), address)
    db.session.commit()
    found = db.session.scalars(select(LoginFailure.subject).where(LoginFailure.subject.startswith("address:"))).all()
    assert found == ([subject] * 2 if subject else ["address:", "address:no address"])


class TestOwner:
    """Somebody who knows a name, and guesses for as long as they like, cannot keep its owner out."""

    COOKIE = "stillair_8000_browser"

    @pytest.fixture
    def attacked(self, app, alice):
        """Alice's name, and the network from which she comes, have had all tries that there are."""
        with app.app_context():
            for subject in of_stranger("alice", "127.0.0.1"):
                db.session.add_all(LoginFailure(subject=subject) for _ in range(200))
            db.session.commit()

    def again(self, person):
        """The same browser after logging out."""
        assert person.post("/api/logout").status_code == 204
        person.csrf_token = person.get("/api/session").json["csrf_token"]
        return person

    def test_a_browser_that_was_logged_in_before_gets_in(self, alice, attacked, visit):
        assert visit("alice").enter("/api/login").status_code == 429
        assert self.again(alice).enter("/api/login").status_code == 200

    def test_acts_inside_a_log_in_go_on(self, alice, attacked):
        submit(alice, "/settings/email", email="alice@example.org")
        saved = submit(alice, "/settings/password", old_password=PASSWORD, password="staple staple")
        assert "Saved. You have been logged out in every other browser." in saved.text

    def test_guesses_inside_a_log_in_are_slowed_down_and_touch_no_other(self, alice, visit):
        other = visit("alice").log_in()
        answers = [submit(other, "/settings/password", old_password="a guess", password="staple staple") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [422] * 5 + [429]
        assert submit(alice, "/settings/password", old_password=PASSWORD, password="staple staple").status_code == 200

    def test_a_stolen_device_cookie_is_worth_its_own_five_tries(self, alice, attacked, visit):
        own = visit("alice")
        own.client.set_cookie(self.COOKIE, alice.client.get_cookie(self.COOKIE).value)
        assert fail(own, 6) == [401] * 5 + [429]
        assert own.enter("/api/login").status_code == 429

    def test_one_from_before_the_last_log_in_is_worth_nothing(self, alice, attacked, visit):
        stolen = alice.client.get_cookie(self.COOKIE).value
        self.again(alice).log_in()
        thief = visit("alice")
        thief.client.set_cookie(self.COOKIE, stolen)
        assert fail(thief, 1) == [429]

    def test_that_of_another_person_is_worth_nothing(self, bob, attacked, visit):
        bob.username = "alice"
        assert fail(self.again(bob), 1) == [429]

    def test_a_thousand_are_worth_no_more_than_those_that_are_known(self, app, alice, visit):
        """Every log-in hands one out; a thief who has them all guesses with the few that still count."""
        stolen = [visit("alice").log_in().client.get_cookie(self.COOKIE).value for _ in range(MAX_BROWSERS + 5)]
        fail(visit("alice"), 5)  # nothing is left for strangers
        guesses = []
        for cookie in stolen:
            thief = visit("alice")
            thief.client.set_cookie(self.COOKIE, cookie)
            guesses += fail(thief, 6)
        assert guesses.count(401) == 5 * MAX_BROWSERS

    def test_a_new_password_forgets_the_other_browsers(self, alice, visit):
        stolen = visit("alice").log_in().client.get_cookie(self.COOKIE).value
        submit(alice, "/settings/password", old_password=PASSWORD, password="staple staple")
        fail(visit("alice"), 5)
        thief = visit("alice")
        thief.client.set_cookie(self.COOKIE, stolen)
        assert fail(thief, 1) == [429]

    def test_a_log_line_for_fail2ban_has_the_address_and_no_name(self, alice, attacked, visit, caplog):
        visit("alice").enter("/api/login")
        assert [record.getMessage() for record in caplog.records] == ["too many failed log-ins from 127.0.0.1"]


def test_old_failures_are_forgotten(app, alice, visit):
    stranger = visit("alice")
    fail(stranger, 5)
    let_pass(app, 3601)
    assert fail(stranger, 1) == [401]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(LoginFailure)) == 2
