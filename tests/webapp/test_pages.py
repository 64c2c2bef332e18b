"""The pages as a browser without JavaScript uses them: forms, redirects, messages."""

import re
from datetime import timedelta

import pytest

from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import Recording, Stream, new_id, now

PASSWORD = "correct horse battery"


def submit(person, path, **fields):
    """Sends a form with the token that stands in it; follows the redirect."""
    return person.client.post(path, data={"csrf_token": person.csrf_token, **fields}, follow_redirects=True)


def test_register_log_out_log_in(visit):
    dora = visit("dora")
    answer = submit(dora, "/register", username="dora", password=PASSWORD)
    assert answer.request.path == "/"
    assert "Quiet in here." in answer.text
    dora.csrf_token = token_of(answer)
    assert submit(dora, "/logout").request.path == "/login"
    dora.csrf_token = token_of(dora.get("/login"))
    assert submit(dora, "/login", username="dora", password=PASSWORD).request.path == "/"


def token_of(answer) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', answer.text)[1]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"username": "a", "password": PASSWORD}, "Use 3 to 32 letters, digits, - or _."),
        ({"username": "ali ce", "password": PASSWORD}, "Use 3 to 32 letters, digits, - or _."),
        ({"username": "ALICE", "password": PASSWORD}, "This name is taken. Choose another."),
        ({"username": "dora", "password": "short"}, 'id="password-error"'),
        ({"username": "<script>alert(1)</script>", "password": PASSWORD}, "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ({}, 'aria-invalid="true"'),
    ],
)
def test_a_registration_that_fails_says_why_beside_the_field(visit, alice, fields, words):
    answer = submit(visit("dora"), "/register", **fields)
    assert answer.status_code in (409, 422)
    assert words in answer.text
    assert "<script>alert" not in answer.text


def test_a_wrong_password_is_said_once_and_the_name_is_kept(visit, alice):
    answer = submit(visit("alice"), "/login", username="alice", password="wrong")
    assert answer.status_code == 401
    assert "User name and password do not match. Try again." in answer.text
    assert 'value="alice"' in answer.text
    assert "wrong" not in answer.text


def test_after_log_in_the_page_that_was_asked_for(visit, alice):
    anonymous = visit("alice")
    asked = anonymous.get("/listen/bob", follow_redirects=True)
    assert asked.request.path == "/login"
    answer = anonymous.client.post(
        asked.request.full_path, data={"csrf_token": token_of(asked), "username": "alice", "password": PASSWORD}
    )
    assert (answer.status_code, answer.location) == (303, "/listen/bob")


def test_friends_by_forms_alone(alice, charlie):
    found = alice.get("/search?q=charl")
    assert "Friend request" in found.text
    assert "Friend request sent to charlie." in submit(alice, "/friends/request", username="charlie").text

    home = charlie.get("/")
    accept = re.search(r'action="(/friends/request/\w+/accept)"', home.text)[1]
    assert "You and alice are friends now." in submit(charlie, accept).text
    assert "charlie is no longer your friend." in submit(alice, "/friends/charlie/remove").text
    assert alice.get("/listen/charlie").status_code == 404


def test_a_request_can_be_rejected_and_taken_back(alice, charlie):
    alice.ask(charlie)
    reject = re.search(r'action="(/friends/request/\w+/reject)"', charlie.get("/").text)[1]
    assert "Request rejected." in submit(charlie, reject).text
    assert "This request is no longer open." in submit(charlie, reject).text
    charlie.ask(alice)
    cancel = re.search(r'action="(/friends/request/\w+/cancel)"', charlie.get("/").text)[1]
    assert "Friend request cancelled." in submit(charlie, cancel).text


def test_a_form_goes_back_to_the_page_it_came_from_and_nowhere_else(alice, charlie):
    for referrer, back in (("http://localhost/search?q=charlie", "/search?q=charlie"), ("http://localhost//evil.test/", "/")):
        request_id = alice.ask(charlie)
        answer = alice.client.post(
            f"/friends/request/{request_id}/cancel", data={"csrf_token": alice.csrf_token}, headers={"Referer": referrer}
        )
        assert (answer.status_code, answer.location) == (303, back)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("a", "Type at least 2 characters."),
        ("x" * 1000, "Type at most 64 characters."),
        ("zz", "Nobody here is called “zz”."),
        ("<b>", "Nobody here is called “&lt;b&gt;”."),
        ("\u202e\u0000ali", "alice"),
    ],
)
def test_search(alice, query, words):
    assert words in alice.get("/search", query_string={"q": query}).text


def test_the_sidebar_shows_who_is_live_first_then_friends_by_name(app, alice, bob, visit):
    zoe = visit("zoe").register()
    zoe.befriend(alice)
    with app.app_context():
        began = now() - timedelta(minutes=8)
        db.session.add(Stream(owner=accounts.find("zoe"), title="Night <radio>", state="live", live_at=began))
        db.session.add(Stream(owner=accounts.find("bob"), title="x", state="ended", live_at=now() - timedelta(days=1)))
        db.session.commit()
    page = alice.get("/").text
    assert 'Friends (<span id="live-count">1</span> live)' in page
    assert page.index('id="live-zoe"') < page.index('id="friend-bob"')
    assert "Night &lt;radio&gt;" in page
    assert "Offline, last live yesterday" in page
    assert "8 min" in page


def test_a_sound_check_is_seen_by_nobody_but_its_owner(app, alice, bob):
    with app.app_context():
        db.session.add(Stream(owner=accounts.find("bob"), title="Only a check", state="checking", sound_check=True))
        db.session.commit()
    assert "Only a check" not in alice.get("/").text
    assert "</span> is not live." in alice.get("/listen/bob").text
    assert "Your stream" in bob.get("/").text


def test_the_parts_that_follow_events_are_sent_as_turbo_streams(alice, bob):
    answer = alice.get("/sidebar?page=/live")
    assert answer.mimetype == "text/vnd.turbo-stream.html"
    assert re.findall(r'target="([\w-]+)"', answer.text) == ["company", "live-count", "start", "home-live"]


def make_recording(app, owner, **values) -> str:
    with app.app_context():
        recording = Recording(
            id=new_id(),
            owner=accounts.find(owner),
            **{
                "title": "Kitchen radio",
                "started_at": now(),
                "duration": 3851.0,
                "size": 41_000_000,
                "state": "closed",
                **values,
            },
        )
        db.session.add(recording)
        db.session.commit()
        return recording.id


def test_recordings_of_oneself_and_of_friends(app, alice, bob, charlie):
    make_recording(
        app,
        "alice",
        gaps=[{"start": 1300, "length": 8, "cause": "connection"}],
        paused=[{"start": 1982, "length": 13, "cause": "overload"}],
    )
    mine = alice.get("/recordings/").text
    for words in (
        "Kitchen radio",
        "You, today",
        "1:04:11",
        "41 MB",
        "Gap of 8 s at 21:40, connection",
        "Noise removal paused from 33:02 to 33:15, overload",
        "Rename",
        "Delete",
    ):
        assert words in mine
    theirs = bob.get("/recordings/friends").text
    assert "Kitchen radio" in theirs
    assert "Rename" not in theirs
    assert "Kitchen radio" not in charlie.get("/recordings/friends").text
    assert "No recordings yet." in bob.get("/recordings/").text


def test_a_deleted_recording_stays_in_its_place_with_undo(app, alice):
    make_recording(app, "alice", title="Older", started_at=now() - timedelta(days=2))
    gone = make_recording(app, "alice", title="Gone", started_at=now() - timedelta(days=1))
    make_recording(app, "alice", title="Newer")
    page = submit(alice, f"/recordings/{gone}/delete").text
    assert page.index("Newer") < page.index("Deleted: Gone") < page.index("Older")
    assert "Deleted: Gone" not in submit(alice, f"/recordings/{gone}/restore").text


@pytest.mark.parametrize("path", ["rename", "delete", "restore"])
def test_only_the_owner_changes_a_recording(app, alice, bob, path):
    recording_id = make_recording(app, "alice")
    assert submit(bob, f"/recordings/{recording_id}/{path}", title="Mine now").status_code == 404


def test_settings_change_the_name_and_the_password(alice, visit):
    assert "Saved." in submit(alice, "/settings/", display_name="  Alice \u202e Ødegård ").text
    assert "Alice Ødegård" in alice.get("/").text
    assert "Use 1 to 64 characters." in submit(alice, "/settings/", display_name="x" * 65).text
    answer = submit(alice, "/settings/password", old_password="wrong", password="another sentence")
    assert "The password is wrong." in answer.text
    assert "Saved." in submit(alice, "/settings/password", old_password=PASSWORD, password="another sentence").text
    assert submit(visit("alice"), "/login", username="alice", password="another sentence").request.path == "/"


def test_ones_own_name_leads_to_ones_own_stream(alice):
    assert alice.get("/listen/ALICE").location == "/live"


PAGES = [
    "/",
    "/sidebar",
    "/search?q=alice",
    "/live",
    "/listen/bob",
    "/recordings/",
    "/recordings/friends",
    "/settings/",
    "/settings/password",
]


@pytest.mark.parametrize("path", PAGES)
def test_pages_ask_a_stranger_to_log_in(anonymous, path):
    answer = anonymous.get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=")


@pytest.mark.parametrize("path", [*PAGES, "/nothing-here"])
def test_no_page_has_a_script_or_a_style_of_its_own(alice, bob, path):
    page = alice.get(path).text
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("<img src=x onerror=alert(1)>", "</template><script>alert(1)</script>"),
        ('" onmouseover=alert(1) x="', "'><svg onload=alert(1)>"),
    ],
)
def test_what_people_write_is_text_on_every_page(app, alice, bob, name, title):
    submit(bob, "/settings/", display_name=name)
    make_recording(app, "bob", title=title)
    with app.app_context():
        db.session.add(Stream(owner=accounts.find("bob"), title=title, state="live", live_at=now()))
        db.session.commit()
    for path in PAGES:
        page = alice.get(path).text
        for unescaped in ("<img src=x", "<script>alert", '" onmouseover', "<svg onload"):
            assert unescaped not in page


def test_a_message_waits_for_the_page_and_no_request_in_the_background_takes_it(alice, charlie):
    alice.client.post("/friends/request", data={"csrf_token": alice.csrf_token, "username": "charlie"})
    for path in ("/sidebar?page=/", "/api/friends"):
        assert "Set-Cookie" not in alice.get(path).headers
    words = "Friend request sent to charlie."
    assert words not in alice.client.get("/", headers={"X-Stillair-Parts": "1"}).text
    assert words in alice.get("/").text
    assert words not in alice.get("/").text
