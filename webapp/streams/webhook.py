"""POST /livekit/webhook: the audio server reports that something happened in a room.

This is only a hint. It may be lost, late or repeated, so nothing but the room's name is taken from it: that stream is looked at
again, as the reconciler does every second. Thanks to it a stream is live milliseconds after the first clean sound.
"""

from __future__ import annotations

import logging

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp.audio_server.client import AudioServerUnreachable
from webapp.audio_server.room_tokens import WebhookRefused
from webapp.core.database import db
from webapp.core.errors import ApiError
from webapp.core.extensions import csrf
from webapp.models import Stream, WebhookDelivery
from webapp.streams import reconcile, rooms

log = logging.getLogger(__name__)

blueprint = Blueprint("webhook", __name__)
csrf.exempt(blueprint)  # signed instead

HINTS = frozenset({"track_published", "track_unpublished", "participant_joined", "participant_left", "room_finished"})


@blueprint.post("/livekit/webhook")
def receive() -> ResponseReturnValue:
    try:
        event = rooms.token_mint().read_webhook(request.get_data(as_text=True), request.headers.get("Authorization", ""))
    except WebhookRefused as error:
        log.warning("webhook refused: %s", type(error.__cause__).__name__)  # the message may quote what was sent
        raise ApiError("This is not signed by the audio server.", status=401, code="bad_signature") from error
    if event.event in HINTS and _is_new(event.id):
        _look_again(event.room.name)
    return "", 204


def _is_new(delivery_id: str) -> bool:
    db.session.add(WebhookDelivery(id=delivery_id[:64]))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return False
    return True


def _look_again(room: str) -> None:
    stream_id = db.session.scalar(select(Stream.id).where(Stream.room_key == rooms.room_key_of(room)))
    if stream_id is None:
        return
    try:
        reconcile.repair(stream_id)
    except AudioServerUnreachable:
        log.info("audio server gone after its own webhook; the reconciler tries again")
