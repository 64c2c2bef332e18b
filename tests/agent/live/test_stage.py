"""The token with which the agent joins the stage."""

import jwt

from agent.live.stage import stage_token
from contract.messages import AGENT_NAME

SECRET = "a-secret-of-the-audio-server-for-tests"


def test_stage_token_lets_the_agent_publish_a_microphone_and_its_state_in_one_room_and_nothing_else():
    claims = jwt.decode(stage_token("key", SECRET, "stage-1"), SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["nbf"] == 600
    assert (claims["iss"], claims["sub"]) == ("key", AGENT_NAME)
    assert not claims.get("kind") or claims["kind"] == "standard"  # an agent-kind participant keeps no room alive
    assert {name: value for name, value in claims["video"].items() if value} == {
        "roomJoin": True,
        "room": "stage-1",
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canUpdateOwnMetadata": True,
    }
    assert [claims["video"][name] for name in ("canSubscribe", "canPublishData")] == [False, False]  # they default to True
