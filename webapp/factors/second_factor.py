"""Says what somebody has to show besides the password to log in, and checks it.

A second factor is on as soon as an authenticator app is confirmed or a passkey is added. Whoever has one has recovery codes as
well, which stand in for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext as _

from webapp.accounts import known_browsers, notices, sessions
from webapp.accounts.passwords import passwords
from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.core.text import clean
from webapp.factors import authenticator_app, passkeys, recovery_codes
from webapp.models import Passkey, User
from webapp.security import audit, login_throttle


@dataclass(frozen=True)
class Factors:
    app: bool
    passkeys: list[Passkey]
    recovery_codes: int  # that are left

    @property
    def is_on(self) -> bool:
        return self.app or bool(self.passkeys)


def factors_of(user: User) -> Factors:
    return Factors(
        app=authenticator_app.is_on(user), passkeys=passkeys.passkeys_of(user), recovery_codes=recovery_codes.left(user)
    )


def is_on(user: User) -> bool:
    """Return whether the password alone is not enough for this account."""
    return factors_of(user).is_on


def take_second_step(user: User, code: str) -> None:
    """Use up a code of somebody who logs in and has shown the password. Raises as `check_code` does.

    Failures in a browser that the person has logged in with before count for that one alone, so nobody who knows the password can
    keep its owner out.
    """
    browser = known_browsers.find(user)
    check_code(user, code, login_throttle.of_second_step(user.id, browser.id if browser else None))


def check_code(user: User, code: str, who: login_throttle.Subjects) -> None:
    """Use up a code of the app or a recovery code. Raises Invalid for a wrong one, and TooMany after too many by `who`."""
    code = "".join(code.split())
    if not _attempt(user, who, lambda: authenticator_app.accept(user, code) or _recover(user, code)):
        raise Invalid.field("code", _("This code is wrong or was used before. Wait for the next one and try again."))


def _recover(user: User, code: str) -> bool:
    if not recovery_codes.accept(user, code):
        return False
    audit.record(user, "recovery.used", user)
    notices.notify(user, "recovery.used")
    return True


def _attempt(user: User, who: login_throttle.Subjects, is_right: Callable[[], bool]) -> bool:
    """Return whether a code of `user` is right, commit, and count a failure for `who`. Raises TooMany.

    As with passwords a slot is held, so tries sent at the same moment cannot slip past the limit.
    """
    with passwords().slot():
        login_throttle.check(who)
        found = is_right()
        if found:
            login_throttle.forget_failures(who)
        else:
            login_throttle.record_failure(who, user=user)
        db.session.commit()
        return found


# --- What the person changes


def add_app(user: User, code: str) -> list[str]:
    """Turn the new app on if it shows this code. Returns recovery codes if it is the first factor. Raises Invalid and TooMany."""
    code = "".join(code.split())
    who = login_throttle.of_login(sessions.session_id(user))
    if not _attempt(user, who, lambda: authenticator_app.confirm(user, code)):
        raise Invalid.field(
            "code", _("This is not the code that the app shows now. Check the clock of your device and try again.")
        )
    audit.record(user, "factor.added", user, "authenticator app")
    notices.notify(user, "app.added")
    return _first_codes(user)


def remove_app(user: User) -> None:
    if authenticator_app.remove(user):
        audit.record(user, "factor.removed", user, "authenticator app")
        notices.notify(user, "app.removed")
    _end_codes(user)


def add_passkey(user: User, name: str, credential: str) -> list[str]:
    """Keep a passkey. Returns recovery codes if it is the first factor. Raises as `passkeys.add` does."""
    passkeys.add(user, name, credential)
    audit.record(user, "factor.added", user, "passkey")
    notices.notify(user, "passkey.added", clean(name))
    return _first_codes(user)


def remove_passkey(user: User, passkey_id: str) -> None:
    """Remove one of the person's passkeys. Raises NotFound."""
    passkeys.remove(user, passkey_id)
    audit.record(user, "factor.removed", user, "passkey")
    notices.notify(user, "passkey.removed")
    _end_codes(user)


def renew_codes(user: User) -> list[str]:
    """Return new recovery codes; the former ones end. Raises Invalid for somebody without a second factor."""
    if not is_on(user):
        raise Invalid(_("Set up a second factor first."))
    audit.record(user, "recovery.made", user)
    notices.notify(user, "recovery.made")
    codes = recovery_codes.renew(user)
    db.session.commit()
    return codes


def remove_all(by: User | str, user: User) -> None:
    """Remove every second factor, for somebody who has lost them all."""
    authenticator_app.remove(user)
    passkeys.remove_all(user)
    recovery_codes.remove(user)
    audit.record(by, "factors.reset", user)
    notices.notify(user, "factors.reset")
    db.session.commit()


def _first_codes(user: User) -> list[str]:
    codes = [] if recovery_codes.left(user) else recovery_codes.renew(user)
    db.session.commit()
    return codes


def _end_codes(user: User) -> None:
    """Remove the recovery codes of somebody who has no factor any more for which they could stand in."""
    if not is_on(user):
        recovery_codes.remove(user)
    db.session.commit()
