"""The quality of somebody's streams: chosen in the settings, kept by the stream, told to the noise remover."""

import pytest

from contract import fields, messages
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import Stream
from webapp.streams import queries, serializers

JOB = {"stream_id": "1", "owner": "alice", "title": "", "started_at": "2026-01-01T00:00:00Z", "strength_db": 100}


@pytest.fixture
def stream_of(app):
    """What a start makes of somebody's wishes; there is no audio server, so it ends at once."""

    def stream_of(person, **body) -> Stream:
        assert person.post("/api/stream/start", body).status_code == 503
        with app.app_context():
            return db.session.query(Stream).order_by(Stream.started_at.desc()).first()

    return stream_of


def test_it_is_standard_until_something_else_is_chosen(alice, stream_of):
    assert stream_of(alice).quality == "standard"
    assert alice.client.post("/settings/sound", data={"quality": "music", "csrf_token": alice.csrf_token}).status_code == 303
    assert b'value="music" checked' in alice.get("/settings/sound").data
    assert stream_of(alice).quality == "music"


def test_a_start_may_ask_for_another_one(alice, stream_of):
    assert stream_of(alice, quality="voice").quality == "voice"
    assert stream_of(alice).quality == "standard"


@pytest.mark.parametrize("quality", ["", "loud", "MUSIC", 1, ["music"], {"music": True}])
def test_a_start_with_nonsense_is_refused(alice, quality):
    answer = alice.post("/api/stream/start", {"quality": quality})
    assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["quality"])


@pytest.mark.parametrize("form", [{}, {"quality": ""}, {"quality": "loud"}, {"quality": "music\0"}])
def test_a_form_with_nonsense_is_refused(alice, form):
    page = alice.client.post("/settings/sound", data={**form, "csrf_token": alice.csrf_token})
    assert page.status_code == 422
    assert "This must be voice or standard or music." in page.text


def test_the_noise_remover_is_told(app, alice):
    with app.app_context():
        stream = Stream(id="1", room_key="k", owner=accounts.find("alice"), title="", quality="music")
        db.session.add(stream)
        db.session.commit()
        job = messages.BroadcastJob.from_json(queries.rooms_of(stream).job.to_json())
        assert (job.quality, serializers.as_json(stream)["quality"]) == ("music", "music")


def test_a_job_of_an_older_web_app_has_the_usual_quality():
    assert messages.BroadcastJob.from_json(messages.json.dumps(JOB)).quality == "standard"


@pytest.mark.parametrize("quality", ["", "loud", None, 1])
def test_a_job_of_another_quality_is_refused(quality):
    with pytest.raises(fields.DocumentError, match="quality"):
        messages.BroadcastJob.from_json(messages.json.dumps({**JOB, "quality": quality}))


def test_the_page_knows_it(alice):
    assert b'data-quality="standard"' in alice.get("/live").data
