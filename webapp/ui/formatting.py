"""Formats times and sizes in the language of the page and the time zone of the reader's browser.

The cookie `timezone` tells the zone; it is UTC until the cookie is there.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_skeleton
from flask import g, request
from flask_babel import format_decimal, lazy_gettext, ngettext
from flask_babel import gettext as _

from webapp.core.text import clock
from webapp.i18n.language import formats
from webapp.models import now

# Why a recording has a gap or a span with the original sound, as the noise remover writes it into the sidecar
# (agent.recording.recorder).
CAUSES = {
    "connection": lazy_gettext("connection"),
    "overload": lazy_gettext("overload"),
    "noise remover restarted": lazy_gettext("noise remover restarted"),
    "disk too slow": lazy_gettext("disk too slow"),
    "disk full or not writable": lazy_gettext("disk full or not writable"),
    "space for recordings used up": lazy_gettext("space for recordings used up"),
}


def reader_zone() -> tzinfo:
    name = request.cookies.get("timezone", "")
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the cookie is what anybody may have put there
        return UTC


def _local(moment: datetime) -> tuple[datetime, int]:
    """Return the moment on the reader's clock, and how many days ago its day was there."""
    zone = reader_zone()
    local = moment.astimezone(zone)
    return local, (now().astimezone(zone).date() - local.date()).days


def _format(local: datetime, fields: str) -> str:
    """Format fields (Unicode TR 35) as the language orders them."""
    return format_skeleton(fields, local, locale=formats())


def _weekday(local: datetime) -> str:
    return str(formats().days["format"]["wide"][local.weekday()])


def _month(local: datetime) -> str:
    return str(formats().months["stand-alone"]["wide"][local.month])


def day(moment: datetime) -> str:
    """Format a day as `today, 14:10`, `yesterday`, `Sunday`, `14 November` or `14 November 2024`."""
    local, days = _local(moment)
    if days <= 0:
        return _("today, %(time)s", time=_format(local, "Hm"))
    if days == 1:
        return _("yesterday")
    if days < 7:
        return _weekday(local)
    return _format(local, "MMMMd" if days < 300 else "yMMMMd")


def date(moment: datetime) -> str:
    """Format a day in the time to come as `14 November`."""
    return _format(_local(moment)[0], "MMMMd")


def whole_date(moment: datetime) -> str:
    """Format a day as `14 November 2026`."""
    return _format(_local(moment)[0], "yMMMMd")


def time_of_day(moment: datetime) -> str:
    """Format a time as `19:02`."""
    return _format(_local(moment)[0], "Hm")


def moment(at: datetime) -> str:
    """Format a time as `14 November 2026, 14:10`, where it matters exactly."""
    local, _days = _local(at)
    return f"{_format(local, 'yMMMMd')}, {_format(local, 'Hm')}"


def last(moment: datetime) -> str:
    """Format the end of "last live ...": `today`, `yesterday`, `on Sunday`, `3 weeks ago`, `in March`, `in March 2024`."""
    local, days = _local(moment)
    span = days if days < 60 else (local.year, local.month, days < 300)
    texts: dict[object, str] = g.setdefault("texts_of_last", {})  # a page with 500 friends shows about twenty
    if span not in texts:
        texts[span] = _last(local, days)
    return texts[span]


def _last(local: datetime, days: int) -> str:
    if days <= 0:
        return _("today")
    if days == 1:
        return _("yesterday")
    if days < 7:
        return _("on %(weekday)s", weekday=_weekday(local))
    if days < 14:
        return _("last week")
    if days < 60:
        return ngettext("%(num)d week ago", "%(num)d weeks ago", days // 7)
    return _("in %(month)s", month=_month(local) if days < 300 else _format(local, "yMMMM"))


def minutes_since(moment: datetime | None) -> str:
    """Format a duration until now as `8 min` or `2 h 5 min`; the page keeps it counting."""
    minutes = max(0, int((now() - moment).total_seconds())) // 60 if moment else 0
    if minutes < 60:
        return _("%(minutes)d min", minutes=minutes)
    return _("%(hours)d h %(minutes)d min", hours=minutes // 60, minutes=minutes % 60)


def size(count: int) -> str:
    """Format bytes as `41 MB`, decimal, as file managers show them."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB" if count else "0 kB"
    if count < 1_000_000_000:
        return f"{format_decimal(count / 1_000_000, '0' if count >= 10_000_000 else '0.0')} MB"
    return f"{format_decimal(count / 1_000_000_000, '0.0')} GB"


def cause(text: str) -> str:
    """Translate the cause of a gap or a pause. Files of another version may know others, which are shown as they are."""
    return str(CAUSES.get(text, text))


TEMPLATE_FILTERS = {
    "day": day,
    "date": date,
    "whole_date": whole_date,
    "moment": moment,
    "last": last,
    "clock": clock,
    "minutes_since": minutes_since,
    "size": size,
    "cause": cause,
    "time_of_day": time_of_day,
}
