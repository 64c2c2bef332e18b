"""Lists recordings: one's own, a friend's, or those of all friends; in an order, with words in them, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from contract.recording_files import RECORDING_ID
from webapp.core.database import db
from webapp.core.errors import Invalid, NotFound
from webapp.core.text import search_key
from webapp.friends import relations
from webapp.friends.relations import Face
from webapp.models import Recording, User, base
from webapp.recordings import queries as recording_queries
from webapp.recordings import sharing

PAGE = 50
WORDS_LENGTH = 64  # characters of a search that are looked at


@dataclass(frozen=True)
class Order:
    column: InstrumentedAttribute[Any]
    descending: bool = False

    def sort(self, query: Select[Recording]) -> Select[Recording]:
        keys = (self.column, Recording.id)
        return query.order_by(*(key.desc() if self.descending else key.asc() for key in keys))

    def behind(self, query: Select[Recording], last: tuple[Any, str]) -> Select[Recording]:
        """Return what comes after `last`, the value and id of a recording.

        Pages by OFFSET would read everything before, and repeat or miss recordings when some come or go.
        """
        keys = tuple_(self.column, Recording.id)
        return query.where(keys < last if self.descending else keys > last)


ORDERS = {
    "newest": Order(Recording.started_at, descending=True),
    "oldest": Order(Recording.started_at),
    "longest": Order(Recording.duration, descending=True),
    "title": Order(Recording.title_key),
}


@dataclass(frozen=True)
class ListQuery:
    """Says which part of a list somebody wants to see, and in which order."""

    order: str = "newest"  # ORDERS
    words: str = ""  # each stands in the title or in the owner's name
    before: str = ""  # id of the last recording that is known already; a time as well in an order of time


ALL = ListQuery()


@dataclass(frozen=True)
class Page:
    recordings: list[Recording]
    more: bool  # there is a page after this one


def of_person(viewer: User, owner: User, list_query: ListQuery = ALL, *, with_deleted: Recording | None = None) -> Page:
    """Return a page of one person's recordings. Raises NotFound for strangers, or Invalid.

    `with_deleted`: a recording that stays in its place for Undo.
    """
    if viewer.id != owner.id and not relations.are_friends(viewer, owner):
        raise NotFound
    query = _present(with_deleted).where(Recording.owner_id == owner.id, sharing.audible_to(viewer))
    return _page(_page_query(query, [owner], list_query), PAGE)


def of_friends(viewer: User, list_query: ListQuery = ALL, *, count: int = PAGE) -> Page:
    """Return a page of all friends' recordings. Raises Invalid."""
    friends = relations.faces_of_friends(viewer) if list_query.words or list_query.before else []
    query = (
        _present()
        .options(selectinload(Recording.owner))
        .where(Recording.owner_id.in_(relations.friend_ids_query(viewer.id)), sharing.audible_to(viewer))
    )
    return _page(_page_query(query, friends, list_query), count)


def _present(with_deleted: Recording | None = None) -> Select[Recording]:
    kept = with_deleted.id if with_deleted is not None else ""
    present = or_(Recording.deleted_at.is_(None), Recording.id == kept)
    return select(Recording).where(present)


def _page(query: Select[Recording], count: int) -> Page:
    found = list(db.session.scalars(query.limit(count + 1)))
    return Page(recording_queries.fresh(found[:count]), more=len(found) > count)


def _page_query(query: Select[Recording], owners: Sequence[User | Face], list_query: ListQuery) -> Select[Recording]:
    order = ORDERS.get(list_query.order)
    if order is None:
        raise Invalid.choice("order", ORDERS)
    query = order.sort(_with_words(query, owners, list_query.words))
    return order.behind(query, _place(order, owners, list_query.before)) if list_query.before else query


def _with_words(query: Select[Recording], owners: Sequence[User | Face], words: str) -> Select[Recording]:
    names = {owner.id: search_key(f"{owner.display_name} {owner.username}") for owner in owners} if words else {}
    for word in search_key(words[:WORDS_LENGTH]).split():
        named = [owner_id for owner_id, name in names.items() if word in name]
        query = query.where(or_(Recording.title_key.contains(word, autoescape=True), Recording.owner_id.in_(named)))
    return query


def _place(order: Order, owners: Sequence[User | Face], before: str) -> tuple[Any, str]:
    last = db.session.get(Recording, before) if RECORDING_ID.fullmatch(before) else None
    known = {owner.id for owner in owners}
    if last is not None and last.owner_id in known:  # where a stranger's would stand says something of it
        return getattr(last, order.column.key), last.id
    moment = base.parse_rfc3339(before)
    if moment is None or order.column.key != Recording.started_at.key:
        raise Invalid.field("before", _("This must be the id of a recording, or a timestamp when sorting by date."))
    return moment, "" if order.descending else "g"  # before and behind all ids of that moment
