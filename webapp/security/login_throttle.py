"""Slows down guessing: after a few failed log-ins each further try has to wait longer.

Failures are counted in the database, so a restart does not forget them. Nobody is locked out for good, so nobody can shut
somebody else out.
"""

from __future__ import annotations

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

REMEMBERED = timedelta(hours=1)
MAX_DELAY_S = 300.0
FREE_TRIES: Mapping[str, int] = {
    "user": 5,
    "address": 100,  # a whole household or school may share one
    "login": 5,  # what is tried inside a log-in
    "code": 5,  # of a second factor, by account: whoever gets that far knows the password
}


def delay_s(failures: int, free: int) -> float:
    """Return the seconds between the last of `failures` and the next try: none, then 1, 2, 4, ... up to five minutes."""
    return 0.0 if failures < free else min(2.0 ** min(failures - free, 30), MAX_DELAY_S)


def check(username: str, address: str) -> None:
    """Raise TooMany while the next try has to wait."""
    refuse_early(*_subjects(username, address))


def refuse_early(*subjects: str) -> None:
    """Raise TooMany while the next try has to wait for one of the subjects."""
    wait_s = max(map(_wait_s, subjects))
    if wait_s > 0:
        seconds = math.ceil(wait_s)
        raise TooMany(_("Too many failed attempts. Try again in %(seconds)d s.", seconds=seconds), retry_after_s=seconds)


def record_failure(username: str, address: str, user: User | None = None) -> None:
    """Count a failed log-in. `user`: the account of that name, if any.

    The first throttled attempt is logged, but never for unknown names: people type passwords into that field.
    """
    db.session.add_all(LoginFailure(subject=subject) for subject in _subjects(username, address))
    db.session.execute(delete(LoginFailure).where(LoginFailure.at < now() - REMEMBERED))
    by_name, by_address = (_count(subject) for subject in _subjects(username, address))
    if by_address == FREE_TRIES["address"] or (user is not None and by_name == FREE_TRIES["user"]):
        audit.record(audit.NOBODY, "login.slowed", user, network_of(address))


def count_failure(subject: str, user: User) -> None:
    """Count a failure by one subject alone, for what only somebody can try who is known."""
    db.session.add(LoginFailure(subject=subject))
    db.session.execute(delete(LoginFailure).where(LoginFailure.at < now() - REMEMBERED))
    if _count(subject) == FREE_TRIES[subject.partition(":")[0]]:
        audit.record(audit.NOBODY, "login.slowed", user)


def forget(subject: str) -> None:
    db.session.execute(delete(LoginFailure).where(LoginFailure.subject == subject))


def forget_failures(username: str) -> None:
    """Forget the name's failures after a success. The address keeps its own, or an attacker with one account could guess on."""
    forget(_subjects(username, "")[0])


def _count(subject: str) -> int:
    return db.session.scalar(select(func.count()).where(LoginFailure.subject == subject)) or 0


def _wait_s(subject: str) -> float:
    kind = subject.partition(":")[0]
    recent = LoginFailure.subject == subject, LoginFailure.at > now() - REMEMBERED
    count, last = db.session.execute(select(func.count(), func.max(LoginFailure.at)).where(*recent)).one()
    return delay_s(count, FREE_TRIES[kind]) - (now() - last).total_seconds() if last else 0.0


def _subjects(username: str, address: str) -> tuple[str, str]:
    return f"user:{clean(username).lower()[:32]}", f"address:{network_of(address)}"
