"""Starts a real audio server and a real agent worker. The broadcaster and the listeners are clients in the test's process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.live.people import Broadcast, broadcasts
from tests.integration.live.worker_process import WorkerProcess
from tests.integration.streams.livekit_process import LivekitProcess


@pytest.fixture(scope="session")
def audio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivekitProcess]:
    process = LivekitProcess(tmp_path_factory.mktemp("livekit"))
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def worker(audio_server: LivekitProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """Starts one worker for the tests of a module, with slots enough."""
    process = WorkerProcess(audio_server.url, tmp_path_factory.mktemp("worker"), STILLAIR_CAPACITY="20")
    process.start()
    yield process
    process.stop_if_running()


@pytest.fixture(scope="module")
def worker_with(audio_server: LivekitProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., WorkerProcess]]:
    """Returns a running worker without jobs or recordings; its settings are the arguments.

    A test that asks for the same settings as the one before gets the same worker, because a start takes four seconds. Do not
    use it together with `worker`, which would take the jobs.
    """
    running: list[WorkerProcess] = []

    def worker_with(**settings: str) -> WorkerProcess:
        if running and running[-1].is_like(settings):
            running[-1].become_idle()
            return running[-1]
        stop()
        running.append(WorkerProcess(audio_server.url, tmp_path_factory.mktemp("worker"), **settings))
        running[-1].start()
        return running[-1]

    def stop() -> None:
        while running:
            running.pop().stop_if_running()

    yield worker_with
    stop()


@pytest.fixture
def own_worker(audio_server: LivekitProcess, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Makes workers for one test with these settings. Do not combine it with `worker`, which would take the jobs."""
    made: list[WorkerProcess] = []

    def make(**settings: str) -> WorkerProcess:
        made.append(WorkerProcess(audio_server.url, tmp_path, **settings))
        return made[-1]

    yield make
    for process in made:
        process.stop_if_running()


@pytest.fixture
async def new_broadcast(audio_server: LivekitProcess) -> AsyncIterator[Callable[[], Broadcast]]:
    async with broadcasts(audio_server.url) as make:
        yield make
