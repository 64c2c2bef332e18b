"""Reads the settings of one Stillair, and makes the environment of its programs from them."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from contract import settings as shared
from contract.settings import ConfigError, Setting, url_host
from launcher.problem import Problem
from launcher.run.ports import Ports
from launcher.secrets import Secrets

ROOT = shared.ROOT


def _ip_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("which is no IP address such as 203.0.113.7, and names are not taken") from None


LIVEKIT_SERVER = Setting("STILLAIR_LIVEKIT_SERVER", lambda value: Path(value).absolute())
NODE_IP = Setting("STILLAIR_NODE_IP", _ip_address)


@dataclass(frozen=True)
class Settings:
    data: Path  # absolute
    host: str  # IP address that the pages and the audio server listen on
    ports: Ports
    node_ip: str  # IP address that browsers send sound to
    public_url: str  # what people type
    livekit_server: Path | None = None  # the person's own, which is not checked; None: one that is downloaded and checked

    @classmethod
    def of(cls, *, data: Path | None, host: str | None, port: int | None, environment: Mapping[str, str]) -> Self:
        """Read the settings: an option wins over its variable, a variable over the default. Raises Problem."""
        try:
            address = shared.HOST.read(environment) if host is None else shared.HOST.check(host, name="--host")
            first_port = shared.PORT.read(environment) if port is None else shared.PORT.check(str(port), name="--port")
            for setting in (shared.GRACE_S, shared.LOW_WATER_MB):
                setting.read(environment)  # the programs that follow them would end as soon as they have started
            public_url = shared.PUBLIC_URL.read_optional(environment) or f"http://{url_host(_reachable(address))}:{first_port}"
            return cls(
                data=data.absolute() if data else shared.DATA.read(environment),
                host=address,
                ports=Ports(first_port),
                node_ip=NODE_IP.read_optional(environment) or _reachable(address),
                public_url=public_url.rstrip("/"),
                livekit_server=LIVEKIT_SERVER.read_optional(environment),
            )
        except ConfigError as error:
            raise Problem(str(error), "correct it, or leave it out; see README, Settings.") from error

    @property
    def run(self) -> Path:
        """Folder of what belongs to the running instance only: lock, sockets, generated configuration."""
        return self.data / "run"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def local_url(self) -> str:
        """Address at which this machine reaches the pages."""
        return f"http://{url_host(self.local_host)}:{self.ports.web}"

    @property
    def local_host(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound

    @property
    def is_private(self) -> bool:
        """Whether nobody outside this machine is meant to see or hear anything. Then no port is opened to the network."""
        return ipaddress.ip_address(self.host).is_loopback and self.node_ip == "127.0.0.1"

    @property
    def sound_address(self) -> str:
        """This machine's own address at which sound arrives. It differs from `node_ip` if there is a router in between."""
        return _source_for(self.node_ip) or "127.0.0.1"  # the machine has no network at the moment

    def environment(self) -> dict[str, str]:
        """Return the variables that say where everything is. None of them is secret."""
        return {
            "STILLAIR_DATA": str(self.data),
            "STILLAIR_HOST": self.host,
            "STILLAIR_PORT": str(self.ports.web),
            "STILLAIR_PUBLIC_URL": self.public_url,
            "STILLAIR_AGENT_HEALTH_PORT": str(self.ports.agent_health),
            "STILLAIR_AGENT_HEALTH_URL": f"http://127.0.0.1:{self.ports.agent_health}/",
            "LIVEKIT_URL": f"ws://{url_host(self.local_host)}:{self.ports.audio_server}",
        }

    def audio_server_environment(self, secrets: Secrets) -> dict[str, str]:
        """Return what livekit-server 1.13.5 reads besides livekit.yaml (`livekit-server help-verbose` lists it)."""
        pairs = (
            (secrets.LIVEKIT_API_KEY, secrets.LIVEKIT_API_SECRET),
            (secrets.STILLAIR_NOISE_REMOVER_KEY, secrets.STILLAIR_NOISE_REMOVER_SECRET),
        )
        return {
            "LIVEKIT_KEYS": "\n".join(f"{key}: {secret}" for key, secret in pairs),
            "LIVEKIT_WEBHOOK_API_KEY": secrets.LIVEKIT_API_KEY,
            "LIVEKIT_PORT": str(self.ports.audio_server),
            "LIVEKIT_RTC_TCP_PORT": "0" if self.is_private else str(self.ports.webrtc_tcp),  # it listens on all addresses
            "UDP_PORT": str(self.ports.webrtc_udp),
            "NODE_IP": self.node_ip,
        }


def _reachable(address: str) -> str:
    """Return the address that others use if the programs listen on `address`. For 0.0.0.0 it is the machine's own."""
    if not ipaddress.ip_address(address).is_unspecified:
        return address
    return _source_for("192.0.2.1") or "127.0.0.1"  # an address for documentation (RFC 5737)


def _source_for(address: str) -> str | None:
    """Return the address from which the machine would send to `address`, or None if it has no way there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))  # connecting UDP picks the route and sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return None
