"""Keeps the secrets of one Stillair in `<data>/secrets.env`: makes them at its first start, and gives them to its programs."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from contract.disk import TEMPORARY, atomic_write
from contract.settings import LIVEKIT_API_KEY, LIVEKIT_API_SECRET, SECRET_KEY, ConfigError, Setting, secret
from launcher.problem import Problem

FILE = "secrets.env"
NOISE_REMOVER_KEY = Setting("STILLAIR_NOISE_REMOVER_KEY", LIVEKIT_API_KEY.parse)
NOISE_REMOVER_SECRET = secret("STILLAIR_NOISE_REMOVER_SECRET")
SETTINGS = (SECRET_KEY, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, NOISE_REMOVER_KEY, NOISE_REMOVER_SECRET)
LATER = (NOISE_REMOVER_KEY.name, NOISE_REMOVER_SECRET.name)
"""What files of earlier versions do not have."""


@dataclass(frozen=True)
class Secrets:
    STILLAIR_SECRET_KEY: str
    LIVEKIT_API_KEY: str  # this pair is the web app's and the reconciler's
    LIVEKIT_API_SECRET: str
    STILLAIR_NOISE_REMOVER_KEY: str
    STILLAIR_NOISE_REMOVER_SECRET: str

    @classmethod
    def generate(cls) -> Self:
        return cls(
            STILLAIR_SECRET_KEY=secrets.token_urlsafe(48),
            LIVEKIT_API_KEY="API" + secrets.token_hex(8),
            LIVEKIT_API_SECRET=secrets.token_urlsafe(48),
            STILLAIR_NOISE_REMOVER_KEY="API" + secrets.token_hex(8),
            STILLAIR_NOISE_REMOVER_SECRET=secrets.token_urlsafe(48),
        )

    def environment(self) -> dict[str, str]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __repr__(self) -> str:
        return "Secrets(...)"  # never in a log or a traceback


def load(data: Path, environment: Mapping[str, str]) -> Secrets:
    """Return the secrets of this data folder, and make them if it has none. A variable wins over the file. Raises Problem."""
    path = data / FILE
    if not path.exists():
        _write(path, Secrets.generate())
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    values = _read(path) | given
    if all(values.get(setting.name) for setting in SETTINGS if setting.name not in LATER):
        values = _add_later_ones(path) | given
    try:
        return Secrets(**{setting.name: setting.check(values.get(setting.name, "")) for setting in SETTINGS})
    except ConfigError as error:
        raise Problem(
            f"{error} It was looked for in the environment and in {path}.",
            f"set it, or move {path} away to get new secrets (everybody then logs in again; recordings stay).",
        ) from error


def _read(path: Path) -> dict[str, str]:
    os.chmod(path, 0o600)
    return _assignments(path.read_text(encoding="utf-8"))


def _assignments(text: str) -> dict[str, str]:
    assignments = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in assignments}


def _add_later_ones(path: Path) -> dict[str, str]:
    """Add what the version that wrote the file did not know, and return all of it. Two programs may start at once."""
    with open(path, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        values = _assignments(text)
        made = Secrets.generate().environment()
        missing = {name: made[name] for name in LATER if name not in values}
        if missing:
            file.write(
                "".join([("" if text.endswith("\n") else "\n"), *(f"{name}={value}\n" for name, value in missing.items())])
            )
            file.flush()
            os.fsync(file.fileno())
    return values | missing


def _write(path: Path, new: Secrets) -> None:
    """Write the file, which is never readable by others, not even for a moment."""
    for left in path.parent.glob(f"{path.name}.*{TEMPORARY}"):  # by a first start that was interrupted
        left.unlink(missing_ok=True)
    lines = [f"{name}={value}" for name, value in new.environment().items()]
    text = "\n".join(
        ["# Made at the first start. Whoever reads this file can act as anybody here: keep it to yourself.", *lines, ""]
    )
    atomic_write(path, text.encode(), durable=True)
