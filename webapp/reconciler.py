"""Runs the reconciler, a process of its own: `python -m webapp.reconciler`. It repairs streams, and tidies up behind everybody.

It keeps nothing in memory that matters: it may die at any moment, and two of them do no more than one.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from flask import Flask
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError

from webapp import create_app
from webapp.accounts import notices, password_resets
from webapp.admin import heartbeat
from webapp.audio_server.client import AudioServerUnreachable
from webapp.auth import invites
from webapp.chat import archive
from webapp.core import garbage, mail
from webapp.core.database import db
from webapp.events import outbox
from webapp.models import WebhookDelivery, now
from webapp.notifications import sender
from webapp.presence import presence
from webapp.recordings import retention
from webapp.security import audit
from webapp.streams import reconcile, seats

log = logging.getLogger(__name__)

T = TypeVar("T")

ROUND_S = 1.0
STARTING_ROUND_S = 0.5
"""Between rounds while a stream is starting, when somebody waits for every half second."""
QUIET_ROUND_S = 10.0
"""Between two looks for rooms that nobody needs, while there is no stream."""
PRESENCE_EVERY_S = 5.0
CLEAN_UP_EVERY_S = 60.0
PUSH_EVERY_S = 1.0
WEBHOOKS_KEPT = timedelta(hours=1)
"""Ids of webhooks; their signatures expire within minutes."""
MAIL_EVERY_S = 1.0
EXPECTED = (AudioServerUnreachable, OperationalError, mail.MailRefused)
"""Outages: named in the log, without a trace."""


def clean_up() -> None:
    """Delete what nobody will ask for again."""
    outbox.prune()
    invites.prune()
    password_resets.prune()
    notices.prune()
    audit.prune()
    seats.prune()
    db.session.execute(delete(WebhookDelivery).where(WebhookDelivery.at < now() - WEBHOOKS_KEPT))
    db.session.commit()


class Reconciler:
    """Runs the loop. Whatever fails is logged once, and tried again in the next round."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stop = threading.Event()
        self._failing: set[str] = set()
        self._worked_at: dict[str, float] = {}

    def stop(self, *_: object) -> None:
        self._stop.set()

    def run(self) -> None:
        threading.Thread(target=self._send_pushes, name="push-sender", daemon=True).start()
        postman = threading.Thread(target=self._answer_by_mail, name="mail")
        postman.start()
        while not self._stop.is_set():
            self._stop.wait(self.do_round())
        postman.join()

    def _answer_by_mail(self) -> None:
        """Send mails beside the rounds: a mail server may take seconds to answer, and a stream must not wait for that."""
        with self._app.app_context():
            wanted = mail.is_configured()
        while wanted and not self._stop.wait(MAIL_EVERY_S):
            self._try("mail", password_resets.answer_requests)
            self._try("notices by mail", notices.send_mails)

    def _send_pushes(self) -> None:
        """Send pushes beside the rounds, which no push service may hold up."""
        while not self._stop.wait(PUSH_EVERY_S):
            self._try("pushes", lambda: sender.drain(self._app))

    def do_round(self) -> float:
        """Do everything once, and return the seconds until the next round."""
        states = self._try("streams", reconcile.repair_all)
        self._every(QUIET_ROUND_S if states == [] else 0.0, "rooms", reconcile.close_old_rooms)
        self._every(PRESENCE_EVERY_S, "presence", presence.expire)
        self._try("recordings", retention.maintain)
        self._try("chats", archive.maintain)
        self._every(heartbeat.EVERY_S, "heartbeat", heartbeat.beat)
        self._every(CLEAN_UP_EVERY_S, "old recordings", retention.expire)
        self._every(CLEAN_UP_EVERY_S, "clean-up", clean_up)
        return STARTING_ROUND_S if "starting" in (states or ()) else ROUND_S

    def _every(self, seconds: float, name: str, task: Callable[[], object]) -> None:
        """Run a part of the round, unless it has worked less than `seconds` ago."""
        if time.monotonic() - self._worked_at.get(name, float("-inf")) >= seconds:
            self._worked_at[name] = time.monotonic()
            self._try(name, task)
            if name in self._failing:
                del self._worked_at[name]

    def _try(self, name: str, task: Callable[[], T]) -> T | None:
        """Run a part of the round. Its failure must not stop the others, nor fill the log once a second."""
        try:
            with self._app.app_context():
                result = task()
        except Exception as error:
            if name not in self._failing:
                log.error("%s failed, trying again every second", name, exc_info=not isinstance(error, EXPECTED))
            self._failing.add(name)
            return None
        if name in self._failing:
            log.warning("%s work again", name)
            self._failing.discard(name)
        return result


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    reconciler = Reconciler(create_app(migrates=False))
    garbage.spare_what_is_loaded()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, reconciler.stop)
    reconciler.run()


if __name__ == "__main__":
    main()
