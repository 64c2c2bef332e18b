"""What each token allows, to the letter: a new grant must be written here too."""

import base64
import hashlib
import json
import time
from datetime import timedelta

import jwt
import pytest
from livekit import api

from webapp.audio_server.room_tokens import TokenMint, WebhookRefused

SECRET = "a-secret-of-the-audio-server-for-tests"
MINT = TokenMint("test-key", SECRET)

STUDIO = {
    "roomJoin": True,
    "room": "studio-1",
    "canSubscribe": True,
    "canPublish": True,
    "canPublishSources": ["microphone"],
    "canPublishData": True,
    "canUpdateOwnMetadata": False,
}
STAGE = {
    "roomJoin": True,
    "room": "stage-1-1",
    "canSubscribe": True,
    "canPublish": False,
    "canPublishData": False,
    "canUpdateOwnMetadata": False,
    "hidden": True,
}


def claims_of(token: str) -> dict:
    return jwt.decode(token, SECRET, algorithms=["HS256"], issuer="test-key")


def test_the_broadcaster_may_publish_a_microphone_and_send_data_in_the_studio():
    assert claims_of(MINT.studio("studio-1"))["video"] == STUDIO
    assert claims_of(MINT.studio("studio-1", "a-mark"))["attributes"] == {"login": "a-mark"}


def test_a_listener_may_only_listen_and_is_not_seen():
    assert claims_of(MINT.stage("stage-1-1", "a-seat"))["video"] == STAGE


def test_a_set_up_check_speaks_with_one_token_and_listens_with_the_other():
    speaker, listener = claims_of(MINT.check_speaker("check-1")), claims_of(MINT.check_listener("check-1"))
    assert speaker["video"] == {**STUDIO, "room": "check-1", "canSubscribe": False, "canPublishData": False}
    assert listener["video"] == {key: grant for key, grant in STAGE.items() if key != "hidden"} | {"room": "check-1"}
    assert speaker["sub"] != listener["sub"]
    assert speaker["exp"] - speaker["nbf"] == listener["exp"] - listener["nbf"] == 120


@pytest.mark.parametrize(
    ("make", "identity"),
    [
        (lambda: MINT.studio("a-room"), "broadcaster"),
        (lambda: MINT.stage("a-room", "a-seat"), "a-seat"),
        (lambda: MINT.check_speaker("a-room"), "speaker"),
        (lambda: MINT.check_listener("a-room"), "listener"),
    ],
    ids=["studio", "stage", "check speaker", "check listener"],
)
def test_a_token_runs_out_after_two_minutes_and_names_nobody(make, identity):
    claims = claims_of(make())
    assert set(claims) == {"video", "sub", "iss", "nbf", "exp"}
    assert claims["sub"] == identity
    assert claims["exp"] - claims["nbf"] == 120
    assert abs(claims["nbf"] - time.time()) < 60


def test_the_secret_is_never_printed():
    assert SECRET not in repr(MINT)


# --- Webhooks

BODY = json.dumps({"event": "track_published", "id": "EV_1", "room": {"name": "stage-1-1"}})


def signed(body: str, secret: str = SECRET, key: str = "test-key", ttl: timedelta = timedelta(minutes=5)) -> str:
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    return api.AccessToken(key, secret).with_sha256(digest).with_ttl(ttl).to_jwt()


def test_a_webhook_with_the_right_signature_is_read():
    event = MINT.read_webhook(BODY, signed(BODY))
    assert (event.id, event.event, event.room.name) == ("EV_1", "track_published", "stage-1-1")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "nonsense",
        signed(BODY, secret="a-secret-that-somebody-else-made-up!"),
        signed(BODY, key="another-key"),
        signed(BODY + " "),
        signed(BODY, ttl=timedelta(minutes=-5)),
        MINT.stage("stage-1-1", "a-seat"),
        jwt.encode({"iss": "test-key", "sha256": "?", "exp": time.time() + 60}, SECRET),
    ],
    ids=["none", "no token", "wrong secret", "wrong key", "another body", "expired", "a listener's token", "hash that is none"],
)
def test_a_webhook_is_refused(signature):
    with pytest.raises(WebhookRefused):
        MINT.read_webhook(BODY, signature)


def test_a_signed_webhook_that_is_not_json_is_refused():
    with pytest.raises(WebhookRefused):
        MINT.read_webhook("{", signed("{"))
