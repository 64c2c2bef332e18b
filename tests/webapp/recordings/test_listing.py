"""Lists of recordings: orders, search, pages, and what they cost the database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.webapp.conftest import POSTGRES
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import Recording, new_id
from webapp.recordings import listing
from webapp.recordings.listing import ListQuery

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def add(app):
    """Adds rows without files; returns their ids."""

    def add(owner: str, *titles: str, hours: float = 0, duration: float = 60.0) -> list[str]:
        with app.app_context():
            user = accounts.find(owner)
            rows = [
                Recording(
                    id=new_id(),
                    owner=user,
                    title=title,
                    started_at=BEGIN + timedelta(hours=hours),
                    duration=duration,
                    state="closed",
                    size=1,
                )
                for title in titles
            ]
            ids = [row.id for row in rows]
            db.session.add_all(rows)
            db.session.commit()
        return ids

    return add


def titles(person, query: str = "", owner: str = "alice") -> list[str]:
    return [recording["title"] for recording in person.get(f"/api/recordings/{owner}{query}").json["recordings"]]


def titles_on(page: str) -> list[str]:
    return re.findall(r'<h2 class="as-h3">\s*(.*?)\s*</h2>', page)


# Orders and pages


def test_four_orders(alice, add):
    add("alice", "Zebra", hours=1, duration=30)
    add("alice", "äpfel", hours=3, duration=10)
    add("alice", "Birnen", hours=2, duration=20)
    assert titles(alice) == titles(alice, "?order=newest") == ["äpfel", "Birnen", "Zebra"]
    assert titles(alice, "?order=oldest") == ["Zebra", "Birnen", "äpfel"]
    assert titles(alice, "?order=longest") == ["Zebra", "Birnen", "äpfel"]
    assert titles(alice, "?order=title") == ["äpfel", "Birnen", "Zebra"]


@pytest.mark.parametrize("order", listing.ORDERS)
@pytest.mark.parametrize("view", ["mine", "friends"])
def test_pages_of_every_order_miss_nothing_and_repeat_nothing(app, alice, bob, add, order, view):
    expected = set()
    for number in range(12):  # ten of each have the same time, length and title
        expected |= set(add("alice", *["same"] * 10, hours=number, duration=number))
    found: list[str] = []
    with app.app_context():
        viewer, owner = accounts.find("alice" if view == "mine" else "bob"), accounts.find("alice")
        page = None
        while page is None or page.more:
            list_query = ListQuery(order=order, before=found[-1] if found else "")
            page = listing.of_person(viewer, owner, list_query) if view == "mine" else listing.of_friends(viewer, list_query)
            found += [recording.id for recording in page.recordings]
            assert len(page.recordings) <= listing.PAGE
    assert len(found) == 120
    assert set(found) == expected


def test_a_full_last_page_offers_no_empty_one(app, alice, add):
    add("alice", *["x"] * listing.PAGE)
    assert "More recordings" not in alice.get("/recordings/").text
    add("alice", "one more")
    page = alice.get("/recordings/?order=title").text
    more = re.search(r'href="([^"]+)">More recordings', page)[1].replace("&amp;", "&")
    assert titles_on(alice.get(more).text) == ["x"]
    assert titles_on(page)[0] == "one more"


@pytest.mark.parametrize("query", ["order=loudest", "order=title&before=2026-01-01T00:00:00Z", "order=longest&before=x"])
def test_an_order_or_place_that_is_none_is_a_wrong_field(alice, query):
    assert alice.get(f"/api/recordings/alice?{query}").status_code == 422
    assert alice.get(f"/recordings/?{query}").status_code == 422


# Search


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("late hour", ["Späte Stunde, late HOUR"]),
        ("SPATE", ["Späte Stunde, late HOUR"]),
        ("späte", ["Späte Stunde, late HOUR"]),
        ("100%", ["100% wool"]),
        ("%", ["100% wool"]),
        ("a_b", ["a_b"]),
        ("\\", []),
        ("late wool", []),
        ("   ", ["100% wool", "Späte Stunde, late HOUR", "a_b"]),
        ("x" * 5000, []),
        ("\x00", ["100% wool", "Späte Stunde, late HOUR", "a_b"]),
    ],
)
def test_each_word_stands_in_the_title(alice, add, words, found):
    add("alice", "Späte Stunde, late HOUR", "100% wool", "a_b")
    answer = alice.client.get("/api/recordings/alice", query_string={"q": words, "order": "title"})
    assert sorted(recording["title"] for recording in answer.json["recordings"]) == sorted(found)


def test_a_word_may_be_the_owners_name(alice, bob, add):
    alice.client.post("/settings/", data={"csrf_token": alice.csrf_token, "display_name": "Zoë van der Meer"})
    add("alice", "Morning talk", "Evening talk")
    for words in ("zoe", "meer morning", "ALICE morning"):
        page = bob.client.get("/recordings/friends", query_string={"q": words}).text
        assert "Morning talk" in titles_on(page)
        assert ("Evening talk" in titles_on(page)) is (words == "zoe")
    assert "No recording has “nobody” in its title or its owner's name." in bob.get("/recordings/friends?q=nobody").text


def test_search_and_order_find_nothing_of_strangers(alice, bob, charlie, add):
    add("alice", "Secret talk")
    assert titles_on(bob.get("/recordings/friends?q=secret&order=title").text) == ["Secret talk"]
    assert titles_on(charlie.get("/recordings/friends?q=secret&order=title").text) == []
    assert charlie.get("/api/recordings/alice?q=secret").status_code == 404
    assert titles_on(charlie.get("/recordings/?q=secret").text) == []


def test_a_strangers_recording_is_no_place_in_ones_own_list(alice, charlie, add):
    (secret,) = add("alice", "Secret talk")
    add("charlie", "Mine")
    answers = [charlie.get(f"/api/recordings/charlie?order=title&before={before}") for before in (secret, new_id())]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json == answers[1].json


def test_search_keeps_the_order_and_the_order_keeps_the_search(alice, add):
    add("alice", "One", "Two")
    page = alice.get("/recordings/?q=o&order=title").text
    assert '<input type="hidden" name="order" value="title">' in page
    assert "/recordings/?q=o&amp;order=oldest" in page
    assert 'aria-current="true">Title' in page


def test_a_deleted_one_stays_in_its_place_in_every_order(alice, add):
    ids = add("alice", "One", "Two", "Three")
    alice.delete(f"/api/recordings/{ids[1]}")
    for order in listing.ORDERS:
        page = alice.get(f"/recordings/?order={order}").text
        assert "Deleted: Two" in page
        assert len(titles_on(page)) == 2


def test_a_renamed_recording_is_found_by_its_new_title(app, alice, add):
    (renamed,) = add("alice", "Before")
    with app.app_context():
        db.session.get(Recording, renamed).title = "Ärger"
        db.session.commit()
    assert titles(alice, "?q=arger") == ["Ärger"]
    assert titles(alice, "?q=before") == []


@pytest.mark.skipif(bool(POSTGRES), reason="SQLite's words")
@pytest.mark.parametrize("order", listing.ORDERS)
def test_a_page_is_read_from_an_index_without_sorting(app, alice, add, order):
    ids = add("alice", *["x"] * 60)
    with app.app_context():
        owner = accounts.find("alice")
        alices = listing._present().where(Recording.owner_id == owner.id)
        query = listing._page_query(alices, [owner], ListQuery(order, "", ids[5]))
        plan = db.session.execute(text(f"EXPLAIN QUERY PLAN {query.compile(db.engine, compile_kwargs={'literal_binds': True})}"))
        steps = [row.detail for row in plan]
    assert len(steps) == 1
    assert re.search(r"USING INDEX ix_recording_owner_\w+ \(owner_id=\?", steps[0])
