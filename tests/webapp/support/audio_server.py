"""An audio server for tests about how it is asked: it keeps rooms, and can be made to hang. What a real one does is tested in
tests/integration/streams."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from livekit import api
from livekit.protocol.agent_dispatch import ListAgentDispatchResponse


class AudioServerDouble(ThreadingHTTPServer):
    """Serves while the context is open. `on_call` is called with the name of each call before it is answered."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rooms: dict[str, api.Room] = {}
        self.people: dict[str, list[str]] = {}
        self.calls: list[str] = []
        self.on_call: Callable[[str], None] = lambda _: None
        self._answers = threading.Event()
        self._answers.set()
        self._held = 0
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server_port}"

    def __enter__(self) -> AudioServerDouble:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self.shutdown()
        self.server_close()

    def hang(self) -> None:
        """Take requests and answer none from now on."""
        self._answers.clear()

    def go_on(self) -> None:
        self._answers.set()

    @property
    def held(self) -> int:
        """Requests that wait for their answers at this moment."""
        with self._changed:
            return self._held

    def wait_until_held(self, count: int, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._held == count, timeout_s)

    def answer(self, call: str, body: bytes) -> bytes:
        self.calls.append(call)
        self.on_call(call)
        self._count(1)
        self._answers.wait()
        self._count(-1)
        method = getattr(self, f"_{call}", None)
        return method(body).SerializeToString() if method else b""  # an empty message of any kind

    def _count(self, more: int) -> None:
        with self._changed:
            self._held += more
            self._changed.notify_all()

    def _CreateRoom(self, body: bytes) -> api.Room:
        asked = api.CreateRoomRequest.FromString(body)
        return self.rooms.setdefault(asked.name, api.Room(name=asked.name, metadata=asked.metadata))

    def _DeleteRoom(self, body: bytes) -> api.DeleteRoomResponse:
        self.rooms.pop(api.DeleteRoomRequest.FromString(body).room, None)
        return api.DeleteRoomResponse()

    def _ListRooms(self, body: bytes) -> api.ListRoomsResponse:
        names = list(api.ListRoomsRequest.FromString(body).names) or list(self.rooms)
        return api.ListRoomsResponse(rooms=[self.rooms[name] for name in names if name in self.rooms])

    def _ListParticipants(self, body: bytes) -> api.ListParticipantsResponse:
        room = api.ListParticipantsRequest.FromString(body).room
        people = self.people.get(room, [])
        return api.ListParticipantsResponse(participants=[api.ParticipantInfo(identity=name) for name in people])

    def _ListDispatch(self, _body: bytes) -> ListAgentDispatchResponse:
        return ListAgentDispatchResponse()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.answer(self.path.rpartition("/")[2], body)
        self.send_response(200)
        self.send_header("Content-Type", "application/protobuf")
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        """Tell a health check that the server runs."""
        self.server.calls.append("health")
        self.server.on_call("health")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
