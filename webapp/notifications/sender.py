"""Sends the pushes that wait in the database, encrypted for one browser (RFC 8291) and signed with this server's key (RFC 8292).

The reconciler calls `drain` in a thread of its own, so a slow push service holds up nothing else. A message is claimed before it
is sent and deleted afterwards; if the process dies in between, it is due again when the claim runs out.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update

from webapp.core.config import Config
from webapp.core.database import affected_rows, db
from webapp.friends import relations
from webapp.i18n.language import in_language_of
from webapp.models import PushMessage, PushSubscription, now
from webapp.notifications import go_live, vapid
from webapp.notifications.push_client import Answer, EndpointRefused, push_route

log = logging.getLogger(__name__)

LIFETIME = timedelta(hours=1)  # later nobody wants to know that somebody went live
WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
LEASE = timedelta(minutes=1)  # longer than any sending
WORKERS = 8
SIGNATURE_LASTS_S = 3600
GONE = (404, 410)
BUSY = (0, 408, 425, 429, *range(500, 600))


@dataclass(frozen=True)
class PushPayload:
    """A message with everything that is needed to send it, so that no transaction is open meanwhile."""

    message_id: int
    subscription_id: int
    tries: int
    endpoint: str
    p256dh: str
    auth: str
    topic: str
    text: str


def drain(app: Flask) -> None:
    """Send all messages that are due, several at once."""
    with app.app_context():
        due = db.session.scalar(select(func.count()).where(PushMessage.due_at <= now())) or 0
    workers = [threading.Thread(target=_work, args=[app], name="push", daemon=True) for _number in range(min(due, WORKERS))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _work(app: Flask) -> None:
    try:
        with app.app_context():
            while message := _claim():
                if (payload := _pack(message)) is not None:
                    _settle(payload, _send(payload))
    except Exception:  # its message is due again when the lease is over
        log.exception("push not sent")


def _claim() -> PushMessage | None:
    """Claim the next message that is due. Of several callers at once only one gets it."""
    while True:
        message = db.session.scalar(select(PushMessage).where(PushMessage.due_at <= now()).order_by(PushMessage.due_at).limit(1))
        if message is None:
            db.session.commit()
            return None
        mine = update(PushMessage).where(PushMessage.id == message.id, PushMessage.due_at == message.due_at)
        claim = mine.values(due_at=now() + LEASE, tries=PushMessage.tries + 1).execution_options(synchronize_session=False)
        claimed = affected_rows(claim) == 1
        db.session.commit()
        if claimed:
            return message


def _pack(message: PushMessage) -> PushPayload | None:
    """Read what sending needs. Deletes the message and returns None if the stream is over or the two are no longer friends."""
    stream, subscription = message.stream, message.subscription
    owner, receiver = stream.owner, subscription.session.user
    is_news = stream.is_on_air and message.created_at > now() - LIFETIME
    if not (is_news and relations.are_friends(owner, receiver) and go_live.wants(receiver.id, owner.id)):
        db.session.delete(message)
        db.session.commit()
        return None
    with in_language_of(receiver):
        title = _("%(name)s is live", name=owner.display_name)
    payload = PushPayload(
        message_id=message.id,
        subscription_id=subscription.id,
        tries=message.tries,
        endpoint=subscription.endpoint,
        p256dh=subscription.p256dh,
        auth=subscription.auth,
        topic=stream.id,
        text=json.dumps({"title": title, "body": stream.title, "link": f"/listen/{owner.username}"}),
    )
    db.session.commit()
    return payload


def _send(payload: PushPayload) -> Answer:
    from pywebpush import WebPusher  # with two HTTP clients, 5 MB, which a server without pushes does not need

    browser = WebPusher({"endpoint": payload.endpoint, "keys": {"p256dh": payload.p256dh, "auth": payload.auth}})
    body = bytes(browser.encode(payload.text.encode(), "aes128gcm")["body"])
    headers = {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(int(LIFETIME.total_seconds())),
        "Topic": payload.topic,  # a second message of one stream takes the place of the first
        "Urgency": "high",
        **_signature(payload.endpoint),
    }
    try:
        return push_route().post(payload.endpoint, body, headers)
    except EndpointRefused:  # its name means a private address by now
        return Answer(410)


def _signature(endpoint: str) -> dict[str, str]:
    config: Config = current_app.config["STILLAIR"]
    service, own = urlsplit(endpoint), urlsplit(config.public_url)
    key = vapid.load(config.data)
    key.conf["no-strict"] = True  # py_vapid rejects host names without a dot, such as `air`
    claims = {
        "aud": f"https://{service.netloc}",
        "exp": int(time.time()) + SIGNATURE_LASTS_S,
        "sub": f"https://{own.netloc}",
    }
    return dict(key.sign(claims))


def _settle(payload: PushPayload, answer: Answer) -> None:
    this = PushMessage.id == payload.message_id
    if answer.status in GONE:
        db.session.execute(delete(PushSubscription).where(PushSubscription.id == payload.subscription_id))
    elif answer.status in BUSY and payload.tries <= len(WAITS):
        db.session.execute(update(PushMessage).where(this).values(due_at=now() + _wait(payload.tries, answer.retry_after)))
    else:
        if not 200 <= answer.status < 300:
            log.warning("push given up", extra={"status": answer.status, "tries": payload.tries})
        db.session.execute(delete(PushMessage).where(this))
    db.session.commit()


def _wait(tries: int, retry_after: str) -> timedelta:
    """Return how long to wait: as long as the push service asks for, or else longer each time."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(LIFETIME, timedelta(seconds=int(retry_after[:9])))
    return WAITS[tries - 1]
