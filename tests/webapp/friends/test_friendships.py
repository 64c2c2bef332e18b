from __future__ import annotations

import pytest

from webapp.accounts import accounts
from webapp.profiles import profiles


def relation(person, username: str) -> str:
    found = person.get(f"/api/search?q={username}").json["users"]
    return next(user["relation"] for user in found if user["username"] == username)


def pending(person) -> tuple[list[str], list[str]]:
    answer = person.get("/api/friend-requests/pending").json
    return [entry["username"] for entry in answer["received"]], [entry["username"] for entry in answer["sent"]]


def names(person) -> list[str]:
    return [friend["username"] for friend in person.get("/api/friends").json["friends"]]


def test_a_request_that_is_accepted_makes_friends(alice, charlie):
    response = charlie.post("/api/friend-request/send", {"username": "alice"})
    assert response.status_code == 201
    assert response.json.keys() == {"id", "status"}
    assert response.json["status"] == "pending"
    assert (pending(alice), pending(charlie)) == ((["charlie"], []), ([], ["alice"]))
    assert (relation(alice, "charlie"), relation(charlie, "alice")) == ("received", "sent")

    answer = alice.post(f"/api/friend-request/{response.json['id']}/respond", {"action": "accept"})
    assert answer.status_code == 200
    assert answer.json == {"id": response.json["id"], "status": "accepted"}
    assert (names(alice), names(charlie)) == (["charlie"], ["alice"])
    assert pending(alice) == pending(charlie) == ([], [])


def test_a_rejected_request_leaves_two_strangers_and_may_be_sent_again(alice, charlie):
    request_id = charlie.ask(alice)
    answer = alice.post(f"/api/friend-request/{request_id}/respond", {"action": "reject"})
    assert answer.json == {"id": request_id, "status": "rejected"}
    assert names(alice) == names(charlie) == []
    assert charlie.ask(alice) != request_id


def test_a_cancelled_request_cannot_be_accepted(alice, charlie):
    request_id = charlie.ask(alice)
    assert charlie.delete(f"/api/friend-request/{request_id}").status_code == 204
    assert pending(alice) == ([], [])
    assert alice.post(f"/api/friend-request/{request_id}/respond", {"action": "accept"}).status_code == 409
    assert names(alice) == []


def test_asking_somebody_who_has_asked_accepts(alice, charlie):
    request_id = charlie.ask(alice)
    response = alice.post("/api/friend-request/send", {"username": "charlie"})
    assert (response.status_code, response.json) == (201, {"id": request_id, "status": "accepted"})
    assert names(alice) == ["charlie"]


def test_asking_twice_or_a_friend_is_a_conflict(alice, bob, charlie):
    charlie.ask(alice)
    assert charlie.post("/api/friend-request/send", {"username": "alice"}).status_code == 409
    assert bob.post("/api/friend-request/send", {"username": "alice"}).status_code == 409


@pytest.mark.parametrize("username", ["alice", "ALICE"])
def test_nobody_asks_themselves(alice, username):
    answer = alice.post("/api/friend-request/send", {"username": username})
    assert (answer.status_code, answer.json["error"]["fields"]) == (422, {"username": "That is you."})


@pytest.mark.parametrize("username", ["nobody-here", "no such", "a" * 100])
def test_nobody_asks_somebody_who_is_not_there(alice, username):
    assert alice.post("/api/friend-request/send", {"username": username}).status_code == 404


def test_a_request_is_answered_once(alice, charlie):
    request_id = charlie.ask(alice)
    path = f"/api/friend-request/{request_id}"
    assert alice.post(f"{path}/respond", {"action": "accept"}).status_code == 200
    assert alice.post(f"{path}/respond", {"action": "reject"}).status_code == 409
    assert charlie.delete(path).status_code == 409
    assert names(alice) == ["charlie"]


def test_a_request_belongs_to_the_two_it_is_between(alice, bob, charlie):
    request_id = charlie.ask(alice)
    path = f"/api/friend-request/{request_id}"
    assert bob.post(f"{path}/respond", {"action": "accept"}).status_code == 404
    assert bob.delete(path).status_code == 404
    assert charlie.post(f"{path}/respond", {"action": "accept"}).status_code == 404  # not one's own
    assert alice.delete(path).status_code == 404  # not somebody else's
    assert pending(alice) == (["charlie"], [])


def test_friends_are_listed_by_display_name_with_what_is_documented(app, alice, bob, charlie):
    charlie.befriend(alice)
    with app.app_context():
        profiles.change(accounts.find("bob"), display_name="Zoë", about="")
    friends = alice.get("/api/friends").json["friends"]
    assert [friend["display_name"] for friend in friends] == ["charlie", "Zoë"]
    assert friends[0] == {"username": "charlie", "display_name": "charlie", "online": False, "last_seen": None, "stream": None}


def test_unfriending_ends_it_for_both(alice, bob):
    assert alice.delete("/api/friends/Bob").status_code == 204
    assert names(alice) == names(bob) == []
    assert alice.delete("/api/friends/bob").status_code == 404
    bob.befriend(alice)
    assert names(alice) == ["bob"]


@pytest.mark.parametrize("username", ["charlie", "alice", "nobody-here", "%00", "a" * 300])
def test_a_stranger_cannot_be_unfriended_and_looks_like_nobody(alice, bob, charlie, username):
    response = alice.delete(f"/api/friends/{username}")
    assert response.status_code == 404
    assert response.data == alice.delete("/api/friends/never-was").data


def test_search_says_how_one_stands_to_each(alice, bob, charlie, visit):
    visit("alina").register()
    assert relation(alice, "alice") == "self"
    assert relation(alice, "bob") == "friend"
    assert relation(alice, "charlie") == relation(alice, "alina") == "none"


def test_search_finds_parts_of_names_the_best_first(app, alice, visit):
    for name in ("xali", "Alina", "ali"):
        visit(name).register()
    with app.app_context():
        profiles.change(accounts.find("xali"), display_name="ÖRJAN", about="")
    found = [user["username"] for user in alice.get("/api/search?q=ALI").json["users"]]
    assert found == ["ali", "alice", "Alina", "xali"]
    assert [user["username"] for user in alice.get("/api/search?q=örj").json["users"]] == ["xali"]


def test_search_gives_at_most_twenty(alice, visit):
    for number in range(21):
        visit(f"dora{number}").register()
    assert len(alice.get("/api/search?q=dora").json["users"]) == 20


@pytest.mark.parametrize("query", ["__", "%%", "li%", "'; drop table user --", "\\_", b"%00%00", b"\xed\xa0\xbc"])
def test_search_knows_no_wildcards(alice, query):
    assert alice.get("/api/search", query_string={"q": query}).json == {"users": []}


@pytest.mark.parametrize("query", ["", "a", " a ", "\x00\x00", "a" * 65, "a" * 1000])
def test_search_needs_two_letters_and_not_a_thousand(alice, query):
    response = alice.get("/api/search", query_string={"q": query})
    assert response.status_code == 422
    assert response.json["error"]["fields"].keys() == {"q"}


def test_search_without_a_question_is_refused(alice):
    answer = alice.get("/api/search")
    assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["q"])
