"""Reads settings, which are environment variables, and declares those that more than one program reads.

Each program declares the settings that it alone reads with the same functions, so that every wrong value is refused in the same
words. Standard library only: the launcher reads settings before anything is installed.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
"""Folder of the clone, which every program runs from."""

Value = TypeVar("Value")


class ConfigError(ValueError):
    """Says which setting is missing or wrong: the message names the variable and shows its value, unless that is secret."""


@dataclass(frozen=True)
class Setting(Generic[Value]):
    """Declares one environment variable."""

    name: str
    parse: Callable[[str], Value]  # raises ValueError with what is wrong, such as "not a whole number from 1 to 8"
    default: str | None = None  # as it would stand in the environment; None: the variable must be set
    is_secret: bool = False

    def read(self, environment: Mapping[str, str] = os.environ, *, default: str | None = None) -> Value:
        """Return the value of the variable, or the default if it is unset or blank. Raises ConfigError."""
        value = self._text(environment) or default or self.default
        if value is None:
            raise ConfigError(f"{self.name} is not set. ./stillair up sets it; see README, Settings.")
        return self.check(value)

    def read_optional(self, environment: Mapping[str, str] = os.environ) -> Value | None:
        """Return the value of the variable, or None if it is unset or blank. Raises ConfigError."""
        value = self._text(environment)
        return self.check(value) if value else None

    def _text(self, environment: Mapping[str, str]) -> str:
        return environment.get(self.name, "").strip()

    def check(self, value: str, *, name: str = "") -> Value:
        """Return the parsed value. `name`: what the person knows it by, if not the variable. Raises ConfigError."""
        try:
            return self.parse(value)
        except ValueError as error:
            shown = "" if self.is_secret else f"{value!r}, "
            raise ConfigError(f"{name or self.name} is {shown}{error}.") from None


def text(name: str, *, default: str) -> Setting[str]:
    return Setting(name, str, default)


def folder(name: str, *, default: Path | None = None) -> Setting[Path]:
    """Declare a folder, which need not exist yet; a relative one lies in the working directory."""
    return Setting(name, lambda value: Path(value).absolute(), None if default is None else str(default))


def whole_number(name: str, *, default: int | None = None, minimum: int, maximum: int, because: str = "") -> Setting[int]:
    """`because`: why the range ends where it does, if a person would ask."""

    def parse(value: str) -> int:
        digits = value.lstrip("0") or "0"
        if not re.fullmatch("[0-9]{1,18}", digits) or not minimum <= int(digits) <= maximum:
            raise ValueError(f"not a whole number from {minimum} to {maximum}{because and f' ({because})'}")
        return int(digits)

    return Setting(name, parse, None if default is None else str(default))


def number(name: str, *, default: float, minimum: float, maximum: float = float("inf")) -> Setting[float]:
    """Declare a finite number; `minimum` and `maximum` are in the range."""
    span = f"from {minimum:g} to {maximum:g}" if maximum < float("inf") else f"of at least {minimum:g}"

    def parse(value: str) -> float:
        parsed = float(value) if _NUMBER.fullmatch(value) else float("nan")  # float() takes "nan", "1_0" and digits of any script
        if not minimum <= parsed <= maximum or parsed == float("inf"):
            raise ValueError(f"not a number {span}")
        return parsed

    return Setting(name, parse, str(default))


_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def switch(name: str) -> Setting[bool]:
    """Declare a switch that is off by default."""

    def parse(value: str) -> bool:
        if value not in ("0", "1"):
            raise ValueError("not 1 (yes) or 0 (no)")
        return value == "1"

    return Setting(name, parse, "0")


def choice(name: str, *values: str) -> Setting[str]:
    """Declare one of `values`; the first is the default."""

    def parse(value: str) -> str:
        if value not in values:
            raise ValueError(f"not one of {', '.join(values)}")
        return value

    return Setting(name, parse, values[0])


def url(name: str, *schemes: str) -> Setting[str]:
    def parse(value: str) -> str:
        if not _is_url(value, schemes):
            raise ValueError(f"not an address that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return Setting(name, parse)


def secret_url(name: str, *schemes: str) -> Setting[str]:
    """Declare an address that may hold a password."""

    def parse(value: str) -> str:
        if not _is_url(value, schemes):
            example = f"{schemes[0]}://user:password@host"
            raise ValueError(f"not an address such as {example}. Its value is not shown, as it may hold a password")
        return value

    return Setting(name, parse, is_secret=True)


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or too large
        return False


def secret(name: str) -> Setting[str]:
    def parse(value: str) -> str:
        if len(value) < MIN_SECRET_LENGTH:
            raise ValueError(f"{len(value)} characters long. Use {MIN_SECRET_LENGTH} or more random ones")
        return value

    return Setting(name, parse, is_secret=True)


def _api_key(value: str) -> str:
    if value in ("", "devkey"):  # livekit-server's documents use "devkey"
        raise ValueError("which is no key of your own. Make a pair that nobody else knows")
    return value


def _ip_address(host: str) -> str:
    """Return the IP address of a host, which may be given by name."""
    try:
        return str(ipaddress.ip_address(socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)[0][4][0]))
    except (OSError, ValueError):
        raise ValueError("not an address of this machine. Use 127.0.0.1 (this machine only) or 0.0.0.0 (the network)") from None


def url_host(host: str) -> str:
    """Return the host as it is written in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


# What more than one program reads.

MIN_SECRET_LENGTH = 32
"""Characters; livekit-server asks for as many in its API secret."""
PORT_BLOCK = 5
"""A Stillair uses so many ports, one after the other."""

DATA = folder("STILLAIR_DATA", default=ROOT / "data")
RECORDINGS = folder("STILLAIR_RECORDINGS")  # read by recordings_folder
HOST = Setting("STILLAIR_HOST", _ip_address, "127.0.0.1")
PORT = whole_number(
    "STILLAIR_PORT",
    default=8000,
    minimum=1,
    maximum=65_536 - PORT_BLOCK,
    because="the four ports after it are used, too",
)
PUBLIC_URL = url("STILLAIR_PUBLIC_URL", "http", "https")  # by default made of host and port
GRACE_S = number("STILLAIR_GRACE_S", default=60, minimum=1, maximum=86_400)
LOW_WATER_MB = whole_number("STILLAIR_LOW_WATER_MB", default=200, minimum=1, maximum=1_000_000)
SECRET_KEY = secret("STILLAIR_SECRET_KEY")
LIVEKIT_URL = url("LIVEKIT_URL", "ws", "wss")
LIVEKIT_API_KEY = Setting("LIVEKIT_API_KEY", _api_key)
LIVEKIT_API_SECRET = secret("LIVEKIT_API_SECRET")


def recordings_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the recordings, which by default lies in the data folder."""
    return RECORDINGS.read(environment, default=str(DATA.read(environment) / "recordings"))
