"""How often the reconciler looks at what. What it repairs is tested in tests/integration/streams, with a real audio server."""

from __future__ import annotations

import pytest
from livekit import api

from tests.webapp.support.audio_server import AudioServerDouble
from tests.webapp.support.chats import put_on_air
from webapp.core.database import db
from webapp.models import Stream
from webapp.reconciler import Reconciler
from webapp.streams import queries


@pytest.fixture
def audio_server():
    with AudioServerDouble() as double:
        yield double


@pytest.fixture
def app(make_app, audio_server):
    return make_app(livekit_url=audio_server.url)


def test_an_idle_server_asks_the_audio_server_nothing(app, audio_server):
    reconciler = Reconciler(app)
    reconciler.do_round()
    audio_server.calls.clear()
    reconciler.do_round()
    assert audio_server.calls == []


def test_a_stage_that_a_stream_has_left_is_closed_at_once_also_after_idleness(app, audio_server, alice):
    reconciler = Reconciler(app)
    reconciler.do_round()
    with app.app_context():
        stream = db.session.get_one(Stream, put_on_air(app, "alice"))
        rooms = queries.rooms_of(stream)
        left = rooms.stage
        stream.stage_number += 1
        db.session.commit()
    for name in (left, rooms.studio):
        audio_server.rooms[name] = api.Room(name=name)
    reconciler.do_round()
    assert left not in audio_server.rooms
    assert rooms.studio in audio_server.rooms
