"""Finds people by a part of their names."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from sqlalchemy import case, or_, select

from webapp.core.database import db
from webapp.core.errors import Invalid
from webapp.core.text import clean
from webapp.friends import blocks
from webapp.friends.relations import friend_ids
from webapp.friends.requests import requests_of
from webapp.models import User
from webapp.security import rate_limits

MIN_QUERY_LENGTH = 2
MAX_QUERY_LENGTH = 64
MAX_RESULTS = 20


def search(user: User, words: str) -> list[tuple[User, str]]:
    """Return people whose user name or display name contains `words`, each with the relation to `user`.

    A relation is self, none, sent, received, friend or blocked. People can choose to be found by strangers only by their exact
    user name; people who have blocked `user` are not found. Commits, for the search is counted. Raises Invalid and TooMany.
    """
    words = clean(words).lower()
    if len(words) < MIN_QUERY_LENGTH:
        raise Invalid.field("q", _("Type at least %(count)d characters.", count=MIN_QUERY_LENGTH))
    if len(words) > MAX_QUERY_LENGTH:
        raise Invalid.field("q", _("Type at most %(count)d characters.", count=MAX_QUERY_LENGTH))
    rate_limits.count("search", user.id)
    db.session.commit()
    shown = db.func.lower(User.display_name)
    begins = or_(User.username_key.startswith(words, autoescape=True), shown.startswith(words, autoescape=True))
    relations = _relations(user)
    named_exactly = or_(User.exact_name_only.is_(False), User.username_key == words, User.id.in_(list(relations)))
    query = (
        select(User)
        .where(or_(User.username_key.contains(words, autoescape=True), shown.contains(words, autoescape=True)))
        .where(named_exactly, User.id.not_in(blocks.blockers_of(user)))
        .order_by(case((User.username_key == words, 0), (begins, 1), else_=2), User.username_key)
        .limit(MAX_RESULTS)
    )
    return [(found, relations.get(found.id, "none")) for found in db.session.scalars(query)]


def _relations(user: User) -> Mapping[int, str]:
    requests = requests_of(user)
    return {
        user.id: "self",
        **{request.sender_id: "received" for request in requests.received},
        **{request.receiver_id: "sent" for request in requests.sent},
        **dict.fromkeys(friend_ids(user.id), "friend"),
        **dict.fromkeys(blocks.blocked_ids(user), "blocked"),
    }
