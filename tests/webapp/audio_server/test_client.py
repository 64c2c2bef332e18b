"""An audio server that does not answer as it should. What it does when it works is tested with a real one."""

import socket
import time

import pytest

from webapp.audio_server.client import CALL_TIMEOUT_S, AudioServer, AudioServerUnreachable


@pytest.fixture
def silent():
    """Takes connections, and never says a word: a process that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield AudioServer(f"ws://127.0.0.1:{listener.getsockname()[1]}", "key", "s" * 40)


@pytest.mark.parametrize(
    "ask",
    [
        lambda server: server.create_room("studio", keep_s=60),
        lambda server: server.rooms(["studio", "stage"]),
        lambda server: server.delete_room("studio"),
    ],
)
def test_one_that_hangs_holds_nobody_up(silent, ask):
    began = time.monotonic()
    with pytest.raises(AudioServerUnreachable):
        ask(silent)
    assert CALL_TIMEOUT_S <= time.monotonic() - began < CALL_TIMEOUT_S + 1.5


def test_one_that_is_not_there_is_known_at_once():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(AudioServerUnreachable):
        AudioServer(f"ws://127.0.0.1:{port}", "key", "s" * 40).delete_room("studio")
    assert time.monotonic() - began < 1.5
