"""How often something may be done in an hour: new accounts from a network, friend requests of a person. Counted in the database,
in the transaction of the act itself: what fails does not count, and a restart does not forget."""

from __future__ import annotations

import math
from datetime import timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import delete, select

from webapp.addresses import network_of
from webapp.config import Config
from webapp.errors import TooMany
from webapp.extensions import db
from webapp.models import LimitedAct, User, now

HOUR = timedelta(hours=1)
FRIEND_REQUESTS = 60        # of one person, in an hour
PUSH_SUBSCRIPTIONS = 30     # each looks a name up


def check_registration(address: str) -> None:
    """Before anything costly is done for one. Raises TooMany."""
    _check(*_registration(address))


def count_registration(address: str) -> None:
    """Raises TooMany, with the transaction rolled back."""
    _count(*_registration(address))


def count_friend_request(sender: User) -> None:
    """Raises TooMany, with the transaction rolled back."""
    _count(f"friend request:{sender.id}", FRIEND_REQUESTS, _("You have sent too many friend requests in the last hour."))


def count_push_subscription(user: User) -> None:
    """Raises TooMany, with the transaction rolled back."""
    words = _("You have switched notifications on too often in the last hour.")
    _count(f"push subscription:{user.id}", PUSH_SUBSCRIPTIONS, words)


def _registration(address: str) -> tuple[str, int, str]:
    config: Config = current_app.config["STILLAIR"]
    words = _("Too many accounts were made from your network in the last hour.")
    return f"registration:{network_of(address)}", config.registrations_per_hour, words


def _count(subject: str, most: int, words: str) -> None:
    db.session.execute(delete(LimitedAct).where(LimitedAct.at < now() - HOUR))      # SQLite lets nobody else write from here on
    _check(subject, most, words)
    db.session.add(LimitedAct(subject=subject))


def _check(subject: str, most: int, words: str) -> None:
    recent = LimitedAct.subject == subject, LimitedAct.at >= now() - HOUR
    newest_first = select(LimitedAct.at).where(*recent).order_by(LimitedAct.at.desc())
    deciding = db.session.scalar(newest_first.offset(most - 1).limit(1))            # the next one may come an hour after it
    if deciding is None:
        return
    db.session.rollback()
    wait_s = max(1, math.ceil((deciding + HOUR - now()).total_seconds()))
    raise TooMany(f"{words} {_try_again(wait_s)}", retry_after_s=wait_s)


def _try_again(seconds: int) -> str:
    return ngettext("Try again in a minute.", "Try again in %(num)d minutes.", math.ceil(seconds / 60))
