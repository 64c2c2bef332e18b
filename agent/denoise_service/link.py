"""How a job comes by its slot in the denoising process: a Unix socket without a file, and one message each way.

The job says hello; the process answers with the number of a slot and the memory that it lies in. From then on the connection says
only that both are still there. Each end asks the kernel who the other one is, and talks to nobody but its own user.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import struct

from agent.denoise_service.shared_memory import Record, Slot, Slots

logger = logging.getLogger(__name__)

RETRY_HOPS = 100
"""Between two tries of a job to reach the process."""
_BACKLOG = 64
_CREDENTIALS = struct.Struct("3i")  # process, user, group
_SLOT = struct.Struct("=I")


def listen() -> socket.socket:
    """A socket under a new name in the abstract namespace. It is gone with the last process that has it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(b"\0stillair-denoise-" + secrets.token_hex(16).encode())
    listener.listen(_BACKLOG)
    return listener


def hello(record: Record) -> bytes:
    """What a job says first. One with slots of another size is of another version: it could not be understood."""
    return b"stillair denoise %d" % record.itemsize


def same_user(connection: socket.socket) -> bool:
    """Is the other end of a Unix socket a process of this user? The kernel knows."""
    _process, user, _group = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return bool(user == os.getuid())


def send_slot(connection: socket.socket, slots: Slots, number: int) -> None:
    """Raises OSError."""
    socket.send_fds(connection, [_SLOT.pack(number)], [slots.memory])


def _receive_slot(connection: socket.socket, record: Record) -> Slot | None:
    """None while there is no answer yet. Raises OSError when there will be none, or none that makes sense."""
    try:
        answer, fds, _, _ = socket.recv_fds(connection, _SLOT.size, 1)
    except BlockingIOError:
        return None
    try:
        if len(answer) != _SLOT.size or len(fds) != 1:
            raise ConnectionError("the denoising process has closed the connection")
        return Slot(record, fds[0], *_SLOT.unpack(answer))
    except ValueError as error:
        raise ConnectionError("the denoising process gave a slot that is not there") from error
    finally:
        for fd in fds:
            os.close(fd)


class Link:
    """Connection to the process. Polled hop by hop; no call waits."""

    def __init__(self, address: bytes, record: Record) -> None:
        self._address = address
        self._record = record
        self._socket: socket.socket | None = None
        self._slot: Slot | None = None
        self._retry = 0  # hops until the next try

    def slot(self) -> Slot | None:
        """This job's slot, while there is a process at the other end."""
        if self._socket is None:
            self._retry -= 1
            if self._retry <= 0:
                self._connect()
        else:
            self._hear(self._socket)
        return self._slot

    def close(self) -> None:
        self._slot = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        self._retry = RETRY_HOPS
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.setblocking(False)
        try:
            connection.connect(self._address)
            # The name is free for anybody while no process has it: a voice is not handed to a stranger.
            if not same_user(connection):
                raise PermissionError("another user listens under the name of the denoising process")
            connection.send(hello(self._record))
        except OSError as error:
            logger.debug("The denoising process is not reached", extra={"error": str(error)})
            connection.close()
            return
        self._socket = connection

    def _hear(self, connection: socket.socket) -> None:
        """Takes the slot when it comes, and notices the end."""
        try:
            self._slot = _receive_slot(connection, self._record) or self._slot
        except OSError as error:
            logger.debug("The denoising process is gone", extra={"error": str(error)})
            self.close()
