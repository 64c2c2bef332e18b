"""Push subscriptions: browsers that are notified when a friend goes live.

A subscription belongs to the log-in of a browser. It ends with the log-in (by logging out, a new password or the end of the
account), and when the push service says that it is gone.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric import ec
from flask_babel import gettext as _
from sqlalchemy import Select, delete, select
from sqlalchemy.exc import IntegrityError

from webapp.accounts import sessions
from webapp.core.database import db
from webapp.core.errors import Conflict, Invalid
from webapp.models import LoginSession, PushSubscription, User
from webapp.notifications.push_client import ENDPOINT_LENGTH, EndpointRefused, push_route
from webapp.security import rate_limits

MAX_BROWSERS = 10  # of one person; one more replaces the one that was used longest ago
AUTH_BYTES = 16
POINT_BYTES = 65  # a point of P-256, uncompressed


def is_on(user: User) -> bool:
    """Tell whether the browser that asks is subscribed."""
    return db.session.scalar(_of_log_in(user)) is not None


def switch_on(user: User, endpoint: str, p256dh: str, auth: str) -> None:
    """Subscribe the browser that asks; doing it again changes nothing. Raises Invalid, Conflict and TooMany."""
    known = db.session.scalar(_of_log_in(user))
    if known is not None and (known.endpoint, known.p256dh, known.auth) == (endpoint, p256dh, auth):
        return
    _check_keys(p256dh, auth)
    rate_limits.count("push subscription", user.id)
    db.session.commit()  # no transaction is open while the host is resolved
    _check_endpoint(endpoint)
    holder = db.session.scalar(select(PushSubscription).where(PushSubscription.endpoint == endpoint))
    if holder is not None and (holder.p256dh, holder.auth) != (p256dh, auth):
        raise Conflict(_("This browser is registered with other keys. Switch notifications off and on again."))
    # Whoever knows the keys is that browser, in which somebody else has logged in now.
    session_id = sessions.session_id(user)
    replaced = (PushSubscription.endpoint == endpoint) | (PushSubscription.session_id == session_id)
    db.session.execute(delete(PushSubscription).where(replaced))
    db.session.add(PushSubscription(session_id=session_id, endpoint=endpoint, p256dh=p256dh, auth=auth))
    try:
        _drop_oldest(user)
        db.session.commit()
    except IntegrityError as error:  # another tab was quicker
        db.session.rollback()
        raise Conflict(_("Another page changed this at the same time. Try again.")) from error


def switch_off(user: User) -> None:
    """End the subscription of the browser that asks."""
    db.session.execute(delete(PushSubscription).where(PushSubscription.session_id == sessions.session_id(user)))
    db.session.commit()


def _of_log_in(user: User) -> Select[PushSubscription]:
    return select(PushSubscription).where(PushSubscription.session_id == sessions.session_id(user))


def _drop_oldest(user: User) -> None:
    db.session.flush()
    mine = select(PushSubscription.id).join(LoginSession).where(LoginSession.user_id == user.id)
    too_many = mine.order_by(LoginSession.seen_at.desc(), PushSubscription.id.desc()).offset(MAX_BROWSERS)
    db.session.execute(delete(PushSubscription).where(PushSubscription.id.in_(db.session.scalars(too_many).all())))


def _check_keys(p256dh: str, auth: str) -> None:
    """Check that a message can be encrypted for this browser (RFC 8291). Raises Invalid."""
    try:
        point = _decoded(p256dh)
        if len(point) != POINT_BYTES:
            raise ValueError
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise Invalid.field("p256dh", _("The public key is not valid.")) from None
    try:
        secret = _decoded(auth)
    except ValueError:
        secret = b""
    if len(secret) != AUTH_BYTES:
        raise Invalid.field("auth", _("The push key is not valid."))


def _decoded(text: str) -> bytes:
    """Decode base64url without padding, which browsers use. Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
    except binascii.Error as error:
        raise ValueError from error


def _check_endpoint(endpoint: str) -> None:
    if len(endpoint) > ENDPOINT_LENGTH:
        raise Invalid.field("endpoint", _("This address is too long."))
    try:
        push_route().check(endpoint)
    except (EndpointRefused, OSError):  # answered alike: which names exist in this server's network is nobody's business
        words = _("This server cannot find your browser's push service. It may have no access to the Internet: ask your admin.")
        raise Invalid.field("endpoint", words) from None
