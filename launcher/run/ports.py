"""Gives the five ports of a Stillair: a block that starts at `--port`, so that two instances do not collide by accident."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from contract.settings import PORT_BLOCK
from launcher.problem import Problem

HIGHEST = 65_535


@dataclass(frozen=True)
class Port:
    number: int
    kind: str  # "TCP" or "UDP"
    purpose: str


@dataclass(frozen=True)
class Ports:
    first: int

    @property
    def web(self) -> int:
        return self.first

    @property
    def audio_server(self) -> int:
        return self.first + 1

    @property
    def webrtc_tcp(self) -> int:
        return self.first + 2

    @property
    def webrtc_udp(self) -> int:
        return self.first + 3

    @property
    def agent_health(self) -> int:
        return self.first + 4

    def __iter__(self) -> Iterator[Port]:
        yield Port(self.web, "TCP", "the pages")
        yield Port(self.audio_server, "TCP", "the audio server")
        yield Port(self.webrtc_tcp, "TCP", "sound over TCP")
        yield Port(self.webrtc_udp, "UDP", "sound over UDP")
        yield Port(self.agent_health, "TCP", "the noise remover's health")


def is_free(port: Port, host: str = "") -> bool:
    """Return whether `port` can be bound now. `host` "" asks for all addresses."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM if port.kind == "UDP" else socket.SOCK_STREAM)) as probe:
        if port.kind == "TCP":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that lingers does not count
        try:
            probe.bind((host, port.number))
        except PermissionError as error:
            raise Problem(
                f"Port {port.number} may only be opened by the administrator of this machine.",
                "choose one from 1024 on, for example --port 8000.",
            ) from error
        except OSError:
            return False
    return True


def free_block(first: int, last: int = HIGHEST) -> int | None:
    """Return the first number from `first` on where all ports of a block are free, or None."""
    candidates = range(first, last - PORT_BLOCK + 2, PORT_BLOCK)
    return next((number for number in candidates if all(is_free(port) for port in Ports(number))), None)


def check(ports: Ports) -> None:
    """Raise Problem if a port is taken. It names the program that holds the port, if that can be seen."""
    for port in ports:
        if is_free(port):
            continue
        by = f" by {holder}" if (holder := holder_of(port)) else ""
        other = free_block(ports.first + 100)
        raise Problem(
            f"{port.kind} port {port.number} ({port.purpose}) is taken{by}.",
            f"stop that program, or start on other ports: ./stillair up --port {other or 'NUMBER'}",
        )


def holder_of(port: Port) -> str | None:
    """Return "NAME (process N)" of the program that holds the port, or None if that cannot be seen (other system, other user)."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for folder in Path("/proc").glob("[0-9]*") if sockets else ():
        try:
            if any(os.readlink(link) in sockets for link in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()} (process {folder.name})"
        except OSError:
            continue  # gone meanwhile, or another user's
    return None


def _inodes(port: Port) -> Iterator[str]:
    listening = "0A" if port.kind == "TCP" else "07"  # states of /proc/net/tcp and udp, see proc_net_tcp.txt of Linux
    for table in (port.kind.lower(), port.kind.lower() + "6"):
        try:
            rows = (Path("/proc/net") / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if int(fields[1].rpartition(":")[2], 16) == port.number and fields[3] == listening:
                yield fields[9]
