"""Where pushes may go. The machine's own resolver looks names up: it knows more spellings of 127.0.0.1 than anybody."""

from __future__ import annotations

import socket

import pytest

from webapp.notifications.push_client import ENDPOINT_LENGTH, EndpointRefused, PushRoute


@pytest.mark.parametrize(
    "endpoint",
    [
        # this machine
        "https://127.0.0.1/x",
        "https://127.0.0.1:443/x",
        "https://127.1/x",
        "https://127.000.000.001/x",
        "https://2130706433/x",
        "https://0x7f000001/x",
        "https://0x7f.1/x",
        "https://017700000001/x",
        "https://0/x",
        "https://0.0.0.0/x",
        "https://localhost/x",
        "https://LOCALHOST/x",
        "https://[::1]/x",
        "https://[0:0:0:0:0:0:0:1]/x",
        "https://[::]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[::ffff:7f00:1]/x",
        "https://[::127.0.0.1]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://[2002:7f00:1::]/x",
        # its network
        "https://10.0.0.1/x",
        "https://172.16.0.1/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/x",
        "https://[fe80::1]/x",
        "https://[fe80::1%25eth0]/x",
        "https://[fc00::1]/x",
        "https://[fec0::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[64:ff9b::a00:1]/x",
        # nobody's
        "https://224.0.0.1/x",
        "https://255.255.255.255/x",
        "https://240.0.0.1/x",
        "https://192.0.2.1/x",
        "https://[ff02::1]/x",
        "https://[2001:db8::1]/x",
        "https://[3fff::1]/x",
        "https://192.0.0.192/latest/meta-data",
        "https://192.0.0.9/x",
        "https://192.88.99.1/x",
        "https://198.18.0.1/x",
        "https://[2001::1]/x",
        "https://[2002:808:808::1]/x",
        "https://[5f00::1]/x",
        "https://[64:ff9b:1::808:808]/x",
        # no such addresses
        "",
        "x",
        "https://",
        "https:///x",
        "//8.8.8.8/x",
        "http://8.8.8.8/x",
        "ftp://8.8.8.8/x",
        "HTTPS:8.8.8.8",
        "file:///etc/passwd",
        "https://8.8.8.8:80/x",
        "https://8.8.8.8:22/x",
        "https://8.8.8.8:0/x",
        "https://8.8.8.8:99999/x",
        "https://8.8.8.8:x/x",
        "https://user@8.8.8.8/x",
        "https://8.8.8.8@127.0.0.1/x",
        "https://8.8.8.8\\@127.0.0.1/x",
        "https://127.0.0.1#@8.8.8.8/x",
        "https://[::1/x",
        "https://[8.8.8.8]x/",
        "https://8.8.8.8/a b",
        "https://8.8.8.8/a\r\nHost: 127.0.0.1",
        "https://8.8.8.8/\x00",
        "https://１２７.０.０.１/x",
        "https://ⓛocalhost/x",
        "https://a..b/x",
        f"https://{'a' * 64}.example/x",
        "https://8.8.8.8/" + "x" * ENDPOINT_LENGTH,
    ],
)
def test_no_way_leads_to_a_machine_of_ours(endpoint):
    with pytest.raises(EndpointRefused):
        PushRoute().check(endpoint)
    with pytest.raises(EndpointRefused):
        PushRoute().post(endpoint, b"", {})


@pytest.mark.parametrize("endpoint", ["https://8.8.8.8/x", "https://8.8.8.8:443/x?y=z", "https://[2606:4700:4700::1111]/x"])
def test_a_way_leads_to_the_internet(endpoint):
    PushRoute().check(endpoint)


@pytest.fixture
def names(monkeypatch):
    """What the resolver says."""
    known: dict[str, list[str]] = {}

    def getaddrinfo(host, port, *_args, **_options):
        if host not in known:
            raise socket.gaierror("Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def test_a_name_that_is_public_and_private_at_once_is_refused(names):
    names["push.example"] = ["8.8.8.8", "127.0.0.1"]
    with pytest.raises(EndpointRefused):
        PushRoute().check("https://push.example/x")


def test_a_name_that_means_this_machine_by_now_is_not_sent_to(names):
    names["push.example"] = ["8.8.8.8"]
    PushRoute().check("https://push.example/x")
    names["push.example"] = ["127.0.0.1"]
    with pytest.raises(EndpointRefused):
        PushRoute().post("https://push.example/x", b"", {})


def test_a_name_that_nobody_knows_is_told_from_a_refused_one(names):
    with pytest.raises(OSError, match="not known"):
        PushRoute().check("https://push.example/x")
    assert PushRoute().post("https://push.example/x", b"", {}).status == 0
