from datetime import UTC, datetime, timedelta

import pytest

from webapp.models import now
from webapp.ui import formatting


@pytest.fixture
def reading(app):
    """A request of a browser in this time zone."""
    return lambda zone: app.test_request_context(headers={"Cookie": f"timezone={zone}"})


@pytest.mark.parametrize(("seconds", "text"), [(0, "00:00"), (532.9, "08:52"), (3851, "1:04:11"), (-1, "00:00")])
def test_a_clock_shows_hours_only_when_there_are_any(seconds, text):
    assert formatting.clock(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 kB"),
        (300, "1 kB"),
        (999_499, "999 kB"),
        (1_000_000, "1.0 MB"),
        (41_200_000, "41 MB"),
        (3_100_000_000, "3.1 GB"),
    ],
)
def test_sizes(count, text):
    assert formatting.size(count) == text


@pytest.mark.parametrize(("minutes", "text"), [(0, "0 min"), (59.9, "59 min"), (125, "2 h 5 min"), (-3, "0 min")])
def test_minutes_since(minutes, text):
    assert formatting.minutes_since(now() - timedelta(minutes=minutes)) == text


@pytest.mark.parametrize(
    ("days", "day", "last"),
    [
        (1, "yesterday", "yesterday"),
        (2, "Sunday", "on Sunday"),
        (6, "Wednesday", "on Wednesday"),
        (8, "9 February", "last week"),
        (20, "28 January", "2 weeks ago"),
        (100, "9 November", "in November"),
        (400, "13 January 2025", "in January 2025"),
    ],
)
def test_days_in_words(reading, monkeypatch, days, day, last):
    noon = datetime(2026, 2, 17, 12, tzinfo=UTC)  # a Tuesday
    monkeypatch.setattr(formatting, "now", lambda: noon)
    with reading("UTC"):
        assert formatting.day(noon - timedelta(days=days)) == day
        assert formatting.last(noon - timedelta(days=days)) == last


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "today, 00:30"),
        ("America/New_York", "today, 18:30"),
        ("", "yesterday"),
        ("../../etc/passwd", "yesterday"),
        ("Nowhere/At_All", "yesterday"),
        ("x" * 3000, "yesterday"),
    ],
)
def test_a_day_is_the_readers_and_a_strange_zone_is_utc(reading, monkeypatch, zone, day):
    monkeypatch.setattr(formatting, "now", lambda: datetime(2026, 2, 17, 0, 15, tzinfo=UTC))
    moment = datetime(2026, 2, 16, 23, 30, tzinfo=UTC)
    with reading(zone):
        assert formatting.day(moment) == day


def test_a_moment_is_exact_and_the_readers(reading):
    with reading("Europe/Berlin"):
        assert formatting.moment(datetime(2026, 2, 16, 23, 30, tzinfo=UTC)) == "17 February 2026, 00:30"
