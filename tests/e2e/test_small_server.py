"""A server at its limits, and parts of it that do not answer: what the broadcaster is told, and that it goes on by itself."""

import os
import subprocess
from contextlib import contextmanager

import psutil
import pytest
from playwright.sync_api import expect

from tests.instance import started

DISK_MB = 300
BALLAST_MB = 130  # leaves less than the 200 MB below which the noise remover stops recording (agent/recording/files.py)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """Mounts a small disk for recordings and returns its path, or None where it cannot be mounted."""
    path = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", path]
    mounted = os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0
    yield path if mounted else None
    if mounted:
        subprocess.run(["umount", path], check=True)


@pytest.fixture(scope="module")
def instance(disk, tmp_path_factory):
    """Starts an instance that cleans one stream at a time."""
    settings = {"STILLAIR_RECORDINGS": str(disk)} if disk else {}
    with started(tmp_path_factory.mktemp("small"), STILLAIR_CAPACITY="1", **settings) as running:
        yield running


@contextmanager
def frozen(instance, program: str):
    """Stops a program and all its processes, so that it exists and does not answer."""
    main = psutil.Process(instance.pid(program))
    family = [main, *main.children(recursive=True)]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in reversed(family):
            process.resume()


def press_start(person) -> None:
    person.open("/live")
    person.page.get_by_role("button", name="Start Streaming").click()


def test_who_finds_no_place_is_told_and_is_live_when_one_is_free(join):
    alice, bob = join("alice"), join("bob")
    alice.go_live()
    press_start(bob)
    full = bob.notice("The server can clean one stream at a time, and that slot is in use.")
    expect(full).to_be_visible()
    bob.expect_state("Starting")
    alice.expect_state("Live - noise removed")
    alice.stop()
    bob.expect_state("Live - noise removed")
    expect(full).to_be_hidden()


def test_a_full_disk_stops_the_recording_and_not_the_stream(join, disk):
    if disk is None:
        pytest.skip("a small file system can be mounted by root only")
    alice = join("alice")
    alice.go_live()
    (disk / "ballast").write_bytes(bytes(BALLAST_MB << 20))
    stopped = alice.notice("Recording stopped: the server is full. You are still live.")
    expect(stopped).to_be_visible(timeout=20_000)
    expect(alice.page.get_by_text("Not recording")).to_be_visible()
    alice.expect_state("Live - noise removed")
    (disk / "ballast").unlink()
    expect(stopped).to_be_hidden(timeout=20_000)


def test_a_noise_remover_that_does_not_answer(instance, join):
    alice = join("alice")
    with frozen(instance, "noise-remover"):
        press_start(alice)
        expect(alice.notice("The noise remover is starting.")).to_be_visible()
        expect(alice.notice("The noise remover has not answered. Your admin can see why on the status page.")).to_be_visible(
            timeout=25_000
        )
        alice.expect_state("Starting")
    alice.expect_state("Live - noise removed")
    expect(alice.page.get_by_role("alert").get_by_role("heading")).to_have_count(0)


def test_an_audio_server_that_does_not_answer(instance, join):
    alice = join("alice")
    with frozen(instance, "audio-server"):
        press_start(alice)
        expect(alice.notice("Can't reach the audio server. Trying again in 5 s.")).to_be_visible()
        alice.expect_state("Not live")
    alice.expect_state("Live - noise removed", timeout_s=30)
