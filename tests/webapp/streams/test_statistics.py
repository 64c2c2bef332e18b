"""How many listened while a stream was on air: samples, what its owner sees of them, and the admin's totals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import func, select, update

from tests.webapp.support.chats import end
from tests.webapp.support.recordings_on_disk import record
from webapp.core.database import db
from webapp.models import Recording, Stream, StreamSample, now, rfc3339
from webapp.streams import statistics

BEGAN = now() - timedelta(hours=1)


@pytest.fixture
def sample(app, stream):
    """Notes what is seen so many seconds after the beginning."""

    def sample(second: float, listeners: int, removed_db: float | None = None) -> None:
        with app.app_context():
            statistics.record_sample(db.session.get(Stream, stream), listeners, removed_db, BEGAN + timedelta(seconds=second))

    return sample


@pytest.fixture
def finish(app, stream, folder, ingest):
    """The stream ends so many seconds after the beginning, and its recording is there."""

    def finish(second: float) -> None:
        record(folder, "alice", stream_id=stream, started_at=rfc3339(BEGAN))
        end(app, stream)
        with app.app_context():
            db.session.execute(update(Stream).values(live_at=BEGAN, ended_at=BEGAN + timedelta(seconds=second)))
            db.session.commit()
        ingest()

    return finish


def found(app, stream) -> statistics.Attendance | None:
    with app.app_context():
        return statistics.for_recording(db.session.get(Recording, stream))


def test_a_sample_is_kept_once_a_minute_and_when_somebody_comes_or_goes(app, sample):
    for second, listeners in ((0, 0), (1, 0), (2, 1), (3, 1), (59, 1), (62, 1), (63, 2), (64, 1)):
        sample(second, listeners)
    with app.app_context():
        kept = db.session.scalars(select(StreamSample).order_by(StreamSample.at))
        assert [((one.at - BEGAN).seconds, one.listeners) for one in kept] == [(0, 0), (2, 1), (62, 1), (63, 2), (64, 1)]


def test_minutes_and_noise_over_the_stream(app, stream, sample, finish):
    for second, listeners, removed_db in ((0, 0, None), (60, 2, 10.0), (120, 1, 20.0)):
        sample(second, listeners, removed_db)
    finish(240)
    of_all = found(app, stream)
    assert (of_all.whole.max_listeners, of_all.whole.minutes) == (2, 4.0)
    assert of_all.whole.removed_db == pytest.approx((10 * 60 + 20 * 120) / 180)
    assert [(step.max_listeners, step.minutes, step.removed_db) for step in of_all.steps] == [
        (0, 0.0, None),
        (2, 2.0, 10.0),
        (1, 1.0, 20.0),
        (1, 1.0, 20.0),
    ]


@pytest.mark.parametrize("length_s", [0, 0.5, 61, 3600, 86_400, 30 * 86_400])
def test_steps_are_few_and_cover_the_whole_stream(app, stream, sample, finish, length_s):
    sample(0, 1)
    finish(length_s)
    steps = found(app, stream).steps
    assert 1 <= len(steps) <= statistics.MAX_STEPS
    assert (steps[0].start_s, steps[-1].end_s) == (0, max(1, length_s))
    assert sum(step.minutes for step in steps) == pytest.approx(length_s / 60)


def test_the_owner_sees_it_beside_who_heard_the_recording(stream, sample, finish, alice, bob):
    sample(0, 3, 18.2)
    finish(120)
    page = " ".join(alice.get(f"/recordings/{stream}/heard").text.split())
    assert "Up to 3 friends listened at a time, 6 minutes in total. On average, 18 dB of noise was removed." in page
    assert page.count('<svg class="chart__columns"') == 2
    assert page.count('<th scope="row">') == 2
    assert bob.get(f"/recordings/{stream}/heard").status_code == 404


def test_a_recording_without_samples_has_no_such_part(app, folder, alice, ingest):
    recording = record(folder, "alice")
    ingest()
    assert found(app, recording) is None
    assert "While it was on air" not in alice.get(f"/recordings/{recording}/heard").text


def test_totals_by_day(app, stream, sample, finish):
    sample(0, 2)
    finish(600)
    with app.app_context():
        days = statistics.totals(UTC)
    assert len(days) == statistics.DAYS
    noon = datetime.combine(BEGAN, time(12), UTC)
    assert [day for day in days if day.streams] == [statistics.Day(noon, streams=1, on_air_minutes=10.0, listened_minutes=20.0)]


def test_the_admin_sees_the_totals(stream, sample, finish, alice):
    sample(0, 2)
    finish(600)
    page = alice.get("/admin/attendance").text  # hers is the first account
    assert re.search(r"<td>1</td>\s*<td>10</td>\s*<td>20</td>", page)
    assert page.count('<svg class="chart__columns"') == 1


def test_totals_forget_what_is_long_ago(app, stream, sample, finish):
    sample(0, 2)
    finish(600)
    with app.app_context():
        db.session.execute(update(Stream).values(live_at=datetime(2026, 1, 1, tzinfo=UTC)))
        db.session.commit()
        assert not any(day.streams for day in statistics.totals(UTC))


def test_samples_go_with_the_account(app, sample, stream):
    sample(0, 2)
    with app.app_context():
        db.session.delete(db.session.get(Stream, stream))
        db.session.commit()
        assert db.session.scalar(select(func.count()).select_from(StreamSample)) == 0
