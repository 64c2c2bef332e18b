"""The list of log-ins, browsers known from earlier, and notices about what has changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests.webapp.conftest import PASSWORD
from tests.webapp.support.forms import submit
from tests.webapp.support.post_office import PostOffice
from webapp.accounts import accounts, clients, known_browsers, notices
from webapp.core.database import db
from webapp.models import AccountNotice, KnownBrowser, LoginSession, NoticeMail, now

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML) Version/18.0 Mobile/15E148 Safari/604.1"
)


def log_in(visit, name: str = "alice", agent: str = FIREFOX, address: str = "203.0.113.77", expected: int = 200):
    person = visit(name)
    person.client.environ_base.update(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    assert person.enter("/api/login").status_code == expected
    return person


def listed(person):
    return person.get("/api/sessions").json["sessions"]


class TestList:
    def test_it_says_which_browser_and_where_and_which_is_this_one(self, alice, visit):
        phone = log_in(visit, agent=SAFARI)
        assert [(each["browser"], each["place"], each["current"]) for each in listed(phone)] == [
            ("Safari on iPhone", "203.0.113.x", True),
            ("An unknown browser", "the server's own machine", False),
        ]
        assert "Safari on iPhone" in alice.get("/settings/log-ins").text

    def test_an_ended_one_is_logged_out_and_its_browser_no_longer_known(self, app, alice, visit):
        other = log_in(visit)
        ended = next(each["id"] for each in listed(alice) if not each["current"])
        assert alice.delete(f"/api/sessions/{ended}").status_code == 204
        assert other.get("/api/sessions").status_code == 401
        assert len(listed(alice)) == 1
        assert alice.delete(f"/api/sessions/{ended}").status_code == 404
        with app.app_context():
            assert db.session.scalar(select(func.count()).select_from(KnownBrowser)) == 1

    def test_the_current_one_is_ended_by_logging_out(self, alice):
        assert alice.delete(f"/api/sessions/{listed(alice)[0]['id']}").status_code == 204
        assert alice.get("/api/session").json["user"] is None

    def test_all_others_end_at_once_and_those_of_other_people_stay(self, alice, bob, visit):
        others = [log_in(visit), log_in(visit, agent=SAFARI)]
        assert "All other browsers are logged out." in submit(alice, "/settings/log-ins/end-others").text
        assert [other.get("/api/sessions").status_code for other in others] == [401, 401]
        assert [person.get("/api/sessions").status_code for person in (alice, bob)] == [200, 200]

    def test_last_use_is_written_once_in_ten_minutes_with_the_place(self, app, alice):
        def seen(minutes_ago: int) -> tuple[bool, str]:
            with app.app_context():
                then = now() - timedelta(minutes=minutes_ago)
                db.session.execute(update(LoginSession).values(seen_at=then))
                db.session.commit()
            alice.get("/api/session", environ_overrides={"REMOTE_ADDR": "198.51.100.9"})
            with app.app_context():
                seen_at, network = db.session.execute(select(LoginSession.seen_at, LoginSession.network)).one()
                return seen_at > then, network

        assert seen(9) == (False, "127.x")
        assert seen(11) == (True, "198.51.100.x")

    def test_a_log_in_ends_some_day_however_often_it_is_used(self, make_app, visit_app):
        app = make_app(login_days=7)
        alice = visit_app(app, "alice").register()
        for days, status in ((6, 200), (8, 401)):
            with app.app_context():
                db.session.execute(update(LoginSession).values(created_at=now() - timedelta(days=days)))
                db.session.commit()
            assert alice.get("/api/friends").status_code == status


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "Safari on macOS"),
        ("curl/8.5.0", "curl"),
        ("<script>alert(1)</script> Windows", "A browser on Windows"),
        ("", "An unknown browser"),
    ],
)
def test_browsers_are_named_in_plain_words(app, agent, words):
    with app.test_request_context(headers={"User-Agent": agent}):
        client = clients.current()
        assert clients.browser_words(client.browser, client.system) == words


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.x"),
        ("::ffff:203.0.113.77", "203.0.113.x"),
        ("2001:db8:7:1234::9", "2001:db8:7::"),
        ("127.0.0.1", "127.x"),
        ("::1", "127.x"),
        ("unix:", ""),
    ],
)
def test_only_the_network_of_an_address_is_kept(address, kept):
    assert clients.shortened(address) == kept


class TestNotices:
    def test_a_new_browser_is_told_of_in_the_others_and_not_in_itself(self, alice, visit):
        thief = log_in(visit)
        page = alice.get("/settings/log-ins").text
        assert "New log-in: Firefox on Linux, 203.0.113.x." in page
        assert "New log-in" not in thief.get("/settings/log-ins").text

    def test_the_first_browser_and_one_that_comes_back_are_no_news(self, app, alice):
        assert alice.post("/api/logout").status_code == 204
        alice.csrf_token = alice.get("/api/session").json["csrf_token"]
        alice.log_in()
        with app.app_context():
            assert db.session.scalar(select(func.count()).select_from(AccountNotice)) == 0

    def test_it_stays_until_it_is_dismissed_elsewhere_than_where_it_was_done(self, app, alice, visit):
        thief = log_in(visit)
        with app.app_context():
            notice_id = db.session.scalar(select(AccountNotice.id))
        path = f"/settings/notices/{notice_id}/dismiss"
        assert submit(thief, path).status_code == 404
        assert "New log-in" in alice.get("/").text
        assert "New log-in" in alice.get("/friends/").text
        assert submit(alice, path).status_code == 200
        assert "New log-in" not in alice.get("/").text

    def test_what_is_told(self, app, alice, bob, visit):
        elsewhere = log_in(visit, agent=SAFARI)
        submit(alice, "/settings/tokens", name="Script", scopes="read", days="30")
        submit(alice, "/settings/email", email="alice@example.org")
        submit(alice, "/admin/people/bob/make-admin")
        with app.app_context():
            told = [notices.text_of(notice.kind, notice.detail) for notice in notices.notices_of(accounts.find("alice"))]
            assert [notice.kind for notice in notices.notices_of(accounts.find("bob"))] == ["admin.made"]
        assert told[:3] == [
            "There is a new admin: bob.",
            "The e-mail address of your account was changed.",
            "A new access token was made: Script.",
        ]
        submit(alice, "/settings/password", old_password=PASSWORD, password="staple staple")
        assert elsewhere.get("/api/sessions").status_code == 401
        assert elsewhere.enter("/api/login", "staple staple").status_code == 200
        assert "Your password was changed." in elsewhere.get("/").text

    def test_no_more_than_twenty_are_kept(self, app, alice):
        with app.app_context():
            for number in range(25):
                notices.notify(accounts.find("alice"), "token.made", str(number))
            db.session.commit()
            assert [notice.detail for notice in notices.notices_of(accounts.find("alice"))][:2] == ["24", "23"]
            assert db.session.scalar(select(func.count()).select_from(AccountNotice)) == notices.MAX_NOTICES


class TestMail:
    @pytest.fixture
    def office(self):
        with PostOffice() as office:
            yield office

    @pytest.fixture
    def alice(self, make_app, visit_app, office):
        app = make_app(smtp_url=f"smtp://127.0.0.1:{office.port}", mail_from="air@example.org")
        alice = visit_app(app, "alice").register()
        with app.app_context():
            accounts.find("alice").email = "old@example.org"
            accounts.find("alice").language = "de"
            db.session.commit()
        return alice

    def send(self, alice) -> None:
        with alice.client.application.app_context():
            notices.send_mails()

    def test_a_new_address_is_told_to_the_old_one_as_well(self, alice, office):
        submit(alice, "/settings/email", email="new@example.org")
        assert office.letters == []  # nothing is sent while a request waits
        self.send(alice)
        assert {letter["To"] for letter in office.letters} == {"old@example.org", "new@example.org"}
        assert "Die E-Mail-Adresse deines Kontos wurde geändert." in office.letters[0].get_content()

    def test_a_mail_that_is_refused_is_tried_again_and_sent_once(self, alice, office):
        log_in(lambda name: type(alice)(alice.client.application, name))
        office.refusing = True
        with alice.client.application.app_context(), pytest.raises(notices.mail.MailRefused):
            notices.send_mails()
        office.refusing = False
        self.send(alice)
        assert office.letters == []  # a minute has to pass
        with alice.client.application.app_context():
            db.session.execute(update(NoticeMail).values(try_at=now()))
            db.session.commit()
        self.send(alice)
        self.send(alice)
        assert ["Firefox auf Linux, 203.0.113.x" in letter.get_content() for letter in office.letters] == [True]

    def test_nobody_gets_more_than_twenty_in_an_hour(self, alice, office):
        with alice.client.application.app_context():
            for _ in range(2):
                for number in range(15):
                    notices.notify(accounts.find("alice"), "token.made", str(number))
                db.session.commit()
                notices.send_mails()
            assert db.session.scalar(select(func.count()).select_from(NoticeMail)) == 0
        assert len(office.letters) == 20


class TestKnownBrowsers:
    def test_only_the_latest_ten_of_a_person_are_known(self, app, alice, visit):
        for _ in range(known_browsers.MAX_BROWSERS + 2):
            log_in(visit)
        with app.app_context():
            assert db.session.scalar(select(func.count()).select_from(KnownBrowser)) == known_browsers.MAX_BROWSERS

    def test_a_forged_cookie_is_none(self, alice, visit):
        forger = visit("alice")
        forger.client.set_cookie("stillair_8000_browser", "eyIxIjoieCJ9.x")
        assert forger.enter("/api/login", "wrong").status_code == 401
