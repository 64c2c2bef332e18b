from __future__ import annotations

import pytest

from tests.webapp.support.chats import open_page, path, put_on_air, told
from webapp.security import rate_limits


def react(person, stream_id, kind="heart", status=201):
    answer = person.post(f"{path(stream_id)}/reactions", {"kind": kind})
    assert answer.status_code == status
    return answer


def counts(person, stream_id):
    return person.get(path(stream_id)).json["reactions"]["counts"]


def test_reactions_are_counted_and_told_without_names(app, stream, alice, bob):
    open_page(app, alice)
    react(bob, stream)
    assert react(bob, stream).json["counts"]["heart"] == 2
    react(alice, stream, "party-popper")
    assert counts(bob, stream) == {"heart": 2, "laugh": 0, "thumbs-up": 0, "party-popper": 1}
    kinds = [data["kind"] for kind, data in told(app, alice) if kind == "chat.reaction"]
    assert kinds == ["heart", "heart", "party-popper"]
    assert all("bob" not in str(data) for _, data in told(app, alice))


def test_the_owner_switches_them_off_for_all(app, stream, alice, bob):
    open_page(app, bob)
    assert bob.put(f"{path(stream)}/reactions", {"on": False}).status_code == 404
    assert alice.put(f"{path(stream)}/reactions", {"on": False}).status_code == 204
    assert told(app, bob) == [("chat.reactions", {"stream": stream, "on": False})]
    message = react(bob, stream, status=409).json["error"]["message"]
    assert message == "alice has switched reactions off for this stream."
    assert 'data-reactions="off"' in bob.get("/listen/alice").text
    alice.post(f"/chat/{stream}/reactions", data={"on": "1"})
    react(bob, stream)


@pytest.mark.parametrize("kind", ["", "skull", "../../heart", None, 7, "Heart"])
def test_other_kinds_are_refused(stream, bob, kind):
    answer = bob.post(f"{path(stream)}/reactions", {"kind": kind})
    assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["kind"])
    page = bob.post(f"/chat/{stream}/react", data={"kind": kind or ""})
    assert page.status_code == 422
    assert "This must be heart or laugh or thumbs-up or party-popper." in page.text


def test_too_many_in_a_minute(app, stream, bob):
    statuses = [bob.post(f"{path(stream)}/reactions", {"kind": "heart"}).status_code for _ in range(50)]
    maximum = rate_limits.LIMITS["reaction"].maximum
    assert statuses == [201] * maximum + [429] * (50 - maximum)
    assert counts(bob, stream)["heart"] == maximum


def test_none_in_a_sound_check(app, alice, bob):
    stream = put_on_air(app, "alice", state="checking", sound_check=True, live_at=None)
    react(bob, stream, status=404)
