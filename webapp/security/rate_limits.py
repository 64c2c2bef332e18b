"""How often something may be done in an hour: new accounts from a network, friend requests of a person; or in a minute: messages
and reactions. Counted in the database, in the transaction of the act itself: what fails does not count, and a restart does not
forget."""

from __future__ import annotations

import math
from datetime import timedelta

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import delete, select

from webapp.core.config import Config
from webapp.core.database import db
from webapp.core.errors import TooMany
from webapp.models import LimitedAct, User, now
from webapp.security.addresses import network_of

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FRIEND_REQUESTS = 60  # of one person, in an hour
PUSH_SUBSCRIPTIONS = 30  # each looks a name up
MESSAGES = 20  # of one person, in a minute
REACTIONS = 30
SETUP_CHECKS = 30  # of one person, in an hour; each makes a room
RESET_WISHES = 20  # from one network
RESET_MAILS = 3  # to one person
PICTURES = 60  # tries of one person


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


def count_message(author: User) -> None:
    """Raises TooMany, with the transaction rolled back."""
    _count(f"message:{author.id}", MESSAGES, _("You write faster than others can read."), MINUTE)


def count_reaction(person: User) -> None:
    """Raises TooMany, with the transaction rolled back."""
    _count(f"reaction:{person.id}", REACTIONS, _("These are many reactions in a minute."), MINUTE)


def count_setup_check(user: User) -> None:
    """Raises TooMany, with the transaction rolled back."""
    _count(f"setup check:{user.id}", SETUP_CHECKS, _("You have checked your set-up many times in the last hour."))


def count_reset_wish(address: str) -> None:
    """Raises TooMany, with the transaction rolled back."""
    words = _("Too many links were asked for from your network in the last hour.")
    _count(f"reset wish:{network_of(address)}", RESET_WISHES, words)


def check_reset_mail(receiver: User) -> None:
    """Raises TooMany: a stranger who knows a name must not be able to fill a mailbox."""
    _check(f"reset mail:{receiver.id}", RESET_MAILS, "")


def count_reset_mail(receiver: User) -> None:
    """One that was sent."""
    db.session.add(LimitedAct(subject=f"reset mail:{receiver.id}"))


def count_picture(user: User) -> None:
    """Raises TooMany, with the transaction rolled back."""
    _count(f"picture:{user.id}", PICTURES, _("You have sent too many pictures in the last hour."))


def _registration(address: str) -> tuple[str, int, str]:
    config: Config = current_app.config["STILLAIR"]
    words = _("Too many accounts were made from your network in the last hour.")
    return f"registration:{network_of(address)}", config.registrations_per_hour, words


def _count(subject: str, most: int, words: str, within: timedelta = HOUR) -> None:
    db.session.execute(delete(LimitedAct).where(LimitedAct.at < now() - HOUR))  # SQLite lets nobody else write from here on
    _check(subject, most, words, within)
    db.session.add(LimitedAct(subject=subject))


def _check(subject: str, most: int, words: str, within: timedelta = HOUR) -> None:
    recent = LimitedAct.subject == subject, LimitedAct.at >= now() - within
    newest_first = select(LimitedAct.at).where(*recent).order_by(LimitedAct.at.desc())
    deciding = db.session.scalar(newest_first.offset(most - 1).limit(1))  # the next one may come so long after it
    if deciding is None:
        return
    db.session.rollback()
    wait_s = max(1, math.ceil((deciding + within - now()).total_seconds()))
    raise TooMany(f"{words} {_try_again(wait_s)}", retry_after_s=wait_s)


def _try_again(seconds: int) -> str:
    if seconds < 60:
        return ngettext("Try again in a second.", "Try again in %(num)d seconds.", seconds)
    return ngettext("Try again in a minute.", "Try again in %(num)d minutes.", math.ceil(seconds / 60))
