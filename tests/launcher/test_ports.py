import os
import socket
from contextlib import ExitStack, closing, contextmanager

import pytest

from launcher.problem import Problem
from launcher.run.ports import Port, Ports, check, free_block, holder_of, is_free
from tests.free_ports import some_free_block


@contextmanager
def holding(port: Port):
    """Somebody else on this port."""
    kind = socket.SOCK_DGRAM if port.kind == "UDP" else socket.SOCK_STREAM
    with closing(socket.socket(socket.AF_INET, kind)) as taken:
        taken.bind(("127.0.0.1", port.number))
        if port.kind == "TCP":
            taken.listen()
        yield


def test_five_ports_follow_from_the_first():
    ports = Ports(9000)
    assert [port.number for port in ports] == [9000, 9001, 9002, 9003, 9004]
    assert [port.kind for port in ports] == ["TCP", "TCP", "TCP", "UDP", "TCP"]
    named = (ports.web, ports.audio_server, ports.webrtc_tcp, ports.webrtc_udp, ports.agent_health)
    assert named == tuple(port.number for port in ports)


def test_blocks_of_neighbouring_instances_do_not_meet():
    assert not {port.number for port in Ports(8000)} & {port.number for port in Ports(8005)}


def test_free_ports_pass():
    check(Ports(some_free_block()))


@pytest.mark.parametrize("index", range(5))
def test_a_taken_port_is_named_with_its_purpose_its_holder_and_the_next_step(index):
    ports = Ports(some_free_block())
    port = list(ports)[index]
    with holding(port), pytest.raises(Problem) as caught:
        check(ports)
    assert f"{port.kind} port {port.number} ({port.purpose}) is taken" in caught.value.what
    assert f"process {os.getpid()}" in caught.value.what
    assert "./stillair up --port" in caught.value.next_step


def test_the_holder_of_a_free_port_is_nobody():
    assert holder_of(next(iter(Ports(some_free_block())))) is None


def test_the_proposed_block_is_free_on_every_port():
    first = some_free_block(count=2)
    with ExitStack() as stack:
        stack.enter_context(holding(Port(first + 4, "TCP", "")))
        found = free_block(first)
    assert found is not None
    assert found >= first + 5
    assert all(is_free(port) for port in Ports(found))


def test_no_block_is_proposed_where_none_is_free():
    first = some_free_block()
    with holding(Port(first, "TCP", "")):
        assert free_block(first, first + 4) is None
