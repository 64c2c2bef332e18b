"""Whether pages are quick beside slow clients and thousands of event streams: `python -m benchmarks.web [--before FOLDER]`.

The server has one core, whoever asks another one. A person with 500 friends loads pages beside 500 slow clients of each kind,
then beside 2,000 open event streams. `--before` is a checkout of another version with a .venv of its own, for example a git
worktree of the commit before the server in front, which is measured in the same run. Wants the machine for itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.web_server import Served, served

HERE = Path(__file__).resolve().parents[1]
SLOW_CLIENTS, STREAMS, STREAMS_OF_PERSON = 500, 2000, 4
PATIENCE_S = 5.0  # of who loads pages; then the page is an error
MEASURED_S = 8.0
TICKETS = 50  # nobody gets more than 60 in a minute
PAGES = ("/", "/friends/", "/recordings/friends", "/settings/")

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
PICTURE = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n--x\r\n"
SLOW: Mapping[str, tuple[str, bytes]] = {  # what is sent at once, and what comes each second
    "header byte by byte": ("GET /login HTTP/1.1\r\n{host}X-A: ", b"a"),
    "form byte by byte": (f"POST /login HTTP/1.1\r\n{{host}}{FORM}Content-Length: 60000\r\n\r\nusername=", b"a"),
    "chunks byte by byte": (f"POST /login HTTP/1.1\r\n{{host}}{FORM}Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "pictures, logged in": (f"POST /settings/avatar HTTP/1.1\r\n{{host}}{{cookie}}{PICTURE}", b"a"),
    "downloads nobody reads": ("GET /recordings/{recording}/audio?download=1 HTTP/1.1\r\n{host}{cookie}\r\n", b""),
    "clips": ("GET /recordings/{recording}/clip.flac?start=1.001 HTTP/1.1\r\n{host}{cookie}\r\n", b""),
}
TITLE = "Pages of somebody with 500 friends, p50 / p99 in ms; wanted: 100 beside slow clients, else 50"


@dataclass
class Waits:
    """How long pages took, in ms."""

    taken: list[float] = field(default_factory=list)
    errors: int = 0

    def __str__(self) -> str:
        if not self.taken:
            return f"none of {self.errors}"
        ordered = sorted(self.taken)
        p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
        return f"{p50:.0f} / {p99:.0f}" + (f", {self.errors} errors" if self.errors else "")


Figures = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="Folder of the other version.")
    parser.add_argument("--cores", type=int, default=1, help="That the server may use; the last one is for whoever asks.")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    versions = ({"before": options.before.resolve()} if options.before else {}) | {"now": HERE}
    found: dict[str, Figures] = {}
    for name, folder in versions.items():
        with tempfile.TemporaryDirectory() as data, served(folder, Path(data), set(cores[: options.cores])) as server:
            found[name] = asyncio.run(measure(server))
    show(found)


async def measure(server: Served) -> Figures:
    found: Figures = {"alone": str(await load_pages(server))}
    for kind in SLOW:
        async with slow_clients(server, kind):
            found[f"beside {SLOW_CLIENTS}: {kind}"] = str(await load_pages(server))
    found["friends page, one after the other"] = str(await load_pages(server, ("/friends/",)))
    found["listen token, one after the other"] = str(await load_pages(server, ("POST /api/stream/listen/friend-0",), TICKETS))
    found |= await measure_streams(server)
    return found


def show(found: Mapping[str, Figures]) -> None:
    table = Table(
        "ms: p50 / p99", *found, title="Pages of somebody with 500 friends; targets: 100 ms beside slow clients, else 50"
    )
    for row in next(iter(found.values())):
        table.add_row(row, *(figures.get(row, "-") for figures in found.values()))
    Console(width=150).print(table)


# --- Who loads pages


async def load_pages(server: Served, pages: tuple[str, ...] = PAGES, most: int = 10_000) -> Waits:
    waits = Waits()
    end = time.monotonic() + MEASURED_S
    for page in itertools.islice(itertools.cycle(pages), most):
        if time.monotonic() > end:
            return waits
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                status = await ask(server, page, "alice")
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            status = 0
        if status == 200:
            waits.taken.append(1000 * (time.monotonic() - began))
        else:
            waits.errors += 1
        await asyncio.sleep(0.02)
    return waits


async def ask(server: Served, page: str, username: str, form: str = "") -> int:
    method, _, path = page.rpartition(" ")
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    body = form or ("{}" if method else "")
    token = server.people["tokens"][username]
    head = (
        f"{method or 'GET'} {path} HTTP/1.1\r\n{host(server)}{cookie(server, username)}X-CSRF-Token: {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(head.encode())
        answer = await reader.read()
        if not answer:
            raise asyncio.IncompleteReadError(b"", None)
        return int(answer[9:12])
    finally:
        writer.close()


def host(server: Served) -> str:
    return f"Host: 127.0.0.1:{server.port}\r\n"


def cookie(server: Served, username: str) -> str:
    return f"Cookie: {server.people['cookies'][username]}\r\n"


# --- Who is slow


@contextlib.asynccontextmanager
async def slow_clients(server: Served, kind: str) -> AsyncIterator[None]:
    first, then = SLOW[kind]
    names = itertools.cycle(name for name in server.people["cookies"] if name != "alice")
    tasks = [
        asyncio.create_task(stay_slow(server, first.format(**words(server, name)).encode(), then))
        for name in itertools.islice(names, SLOW_CLIENTS)
    ]
    await asyncio.sleep(2)
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(1)


def words(server: Served, username: str) -> dict[str, str]:
    return {"host": host(server), "cookie": cookie(server, username), "recording": server.people["recording"]}


async def stay_slow(server: Served, first: bytes, then: bytes) -> None:
    """Send a byte each second or nothing, read nothing, and come back when the server has closed the connection."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.9", 0), limit=1)
            try:
                writer.write(first)
                while not reader.at_eof() and not writer.is_closing():
                    writer.write(then)
                    await asyncio.sleep(1)
            finally:
                writer.transport.abort()
        await asyncio.sleep(1)


# --- Event streams


async def measure_streams(server: Served) -> Figures:
    before = server.memory_bytes()
    streams = await open_streams(server)
    if not streams:
        return {}
    each = (server.memory_bytes() - before) / len(streams)
    found = {
        "event streams open, kB each": f"{len(streams)} of {STREAMS}, {each / 1000:.0f}",
        f"beside {STREAMS} event streams": str(await load_pages(server)),
        "an event has reached all after": f"{await reach_all(server, streams):.2f} s",
    }
    for _, writer in streams:
        writer.transport.abort()
    return found


async def open_streams(server: Served) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    found = []
    turns = asyncio.Semaphore(8)
    loop_over = [name for name in server.people["cookies"] if name != "alice"] * STREAMS_OF_PERSON

    async def open_one(username: str) -> None:
        async with turns:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(30):
                    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                    writer.write(f"GET /events HTTP/1.1\r\n{host(server)}{cookie(server, username)}\r\n".encode())
                    if b" 200 " in await reader.readline():
                        found.append((reader, writer))

    await asyncio.gather(*(open_one(name) for name in loop_over[:STREAMS]))
    return found


async def reach_all(server: Served, streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> float:
    """Let alice change her name, and wait until all her friends' pages know."""

    async def hears(reader: asyncio.StreamReader) -> None:
        await reader.readuntil(b"friend.renamed")

    async with asyncio.timeout(60):
        waiting = [asyncio.create_task(hears(reader)) for reader, _ in streams]
        began = time.monotonic()
        await ask(server, "POST /settings/", "alice", "display_name=Alice+A")
        await asyncio.gather(*waiting)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
