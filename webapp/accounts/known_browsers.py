"""Recognises browsers in which a person has logged in before, by a device cookie (OWASP, "Slow Down Online Guessing Attacks with
Device Cookies").

Such a browser has a counter of its own for wrong passwords, so that nobody who guesses elsewhere can keep the owner out, and a
log-in from any other browser is worth a notice. The signed cookie holds a nonce for each of the last few people who logged in
there; a row with the hash of the nonce says that it still counts. Every log-in makes a new nonce, and only the latest few
browsers of a person are known, so stolen cookies are worth few guesses, and those of somebody else none.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import Response, after_this_request, current_app, g, has_request_context, request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete, select

from webapp.core.config import current_config
from webapp.core.database import db
from webapp.models import KnownBrowser, User, now
from webapp.security.headers import COOKIE_LIFETIME, cookie_name
from webapp.security.tokens import token_hash

MAX_BROWSERS = 10  # of one person; one more forgets the one that was used longest ago
MAX_PEOPLE = 5  # of one browser


def find(user: User) -> KnownBrowser | None:
    """Return the browser that asks, if this person has logged in with it before."""
    nonce = _nonces().get(str(user.id))
    if nonce is None:
        return None
    mine = KnownBrowser.user_id == user.id, KnownBrowser.nonce_hash == token_hash(nonce)
    return db.session.scalar(select(KnownBrowser).where(*mine))


def remember(user: User) -> tuple[int, bool]:
    """Know the browser that asks from now on, in the current transaction. Return its id, and whether it was unknown until now."""
    found = find(user)
    browser = found or KnownBrowser(user_id=user.id)
    nonce = secrets.token_urlsafe(24)
    browser.nonce_hash, browser.used_at = token_hash(nonce), now()
    db.session.add(browser)
    db.session.flush()
    mine = select(KnownBrowser.id).where(KnownBrowser.user_id == user.id)
    oldest = mine.order_by(KnownBrowser.used_at.desc(), KnownBrowser.id.desc()).offset(MAX_BROWSERS)
    db.session.execute(delete(KnownBrowser).where(KnownBrowser.id.in_(db.session.scalars(oldest).all())))
    _hand_out(user, nonce)
    return browser.id, found is None


def forget(user: User, browser_id: int) -> None:
    """Forget one browser of the person, in the current transaction."""
    db.session.execute(delete(KnownBrowser).where(KnownBrowser.user_id == user.id, KnownBrowser.id == browser_id))


def forget_others(user: User) -> None:
    """Forget all browsers of the person but the one that asks, in the current transaction."""
    browser = find(user)
    others = KnownBrowser.user_id == user.id, KnownBrowser.id != (browser.id if browser else None)
    db.session.execute(delete(KnownBrowser).where(*others))


def _nonces() -> dict[str, str]:
    """Return id of a person -> nonce, as the browser's cookie has them."""
    if not has_request_context():
        return {}
    if "browser_nonces" in g:  # handed out by this very request
        return dict(g.browser_nonces)
    try:
        read: Any = _serializer().loads(request.cookies.get(_cookie(), ""))
    except BadSignature:
        return {}
    return dict(read)


def _hand_out(user: User, nonce: str) -> None:
    nonces = {person: other for person, other in _nonces().items() if person != str(user.id)}
    g.browser_nonces = latest = dict([*nonces.items(), (str(user.id), nonce)][-MAX_PEOPLE:])

    @after_this_request
    def set_cookie(response: Response) -> Response:
        response.set_cookie(
            _cookie(),
            _serializer().dumps(latest),
            max_age=COOKIE_LIFETIME,
            httponly=True,
            secure=current_config().tls,
            samesite="Lax",
        )
        return response


def _cookie() -> str:
    return f"{cookie_name(current_config())}_browser"


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="known browser")
