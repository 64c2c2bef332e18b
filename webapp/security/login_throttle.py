"""Slows down guessing: after a few wrong passwords each further try has to wait longer.

Tries are counted by who makes them. A stranger's count for the name and for the network. Those of a browser in which the person
has logged in before count for this browser alone, and those inside a log-in for this log-in: however many strangers guess at
a name, its owner gets in. Failures are counted in the database, so a restart does not forget them. Nobody is locked out for good.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, func, select

from webapp.core.database import db
from webapp.core.errors import TooMany
from webapp.core.text import clean
from webapp.models import LoginFailure, User, now
from webapp.security import audit
from webapp.security.addresses import network_of

log = logging.getLogger(__name__)

REMEMBERED = timedelta(hours=1)
MAX_DELAY_S = 300.0
FREE_TRIES: Mapping[str, int] = {
    "user": 5,
    "address": 100,  # a whole household or school may share an address
    "browser": 5,
    "login": 5,  # what is tried inside a log-in
    "code": 5,  # of a second factor, of somebody who knows the password
}

Subjects = tuple[str, ...]
"""What the failures of somebody are counted by: "user:ana", "address:203.0.113.7", ..."""


def of_stranger(username: str, address: str) -> Subjects:
    return f"user:{clean(username).lower()[:32]}", f"address:{network_of(address)}"


def of_browser(known_browser_id: int) -> Subjects:
    return (f"browser:{known_browser_id}",)


def of_login(session_id: int) -> Subjects:
    return (f"login:{session_id}",)


def of_second_step(user_id: int, known_browser_id: int | None) -> Subjects:
    """Count codes apart from passwords: a right password must not make anybody forget how many codes were wrong."""
    return (f"code:{user_id}" if known_browser_id is None else f"code:{user_id}:{known_browser_id}",)


def delay_s(failures: int, free: int) -> float:
    """Return the seconds between the last of `failures` and the next try: none, then 1, 2, 4, ... up to five minutes."""
    return 0.0 if failures < free else min(2.0 ** min(failures - free, 30), MAX_DELAY_S)


def check(subjects: Subjects, address: str = "") -> None:
    """Raise TooMany while the next try has to wait. `address`: for a line in the log, which fail2ban may read."""
    wait_s = max(_wait_s(subject) for subject in subjects)
    if wait_s > 0:
        seconds = math.ceil(wait_s)
        if address:
            log.warning("too many failed log-ins from %s", address)
        raise TooMany(_("Too many failed attempts. Try again in %(seconds)d s.", seconds=seconds), retry_after_s=seconds)


def record_failure(subjects: Subjects, address: str = "", user: User | None = None) -> None:
    """Count a wrong password. `user`: whose it should be, if there is an account of that name.

    The first try that will have to wait stands in the audit log, but never the name of nobody: people type passwords into that
    field.
    """
    db.session.add_all(LoginFailure(subject=subject) for subject in subjects)
    db.session.execute(delete(LoginFailure).where(LoginFailure.at < now() - REMEMBERED))
    reached = {_kind(subject) for subject in subjects if _count(subject) == FREE_TRIES[_kind(subject)]}
    if reached - {"user"} or (reached and user is not None):
        audit.record(audit.NOBODY, "login.slowed", user, network_of(address))


def forget_failures(subjects: Subjects) -> None:
    """Forget failures after a success. The address keeps its own, or an attacker with one account could guess on."""
    forgotten = [subject for subject in subjects if _kind(subject) != "address"]
    db.session.execute(delete(LoginFailure).where(LoginFailure.subject.in_(forgotten)))


def _kind(subject: str) -> str:
    return subject.partition(":")[0]


def _count(subject: str) -> int:
    return db.session.scalar(select(func.count()).where(LoginFailure.subject == subject)) or 0


def _wait_s(subject: str) -> float:
    recent = LoginFailure.subject == subject, LoginFailure.at > now() - REMEMBERED
    count, last = db.session.execute(select(func.count(), func.max(LoginFailure.at)).where(*recent)).one()
    return delay_s(count, FREE_TRIES[_kind(subject)]) - (now() - last).total_seconds() if last else 0.0
