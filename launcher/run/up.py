"""Installs what is missing, starts the four programs, and stops them all at Ctrl-C: `./stillair up`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from contract import set_up
from launcher import secrets
from launcher.command import CommandError, run, tail
from launcher.console import Console, Step
from launcher.problem import Problem
from launcher.run import data_folder, health, ports, program, services, stop_signals, supervisor
from launcher.run.supervisor import Supervisor
from launcher.settings import ROOT, Settings
from launcher.setup import disk, installation, instance_lock
from launcher.setup.installation import Installation

HEALTHY_WITHIN_S = 120.0
CRASHING_FOR_S = 12.0
"""A program that keeps ending for so long will not recover by itself."""
LOOK_EVERY_S = 0.2
WATCH_EVERY_S = 1.0

PARTS = {"database": "the database", "audio_server": "the audio server", "noise_remover": "the noise remover", "disk": "the disk"}


def up(settings: Settings, console: Console) -> None:
    """Run Stillair until Ctrl-C or SIGTERM, and return when everything has stopped. Raises Problem."""
    began = time.monotonic()
    with stop_signals.raising():
        try:
            with running(settings, console) as supervised:
                _greet(settings, console, time.monotonic() - began)
                _watch(supervised, settings)
        except stop_signals.StopRequested:
            console.say("Stopped.")


@contextmanager
def running(settings: Settings, console: Console, *, with_tests: bool = False) -> Iterator[Supervisor]:
    """Run a whole Stillair during the block, which begins when it answers. Raises Problem."""
    data_folder.prepare(settings, console)
    with instance_lock.hold(settings.data, address=settings.public_url):
        _clear_leftovers(settings, console)
        disk.check(settings.data, disk.RUN_BYTES, "a start")
        ports.check(settings.ports)
        installed = installation.prepare(settings.livekit_server, console, with_tests=with_tests)
        _migrate(installed, program.environment(services.WEB, settings, secrets.load(settings.data, os.environ)), console)
        services.write_audio_server_config(settings)
        table = services.services(settings, programs=installed.programs, livekit_server=installed.livekit_server)
        table = [program.wrapped(service, python=installed.programs / "python") for service in table]
        supervised = Supervisor(settings, table, supervisord=installed.programs / "supervisord")
        try:
            with console.step("Starting") as step:
                supervised.start(settings.environment())
                _wait_until_healthy(supervised, settings, step)
            yield supervised
        finally:
            with stop_signals.held_off(), console.step("Stopping"):
                supervised.stop()


def _clear_leftovers(settings: Settings, console: Console) -> None:
    with console.step("Ending what the last run left behind"):
        ended = supervisor.clear_leftovers(settings)
    if ended:
        console.say(f"The last run was killed; {ended} processes that it left behind were ended.")


def _migrate(installed: Installation, environment: Mapping[str, str], console: Console) -> None:
    with console.step("Bringing the database up to date"):
        try:
            run(services.migration(installed.programs), folder=ROOT, environment=environment)
        except CommandError as error:
            raise Problem(
                "The database could not be brought up to date; nothing was started.",
                "see the lines above; your recordings are files in the data folder and were not touched.",
                error.output,
            ) from error


def _wait_until_healthy(supervised: Supervisor, settings: Settings, step: Step) -> None:
    """Wait until all parts work. Raises Problem with the last lines of the program that does not start."""
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    well_at = time.monotonic()
    while True:
        state = health.ask(settings.local_url)
        if state.ok:
            return
        now = time.monotonic()
        crashing = [name for name, state_name in _states(supervised).items() if state_name in ("BACKOFF", "FATAL", "EXITED")]
        well_at = well_at if crashing else now
        if now - well_at > CRASHING_FOR_S or now > deadline or not supervised.is_running():
            raise _did_not_start(settings, state, crashing)
        step.detail = f"waiting for {_missing(state)}"
        time.sleep(LOOK_EVERY_S)


def _states(supervised: Supervisor) -> dict[str, str]:
    try:
        return supervised.states()
    except OSError:
        return {}


def _missing(state: health.Health) -> str:
    return ", ".join(PARTS.get(name, name) for name in state.down) if state.down else "the pages"


def _did_not_start(settings: Settings, state: health.Health, crashing: list[str]) -> Problem:
    if not crashing:
        return Problem(f"Stillair did not come up: {_missing(state)} did not answer.", f"see the logs in {settings.log}.")
    log = settings.log / f"{crashing[0]}.log"
    last_words = tail(log.read_text(errors="replace")) if log.exists() else ""
    return Problem(f"Stillair did not come up: {crashing[0]} ends as soon as it starts.", f"see {log}.", last_words)


def _greet(settings: Settings, console: Console, seconds: float) -> None:
    if token := set_up.kept_token(settings.data):
        address = f"{set_up.link(settings.public_url, token)}\nto make the first account, which is the admin's."
    else:
        address = settings.public_url
    console.say(f"\nStillair is up after {seconds:.0f} s. Open {address}")
    if settings.public_url.startswith("http:") and not settings.is_private:
        console.say('Browsers allow the microphone only on https or localhost: see "Friends outside" in README.md.')
    if settings.public_url.startswith("https:") and settings.is_private:
        console.say('Friends outside will hear nothing until STILLAIR_NODE_IP is set: see "Friends outside" in README.md.')
    console.say(f"Recordings, accounts and logs are in {settings.data}. Ctrl-C stops everything.")


def _watch(supervised: Supervisor, settings: Settings) -> None:
    """Watch supervisord, which restarts the programs. Never returns: raises Problem if supervisord has ended."""
    while supervised.is_running():
        time.sleep(WATCH_EVERY_S)
    raise Problem(
        "supervisord, which runs the four programs, has ended; they were stopped.",
        f"start again with ./stillair up; {settings.log / 'supervisord.log'} says more.",
    )
