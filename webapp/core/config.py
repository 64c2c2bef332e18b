"""The settings of the web app, which are read once from the environment. No secret has a default."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from flask import current_app

from contract import settings
from contract.settings import Setting, Value, url_host


def _mail_address(value: str) -> str:
    if not value.isprintable() or not all(parseaddr(value)[1].partition("@")):
        raise ValueError("not an address such as 'Stillair <air@example.org>'")
    return value


def _contact(value: str) -> str:
    """Return the address as security.txt states it (RFC 9116, 2.5.3): a URI."""
    if re.fullmatch(r"(https://|mailto:)[!-~]+", value):
        return value
    if re.fullmatch(r"[!-~]+@[!-~]+", value):
        return f"mailto:{value}"
    raise ValueError("not a mail address, and no address that starts with https:// or mailto:")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


AGENT_HEALTH_URL = settings.url("STILLAIR_AGENT_HEALTH_URL", "http", "https")
AUDIO_URL = settings.url("STILLAIR_AUDIO_URL", "ws", "wss")
KEEP_DAYS = settings.whole_number("STILLAIR_KEEP_DAYS", default=0, minimum=0, maximum=36_500)
LOGIN_DAYS = settings.whole_number("STILLAIR_LOGIN_DAYS", default=180, minimum=1, maximum=400)
MAIL_FROM = Setting("STILLAIR_MAIL_FROM", _mail_address)
QUOTA_GB = settings.number("STILLAIR_QUOTA_GB", default=0, minimum=0)
REGISTRATION = settings.choice("STILLAIR_REGISTRATION", "open", "invite", "closed")
REGISTRATIONS_PER_HOUR = settings.whole_number("STILLAIR_REGISTRATIONS_PER_HOUR", default=100, minimum=1, maximum=1_000_000)
SECURITY_CONTACT = Setting("STILLAIR_SECURITY_CONTACT", _contact)
SMTP_URL = settings.secret_url("STILLAIR_SMTP_URL", "smtp", "smtps")
TRUSTED_HOSTS = settings.text("STILLAIR_TRUSTED_HOSTS", default="")
TRUSTED_PROXIES = settings.whole_number("STILLAIR_TRUSTED_PROXIES", default=0, minimum=0, maximum=8)


@dataclass(frozen=True)
class Config:
    data: Path
    secret_key: str = field(repr=False)
    livekit_url: str  # ws://host:port, as this server reaches the audio server
    livekit_api_key: str
    livekit_api_secret: str = field(repr=False)
    database_url: str = field(repr=False)  # may hold a password
    recordings: Path
    host: str = "127.0.0.1"  # the address that the server binds
    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"  # what people type; https switches everything on that needs TLS
    audio_url: str | None = None  # what browsers connect to; None: see `audio_url_for`
    trusted_hosts: tuple[str, ...] = ()  # further names this server answers to
    trusted_proxies: int = 0  # how many proxies in front may set X-Forwarded-*
    grace_s: float = 60.0  # how long a stream outlives its broadcaster
    keep_days: int = 0  # recordings older than that are deleted; 0: never
    quota_gb: float | None = None  # of recordings per person, in 10^9 bytes; 0: no limit; None: as it was set up (quotas)
    low_water_mb: int = 200  # recording stops while the disk has fewer MiB
    agent_health_url: str | None = None  # health page of the noise remover, for /healthz
    smtp_url: str | None = field(default=None, repr=False)  # of the mail server, with its password; None: no mail is sent
    mail_from: str = ""  # whose name mails carry
    security_contact: str | None = None  # URI at which faults in the server's safety are reported
    login_days: int = 180  # a log-in ends after so many days, however often it is used
    registration: str = "open"  # who may register (webapp.auth.registration), until the admin chooses
    registrations_per_hour: int = 100  # new accounts from one network; a whole school may share an address
    event_streams: int = 4000  # open GET /events in one process
    web_processes: int = min(2, os.cpu_count() or 1)  # a page is worked on by one core at a time
    request_threads: int = 16  # of one process, each of which may hold a database connection
    long_work_threads: int = 2  # for clips, conversions and pictures, so that pages do not wait for them
    event_streams_per_person: int = 4  # a browser opens six connections to a server, and pages need some too
    argon2_memory_kib: int = 19456  # OWASP Password Storage Cheat Sheet: argon2id, 19 MiB, t=2, p=1
    argon2_time_cost: int = 2

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ConfigError."""

        def read(setting: Setting[Value]) -> Value:
            return setting.read(environment)

        data, host, port = read(settings.DATA), read(settings.HOST), read(settings.PORT)
        public_url = settings.PUBLIC_URL.read_optional(environment) or f"http://{url_host(host)}:{port}"
        smtp_url = SMTP_URL.read_optional(environment)
        return cls(
            data=data,
            secret_key=read(settings.SECRET_KEY),
            livekit_url=read(settings.LIVEKIT_URL),
            livekit_api_key=read(settings.LIVEKIT_API_KEY),
            livekit_api_secret=read(settings.LIVEKIT_API_SECRET),
            database_url=read(settings.text("STILLAIR_DATABASE_URL", default=f"sqlite:///{data / 'stillair.db'}")),
            recordings=settings.recordings_folder(environment),
            host=host,
            port=port,
            public_url=public_url.rstrip("/"),
            audio_url=(AUDIO_URL.read_optional(environment) or "").rstrip("/") or None,
            trusted_hosts=tuple(read(TRUSTED_HOSTS).replace(",", " ").split()),
            trusted_proxies=read(TRUSTED_PROXIES),
            grace_s=read(settings.GRACE_S),
            keep_days=read(KEEP_DAYS),
            quota_gb=QUOTA_GB.read_optional(environment),
            low_water_mb=read(settings.LOW_WATER_MB),
            security_contact=SECURITY_CONTACT.read_optional(environment),
            login_days=read(LOGIN_DAYS),
            registration=REGISTRATION.read_optional(environment) or ("invite" if public_url.startswith("https:") else "open"),
            registrations_per_hour=read(REGISTRATIONS_PER_HOUR),
            agent_health_url=AGENT_HEALTH_URL.read_optional(environment),
            smtp_url=smtp_url,
            mail_from=(read(MAIL_FROM) if smtp_url else MAIL_FROM.read_optional(environment)) or "",
        )

    @property
    def threads(self) -> int:
        """Threads of one process that serve requests, each of which may hold a database connection."""
        return self.request_threads + self.long_work_threads

    @property
    def tls(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def hosts(self) -> list[str]:
        """Names this server answers to. IPv6 addresses are none of them: Werkzeug cannot compare those."""
        own = [urlsplit(self.public_url).hostname, self.host, "127.0.0.1", "localhost", *self.trusted_hosts]
        return sorted({host for host in own if host and ":" not in host})

    @property
    def is_private(self) -> bool:
        """Whether only this machine is meant to reach the pages."""
        names = [self.host, urlsplit(self.public_url).hostname or "", *self.trusted_hosts]
        return not self.trusted_proxies and all(_is_loopback(name) for name in names)

    def audio_url_for(self, host: str) -> str:
        """Address of the audio server for a browser that reached this server as `host` (the request's Host header)."""
        if self.audio_url is not None:
            return self.audio_url
        scheme = "wss" if self.tls else "ws"
        name = urlsplit(f"//{host}").hostname or "localhost"
        return f"{scheme}://{url_host(name)}:{urlsplit(self.livekit_url).port or 80}"


def current_config() -> Config:
    """Return the settings of the current app."""
    config: Config = current_app.config["STILLAIR"]
    return config
