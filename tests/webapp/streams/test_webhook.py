"""Who may tell us that something happened. That it is acted on: tests/integration/streams/test_webhook.py."""

import json

import pytest
from sqlalchemy import func, select

from tests.webapp.support.webhooks import deliver, hint
from webapp.core.database import db
from webapp.models import Stream, WebhookDelivery

BODY = hint("track_published", "EV_1", "stage-00ff-1")


def deliveries(app) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(WebhookDelivery))


def row_of(app, stream: str) -> dict[str, object]:
    with app.app_context():
        return dict(db.session.execute(select(Stream.__table__).where(Stream.id == stream)).mappings().one())


def test_a_signed_webhook_needs_no_csrf_token_and_is_remembered(app):
    assert deliver(app, BODY).status_code == 204
    assert deliveries(app) == 1


def test_the_same_delivery_again_is_taken_and_does_nothing(app, stream):
    before = row_of(app, stream)
    assert [deliver(app, BODY).status_code for _ in range(3)] == [204, 204, 204]
    assert deliveries(app) == 1
    assert row_of(app, stream) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "somebody-elses-secret-of-32-letters!"},
        {"ttl_s": -300},
        {"signed_body": BODY + " "},
        {"body": "{"},
    ],
    ids=["wrong key", "expired", "another body", "not json"],
)
def test_a_webhook_that_is_not_the_audio_servers_changes_nothing(app, wrong):
    answer = deliver(app, **{"body": BODY, **wrong})
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "bad_signature")
    assert deliveries(app) == 0


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "\u00e9"}])
def test_an_unsigned_webhook_is_refused(app, headers):
    answer = app.test_client().post("/livekit/webhook", data=BODY, headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "bad_signature")
    assert deliveries(app) == 0


@pytest.mark.parametrize("body", [b"\xff\xfe", b"", b"\x00" * 100])
def test_bytes_that_are_no_text_are_refused(app, body):
    answer = app.test_client().post("/livekit/webhook", data=body, headers={"Authorization": "x"})
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "bad_signature")
    assert deliveries(app) == 0


@pytest.mark.parametrize("event", ["room_started", "egress_ended", "something_new", ""])
def test_other_events_are_not_looked_at(app, event):
    assert deliver(app, json.dumps({"event": event, "id": "EV_2"})).status_code == 204
    assert deliveries(app) == 0  # nor remembered


def test_a_room_that_is_not_ours_is_no_error_and_changes_no_stream(app, stream):
    before = row_of(app, stream)
    names = ("", "lobby", "studio-", "stage-00ff", "studio-" + "0" * 32)
    for name in names:
        assert deliver(app, hint("participant_left", f"EV_{name}", name)).status_code == 204
    assert row_of(app, stream) == before
    assert deliveries(app) == len(names)
