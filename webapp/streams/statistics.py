"""Statistics of streams: how many friends listened while on air, for how long, and how much noise was removed.

The owner sees them for each stream, the admin sees totals. Nothing is kept about who listened. The reconciler takes the samples,
which exist in the database only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import groupby
from math import ceil

from sqlalchemy import Select, select

from webapp.core.database import db
from webapp.models import Recording, Stream, StreamSample, now

SAMPLE_INTERVAL = timedelta(minutes=1)  # between samples, when nobody comes or goes
MAX_STEPS = 24  # of one stream, in the chart and the table
STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)
DAYS = 14  # in the totals


@dataclass(frozen=True)
class Span:
    """The time from one sample to the next."""

    start_s: float
    end_s: float
    listeners: int
    removed_db: float | None

    def within(self, start_s: float, end_s: float) -> float:
        """Return how many seconds of the span lie between these two."""
        return max(0.0, min(self.end_s, end_s) - max(self.start_s, start_s))


@dataclass(frozen=True)
class Step:
    """A part of a stream."""

    start_s: float
    end_s: float
    max_listeners: int  # at a time
    minutes: float  # listened by all together
    removed_db: float | None  # on average


@dataclass(frozen=True)
class Attendance:
    steps: Sequence[Step]
    whole: Step


@dataclass(frozen=True)
class Day:
    noon: datetime
    streams: int
    on_air_minutes: float
    listened_minutes: float


def record_sample(stream: Stream, listeners: int, removed_db: float | None, at: datetime) -> None:
    """Record how a stream on air is doing: once a minute, and whenever the number of listeners changes. Commits."""
    query = select(StreamSample).where(StreamSample.stream_id == stream.id).order_by(StreamSample.at.desc())
    last = db.session.scalar(query.limit(1))
    if last is None or last.listeners != listeners or at - last.at >= SAMPLE_INTERVAL:
        db.session.add(StreamSample(stream_id=stream.id, at=at, listeners=listeners, removed_db=removed_db))
    db.session.commit()


def for_recording(recording: Recording) -> Attendance | None:
    """Return how many listened while the recording was on air, or None if there are no samples, as for a clip."""
    stream = db.session.get(Stream, recording.id)
    samples = [] if stream is None else _samples(select(StreamSample).where(StreamSample.stream_id == stream.id))
    if stream is None or not samples:
        return None
    spans = _spans(samples, _end(stream))
    length_s = max(1.0, spans[-1].end_s)
    step_s = next((step_s for step_s in STEPS_S if length_s / step_s <= MAX_STEPS), length_s / MAX_STEPS)
    starts = [number * step_s for number in range(ceil(length_s / step_s))]
    return Attendance([_step(spans, start_s, min(start_s + step_s, length_s)) for start_s in starts], _step(spans, 0.0, length_s))


def totals(zone: tzinfo) -> list[Day]:
    """Sum up all streams that began on the last DAYS days, today first. `zone`: decides where a day begins."""
    today = now().astimezone(zone).date()
    dates = [today - timedelta(days=ago) for ago in range(DAYS)]
    recent = Stream.live_at >= datetime.combine(dates[-1], time(), zone)
    samples = _samples(select(StreamSample).join(Stream, Stream.id == StreamSample.stream_id).where(recent))
    of_stream = {stream_id: list(those) for stream_id, those in groupby(samples, lambda sample: sample.stream_id)}
    seconds = defaultdict[date, list[tuple[float, float]]](list)  # on air and listened to, of each stream
    for stream in db.session.scalars(select(Stream).where(recent)):
        began = stream.live_at or stream.started_at
        spans = _spans(of_stream.get(stream.id, []), _end(stream))
        listened_s = sum(span.listeners * (span.end_s - span.start_s) for span in spans)
        seconds[began.astimezone(zone).date()].append(((_end(stream) - began).total_seconds(), listened_s))
    return [
        Day(
            noon=datetime.combine(day, time(12), zone),
            streams=len(seconds[day]),
            on_air_minutes=sum(on_air_s for on_air_s, _ in seconds[day]) / 60,
            listened_minutes=sum(listened_s for _, listened_s in seconds[day]) / 60,
        )
        for day in dates
    ]


def _samples(query: Select[StreamSample]) -> list[StreamSample]:
    return list(db.session.scalars(query.order_by(StreamSample.stream_id, StreamSample.at)))


def _end(stream: Stream) -> datetime:
    return stream.ended_at or now()


def _spans(samples: Sequence[StreamSample], end: datetime) -> list[Span]:
    """Return the spans between the samples of one stream, and from the last one to its end."""
    ends = [*(sample.at for sample in samples[1:]), end]
    return [
        Span((one.at - samples[0].at).total_seconds(), (until - samples[0].at).total_seconds(), one.listeners, one.removed_db)
        for one, until in zip(samples, ends, strict=False)
        if until > one.at
    ] or [Span(0.0, 0.0, 0, None)]


def _step(spans: Sequence[Span], start_s: float, end_s: float) -> Step:
    inside = [(span, span.within(start_s, end_s)) for span in spans if span.within(start_s, end_s) > 0]
    known = [(span.removed_db, length_s) for span, length_s in inside if span.removed_db is not None]
    return Step(
        start_s=start_s,
        end_s=end_s,
        max_listeners=max((span.listeners for span, _ in inside), default=0),
        minutes=sum(span.listeners * length_s for span, length_s in inside) / 60,
        removed_db=sum(db * length_s for db, length_s in known) / sum(length_s for _, length_s in known) if known else None,
    )
