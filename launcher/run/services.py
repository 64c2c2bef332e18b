"""Lists the four programs of a Stillair, for `./stillair up` and for the containers of docker-compose.yml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.problem import Problem
from launcher.settings import ROOT, Settings

AUDIO_SERVER = "audio-server"
WEB = "web"
RECONCILER = "reconciler"
NOISE_REMOVER = "noise-remover"
WEBHOOK_BASE = "http://127.0.0.1:8000"
SOUND_FROM = "0.0.0.0/0"
"""Both as livekit.yaml has them."""


@dataclass(frozen=True)
class Service:
    name: str
    command: Sequence[str]
    stop_s: int  # how long it may take to stop after SIGTERM


def services(settings: Settings, *, programs: Path, livekit_server: Path) -> list[Service]:
    """Return them in the order of their start. They stop in reverse: the noise remover closes its recordings first.

    `programs`: folder of python.
    """
    python = str(programs / "python")
    return [
        Service(
            AUDIO_SERVER, [str(livekit_server), "--config", str(audio_server_config(settings)), "--bind", settings.host], stop_s=5
        ),
        Service(WEB, [python, "-m", "webapp.server"], stop_s=5),
        Service(RECONCILER, [python, "-m", "webapp.reconciler"], stop_s=5),
        Service(NOISE_REMOVER, [python, "-m", "agent", "worker"], stop_s=15),
    ]


def migration(programs: Path) -> list[str]:
    return [str(programs / "flask"), "--app", "webapp", "set-up"]


def audio_server_config(settings: Settings) -> Path:
    return settings.run / "livekit.yaml"


def write_audio_server_config(settings: Settings) -> None:
    """livekit.yaml with the two lists that livekit-server takes from a file only. Raises Problem."""
    text = (ROOT / "livekit.yaml").read_text(encoding="utf-8")
    # One address alone: with NODE_IP all would be told as that one, and TCP is waited for at the first of them only (pion/ice).
    sound_from = f"{settings.sound_address}/{128 if ':' in settings.sound_address else 32}"
    for standing, wanted in ((WEBHOOK_BASE, settings.local_url), (SOUND_FROM, sound_from)):
        if text.count(standing) != 1:
            raise Problem(f"livekit.yaml must hold {standing} once.", "put the file back: git checkout livekit.yaml")
        text = text.replace(standing, wanted)
    audio_server_config(settings).write_text(text, encoding="utf-8")
