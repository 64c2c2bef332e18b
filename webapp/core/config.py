"""Settings of the web app, read once from the environment. No secret has a default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from flask import current_app

SECRET_LENGTH = 32  # characters; livekit-server asks for as many


class ConfigError(ValueError):
    """A setting is missing or wrong. The message names the variable and its value (never a secret's)."""


@dataclass(frozen=True)
class Config:
    data: Path
    secret_key: str = field(repr=False)
    livekit_url: str  # ws://host:port, as this server reaches the audio server
    livekit_api_key: str
    livekit_api_secret: str = field(repr=False)
    database_url: str = field(repr=False)  # may hold a password
    recordings: Path
    host: str = "127.0.0.1"  # the address that gunicorn binds
    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"  # what people type; https switches everything on that needs TLS
    audio_url: str | None = None  # what browsers connect to; None: see `audio_url_for`
    trusted_hosts: tuple[str, ...] = ()  # further names this server answers to
    trusted_proxies: int = 0  # how many proxies in front may set X-Forwarded-*
    grace_s: float = 60.0  # how long a stream outlives its broadcaster
    keep_days: int = 0  # recordings older than that are deleted; 0: never
    quota_gb: float = 0.0  # of recordings per person, in 10^9 bytes; 0: no limit
    low_water_mb: int = 200  # recording stops while the disk has fewer MiB
    agent_health_url: str | None = None  # health page of the noise remover, for /healthz
    smtp_url: str | None = field(default=None, repr=False)  # of the mail server, with its password; None: no mail is sent
    mail_from: str = ""  # whose name mails carry
    registration: str = "open"  # who may register (webapp.auth.registration), until the admin chooses
    registrations_per_hour: int = 100  # new accounts from one network; a whole school may share an address
    event_streams: int = 64  # open GET /events in this process; each holds a thread
    event_streams_per_person: int = 4  # a browser opens six connections to a server, and pages need some too
    argon2_memory_kib: int = 19456  # OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, t=2, p=1
    argon2_time_cost: int = 2

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        read = _Reader(environment)
        data = Path(read.text("STILLAIR_DATA", "data")).resolve()
        host = read.text("STILLAIR_HOST", "127.0.0.1")
        port = read.integer("STILLAIR_PORT", 8000, least=1, most=65535)
        return cls(
            data=data,
            secret_key=read.secret("STILLAIR_SECRET_KEY"),
            livekit_url=read.url("LIVEKIT_URL", None, "ws", "wss"),
            livekit_api_key=read.api_key("LIVEKIT_API_KEY"),
            livekit_api_secret=read.secret("LIVEKIT_API_SECRET"),
            database_url=read.text("STILLAIR_DATABASE_URL", f"sqlite:///{data / 'stillair.db'}"),
            recordings=Path(read.text("STILLAIR_RECORDINGS", str(data / "recordings"))).resolve(),
            host=host,
            port=port,
            public_url=read.url("STILLAIR_PUBLIC_URL", f"http://{_in_url(host)}:{port}", "http", "https").rstrip("/"),
            audio_url=read.url("STILLAIR_AUDIO_URL", "", "ws", "wss").rstrip("/") or None,
            trusted_hosts=tuple(read.text("STILLAIR_TRUSTED_HOSTS", "").replace(",", " ").split()),
            trusted_proxies=read.integer("STILLAIR_TRUSTED_PROXIES", 0, least=0, most=8),
            grace_s=read.number("STILLAIR_GRACE_S", 60.0, least=1.0),
            keep_days=read.integer("STILLAIR_KEEP_DAYS", 0, least=0, most=36500),
            quota_gb=read.number("STILLAIR_QUOTA_GB", 0.0, least=0.0),
            low_water_mb=read.integer("STILLAIR_LOW_WATER_MB", 200, least=1, most=1_000_000),
            registration=read.one_of("STILLAIR_REGISTRATION", "open", "invite", "closed"),
            registrations_per_hour=read.integer("STILLAIR_REGISTRATIONS_PER_HOUR", 100, least=1, most=1_000_000),
            agent_health_url=read.url("STILLAIR_AGENT_HEALTH_URL", "", "http", "https") or None,
            smtp_url=(smtp_url := read.secret_url("STILLAIR_SMTP_URL", "smtp", "smtps")),
            mail_from=read.mail_from("STILLAIR_MAIL_FROM", needed=smtp_url is not None),
        )

    @property
    def tls(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def hosts(self) -> list[str]:
        """Names this server answers to. IPv6 addresses are none of them: Werkzeug cannot compare those."""
        own = [urlsplit(self.public_url).hostname, self.host, "127.0.0.1", "localhost", *self.trusted_hosts]
        return sorted({host for host in own if host and ":" not in host})

    def audio_url_for(self, host: str) -> str:
        """Address of the audio server for a browser that reached this server as `host` (the request's Host header)."""
        if self.audio_url is not None:
            return self.audio_url
        scheme = "wss" if self.tls else "ws"
        name = urlsplit(f"//{host}").hostname or "localhost"
        return f"{scheme}://{_in_url(name)}:{urlsplit(self.livekit_url).port or 80}"


def _in_url(host: str) -> str:
    """The host as it stands in an address: IPv6 in brackets."""
    try:
        return f"[{host}]" if ip_address(host).version == 6 else host
    except ValueError:
        return host


class _Reader:
    """Reads variables; an error names the variable."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str | None) -> str:
        """An unset or empty variable takes the default; without one it is an error."""
        value = self._environment.get(name, "").strip() or default
        if value is None:
            raise ConfigError(f"{name} is not set. ./stillair up sets it; see README, Settings.")
        return value

    def secret(self, name: str) -> str:
        value = self.text(name, None)
        if len(value) < SECRET_LENGTH:
            raise ConfigError(f"{name} has {len(value)} characters. Use {SECRET_LENGTH} or more random ones.")
        return value

    def api_key(self, name: str) -> str:
        value = self.text(name, None)
        if value == "devkey":
            raise ConfigError(f"{name} is 'devkey', which everybody knows. Make a key pair of your own.")
        return value

    def url(self, name: str, default: str | None, *schemes: str) -> str:
        value = self.text(name, default)
        if value and not _is_address(value, schemes):
            raise ConfigError(f"{name} is {value!r}, not an address that starts with {' or '.join(f'{s}://' for s in schemes)}.")
        return value

    def secret_url(self, name: str, *schemes: str) -> str | None:
        value = self.text(name, "")
        if value and not _is_address(value, schemes):
            example = f"{schemes[0]}://user:password@host"
            raise ConfigError(f"{name} is no address such as {example}. What it is now is not shown: a password may be in it.")
        return value or None

    def mail_from(self, name: str, *, needed: bool) -> str:
        value = self.text(name, None if needed else "")
        if value and (not value.isprintable() or not all(parseaddr(value)[1].partition("@"))):
            raise ConfigError(f"{name} is {value!r}, not an address such as 'Stillair <air@example.org>'.")
        return value

    def one_of(self, name: str, *values: str) -> str:
        """The first of `values` is the default."""
        value = self.text(name, values[0])
        if value not in values:
            raise ConfigError(f"{name} is {value!r}, not one of {', '.join(values)}.")
        return value

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise ConfigError(f"{name} is {value!r}, not a whole number from {least} to {most}.")
        return int(value)

    def number(self, name: str, default: float, *, least: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not least <= number < float("inf"):
            raise ConfigError(f"{name} is {value!r}, not a number of at least {least}.")
        return number


def _is_address(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of `port`, when it is none
        return False


def current_config() -> Config:
    """Return the settings of the current app."""
    config: Config = current_app.config["STILLAIR"]
    return config
