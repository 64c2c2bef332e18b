"""Times and sizes in words, in the time zone of the reader's browser (cookie `timezone`, UTC until it is there)."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import request

from webapp.models import now
from webapp.text import clock

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def reader_zone() -> tzinfo:
    name = request.cookies.get("timezone", "")
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):      # the cookie is what anybody may have put there
        return UTC


def _days_ago(moment: datetime) -> int:
    zone = reader_zone()
    return (now().astimezone(zone).date() - moment.astimezone(zone).date()).days


def day(moment: datetime) -> str:
    """`today, 14:10`, `yesterday`, `Sunday`, `14 November`, `14 November 2024`."""
    local, days = moment.astimezone(reader_zone()), _days_ago(moment)
    if days <= 0:
        return f"today, {local:%H:%M}"
    if days == 1:
        return "yesterday"
    if days < 7:
        return WEEKDAYS[local.weekday()]
    return date(moment) if days < 300 else f"{date(moment)} {local.year}"


def date(moment: datetime) -> str:
    """`14 November`, for the time to come."""
    local = moment.astimezone(reader_zone())
    return f"{local.day} {MONTHS[local.month - 1]}"


def moment(at: datetime) -> str:
    """`14 November 2026, 14:10`, where it matters exactly."""
    local = at.astimezone(reader_zone())
    return f"{date(at)} {local.year}, {local:%H:%M}"


def last(moment: datetime) -> str:
    """The end of "last live ...": `today`, `yesterday`, `on Sunday`, `3 weeks ago`, `in March`, `in March 2024`."""
    local, days = moment.astimezone(reader_zone()), _days_ago(moment)
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    if days < 7:
        return f"on {WEEKDAYS[local.weekday()]}"
    if days < 14:
        return "last week"
    if days < 60:
        return f"{days // 7} weeks ago"
    month = MONTHS[local.month - 1]
    return f"in {month}" if days < 300 else f"in {month} {local.year}"


def minutes_since(moment: datetime) -> str:
    """`8 min` or `2 h 5 min`; the page keeps it counting."""
    minutes = max(0, int((now() - moment).total_seconds())) // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(count: int) -> str:
    """Bytes as `41 MB`, decimal, as file managers show them."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB" if count else "0 kB"
    if count < 1_000_000_000:
        return f"{count / 1_000_000:.0f} MB" if count >= 10_000_000 else f"{count / 1_000_000:.1f} MB"
    return f"{count / 1_000_000_000:.1f} GB"


TEMPLATE_FILTERS = {
    "day": day, "date": date, "moment": moment, "last": last, "clock": clock, "minutes_since": minutes_since, "size": size,
}
