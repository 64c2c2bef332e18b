"""Tells the admin in words how the server is: each component is well or needs a look, why, and one next step.

`/healthz` (webapp.admin.api_health) says the same to programs, in one word each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

import pysqlite3.dbapi2 as sqlite
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _

from webapp.admin import heartbeat
from webapp.core import config, http_probe, mail, noise_remover
from webapp.core.config import Config
from webapp.core.database import db
from webapp.core.disk import free_bytes
from webapp.core.noise_remover import Health, Slots
from webapp.models import Stream, now
from webapp.streams import queries as stream_queries

HOUR_BYTES = 224 * 2**20  # of a voice in FLAC
FEW_HOURS = 10


class State(StrEnum):
    WELL = "well"
    LOOK = "look"
    OFF = "off"  # not set up, which may be just right


@dataclass(frozen=True)
class Part:
    name: str
    state: State
    words: str
    next_step: str = ""


@dataclass(frozen=True)
class Status:
    parts: list[Part]
    slots: Slots | None  # None while the noise remover does not say
    streams: list[Stream]
    streams_work: bool
    checked_at: datetime

    @property
    def troubles(self) -> int:
        return sum(part.state is State.LOOK for part in self.parts)


def check() -> Status:
    """Ask every component how it is. Takes a few seconds if one of them hangs, and holds no transaction meanwhile."""
    settings = config.current_config()
    db.session.commit()
    audio_server = http_probe.ask(settings.livekit_url).ok
    remover = noise_remover.health()
    streams = stream_queries.running_streams()
    listeners = sum(len(stream.listener_ids) for stream in streams)
    parts = [
        _audio_server(len(streams), listeners, works=audio_server),
        _noise_remover(remover, streams, audio_server=audio_server),
        *_cleaning(remover),
        _recordings(settings),
        _database(),
        _reconciler(),
        _secure_page(settings),
        _mail(),
    ]
    registered = remover is not None and remover.registered
    return Status(parts, remover.slots if remover else None, streams, audio_server and registered, now())


# --- The parts


def _audio_server(streams: int, listeners: int, *, works: bool) -> Part:
    if not works:
        return Part(
            _("Audio server"),
            State.LOOK,
            _("It does not answer. Nobody can go live or listen; recordings can still be played. It restarts by itself."),
            _see_log("audio-server"),
        )
    return Part(
        _("Audio server"),
        State.WELL,
        " ".join(
            (
                ngettext("%(num)d stream,", "%(num)d streams,", streams),
                ngettext("%(num)d listener.", "%(num)d listeners.", listeners),
            )
        ),
    )


def _noise_remover(remover: Health | None, streams: Sequence[Stream], *, audio_server: bool) -> Part:
    """Say how it is. This also explains the stream page's "It has not answered"."""
    name = _("Noise remover")
    if remover is None:
        return Part(
            name,
            State.LOOK,
            _(
                "It is not running, or it hangs. People who press Start Streaming are told that it has not answered. "
                "It restarts by itself."
            ),
            _see_log("noise-remover"),
        )
    if not remover.registered:
        if not audio_server:
            return Part(
                name, State.LOOK, _("It is running and waiting for the audio server."), _("Check the audio server first.")
            )
        return Part(name, State.LOOK, _("It is running, but has not found the audio server yet."), _see_log("noise-remover"))
    waiting = sum(stream.state == "starting" and stream.dispatch_tries >= 2 for stream in streams)
    if remover.slots is not None and not remover.slots.free:
        return Part(
            name,
            State.LOOK,
            _("All slots are in use. The next stream waits until one is free."),
            _("If this happens often, a machine with more processor cores carries more streams."),
        )
    if waiting:
        return Part(
            name,
            State.LOOK,
            ngettext(
                "It is running and has free slots, but %(num)d stream has asked for it twice without an answer.",
                "It is running and has free slots, but %(num)d streams have asked for it twice without an answer.",
                waiting,
            ),
            _see_log("noise-remover"),
        )
    return Part(name, State.WELL, _("It is ready for the next stream."))


def _cleaning(remover: Health | None) -> list[Part]:
    """Whether the workers of the noise remover keep up with the sound; nothing where that is not known."""
    if remover is None or not remover.wanted_workers:
        return []
    name, log = _("Cleaning"), _see_log("noise-remover")
    if "shedding" in remover.workers:
        words = _("This machine is too slow for its streams: some are sent with their original sound. All are recorded.")
        return [Part(name, State.LOOK, words, _("Set STILLAIR_CAPACITY to fewer streams."))]
    if "full" in remover.workers:
        words = _("All streams are cleaned, but this machine is busy: no new stream is taken until it has caught up.")
        return [Part(name, State.LOOK, words, log)]
    if len(remover.workers) < remover.wanted_workers:
        return [Part(name, State.LOOK, _("A worker is starting. Streams go on with the others."), log)]
    return [Part(name, State.WELL, _("All streams are cleaned in time."))]


def _recordings(settings: Config) -> Part:
    name, least = _("Recordings"), settings.low_water_mb * 2**20
    free = free_bytes(settings.recordings)
    if free is None:
        return Part(
            name,
            State.LOOK,
            _("The recordings folder is not writable. Streams go on but are not recorded."),
            _(
                "Give the account that Stillair runs as write access to %(folder)s.",
                folder=settings.recordings,
            ),
        )
    if free < least:
        return Part(
            name,
            State.LOOK,
            _("The disk is full: streams go on but are not recorded. Existing recordings are safe."),
            _(
                "Free some space on the disk. The Storage page shows what uses the most.",
            ),
        )
    hours = (free - least) // HOUR_BYTES
    words = ngettext(
        "%(free)s GB are free, enough for about %(num)d hour of streams. Recording stops below %(least)s GB.",
        "%(free)s GB are free, enough for about %(num)d hours of streams. Recording stops below %(least)s GB.",
        hours,
        free=format_decimal(free / 1e9, "0.0"),
        least=format_decimal(least / 1e9, "0.0"),
    )
    if hours < FEW_HOURS:
        return Part(name, State.LOOK, words, _("Free some space on the disk. The Storage page shows what uses the most."))
    return Part(name, State.WELL, words)


def _database() -> Part:
    """Say which database it is. It works, for this page has been read from it."""
    dialect = db.session.get_bind().dialect.name
    return Part(_("Database"), State.WELL, f"SQLite {sqlite.sqlite_version}." if dialect == "sqlite" else "PostgreSQL.")


def _reconciler() -> Part:
    if heartbeat.is_alive():
        return Part(_("Reconciler"), State.WELL, _("It repairs streams, imports recordings and cleans up."))
    return Part(
        _("Reconciler"),
        State.LOOK,
        _("It is not running. Broken streams are not repaired, and new recordings do not appear. It restarts by itself."),
        _see_log("reconciler"),
    )


def _secure_page(settings: Config) -> Part:
    name = _("Secure page")
    if settings.tls:
        return Part(name, State.WELL, _("People connect over https."))
    if urlsplit(settings.public_url).hostname in ("localhost", "127.0.0.1", "::1"):
        return Part(
            name,
            State.OFF,
            _("For this machine only: elsewhere, browsers allow the microphone only on https pages."),
            _(
                "README.md, Friends outside, says how to let others in.",
            ),
        )
    return Part(
        name,
        State.LOOK,
        _("People connect without https, so their browsers do not allow the microphone. They can listen."),
        _(
            "README.md, Friends outside, says how to get a certificate.",
        ),
    )


def _mail() -> Part:
    if mail.is_configured():
        return Part(_("Mail"), State.WELL, _("People with an e-mail address on file can reset their password themselves."))
    return Part(_("Mail"), State.OFF, _("People who forget their password ask you for a link; make it under People."))


def _see_log(program: str) -> str:
    words: str = _("Its log says why: log/%(program)s.log in the data folder.", program=program)
    return words
