"""Friends outside, as README.md says how: https through Caddy, sound to the machine's own address, and the ways that are left to
sound where UDP is stopped."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from launcher.run.processes import wait_until
from launcher.settings import ROOT, Settings
from tests.e2e.people import make_admin
from tests.free_ports import some_free_block
from tests.instance import Instance, started
from tests.webapp.support.post_office import certificate

AIR, SOUND = "127.0.0.1", "127.0.0.2"
"""Two addresses in place of two names that point to the machine."""
RELAY = "relay.test"
HTTPS = 443
"""livekit-server tells this port to browsers, whatever it listens on itself."""
FOR_TESTS = """{{
    admin off
    {options}
    http_port {http}
    https_port {https}
    local_certs
    skip_install_trust
    storage file_system {folder}
}}
"""


@pytest.fixture(scope="module")
def outside(tmp_path_factory) -> Iterator[str]:
    """Starts a Stillair behind Caddy and returns its address. It has a relay if the tests may listen on port 443."""
    folder = tmp_path_factory.mktemp("outside")
    own = Settings.of(data=folder, host="0.0.0.0", port=None, environment={}).node_ip
    assert own != "127.0.0.1", "This machine has no network, and sound over TCP is for others."
    http, https = (first := some_free_block()), first + 1
    settings = relay(certificate(folder)) if may_relay() else {}
    settings |= {
        "STILLAIR_NODE_IP": own,
        "STILLAIR_TRUSTED_PROXIES": "1",
        "STILLAIR_PUBLIC_URL": f"https://{AIR}:{https}",
        "STILLAIR_REGISTRATION": "open",
        "STILLAIR_AUDIO_URL": f"wss://{SOUND}:{https}",
    }
    with started(folder / "data", **settings) as instance:
        options, sites = caddyfile(instance, https)
        (folder / "Caddyfile").write_text(FOR_TESTS.format(http=http, https=https, folder=folder, options=options) + sites)
        with caddy(folder / "Caddyfile"):
            assert wait_until(lambda: answers(https), 20), "Caddy does not answer"
            make_admin(instance.settings.public_url, instance.set_up_token)
            yield instance.settings.public_url


def caddyfile(instance: Instance, https: int) -> tuple[str, str]:
    """Returns the Caddyfile of README.md with the addresses of this test: its options for all sites, and the sites."""
    [told] = re.findall(r"its whole configuration is\n\n((?: {4}.*\n)+)", (ROOT / "README.md").read_text())
    ports = instance.settings.ports
    for there, here in (
        (":8000", f":{ports.web}"),
        (":8001", f":{ports.audio_server}"),
        ("air.example.org", f"https://{AIR}:{https}"),
        ("sound.example.org", f"https://{SOUND}:{https}"),
    ):
        assert told.count(there) == 1
        told = told.replace(there, here)
    [(options, sites)] = re.findall(r"\A {4}\{\n(.*?)^ {4}\}\n(.*)", told, re.MULTILINE | re.DOTALL)
    return options, sites


@contextmanager
def caddy(path):
    program = shutil.which("caddy")
    assert program, "This test needs caddy: ./stillair test fetches it, or says how to get it."
    process = subprocess.Popen([program, "run", "--config", str(path), "--adapter", "caddyfile"], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection((SOUND, port), timeout=1).close()
    except OSError:
        return False
    return True


def may_relay() -> bool:
    try:
        socket.create_server((AIR, HTTPS)).close()
    except OSError:
        return False
    return True


def relay(pem) -> dict[str, str]:
    return {
        "LIVEKIT_TURN_ENABLED": "true",
        "LIVEKIT_TURN_DOMAIN": RELAY,
        "LIVEKIT_TURN_TLS_PORT": str(HTTPS),
        "LIVEKIT_TURN_BIND_ADDRESSES": AIR,
        "LIVEKIT_TURN_CERT_FILE": str(pem),
        "LIVEKIT_TURN_KEY_FILE": str(pem),
    }


@pytest.fixture(scope="module", params=["UDP", "no UDP"])
def away(request, chromium):
    """Starts a browser in a network that blocks nothing, or UDP."""
    stopped = ["--webrtc-ip-handling-policy=disable_non_proxied_udp"] if request.param == "no UDP" else []
    with chromium.launch(
        *stopped,
        "--autoplay-policy=no-user-gesture-required",
        f"--host-resolver-rules=MAP {RELAY} {AIR}",
        "--ignore-certificate-errors",
    ) as browser:
        yield browser


@pytest.fixture
def udp_passes(request) -> bool:
    return request.node.callspec.params["away"] == "UDP"


def test_they_are_heard_and_hear(outside, arrive, away):
    alice, bob = (arrive(name, url=outside, browser=away, ignore_https_errors=True).register() for name in ("alice", "bob"))
    alice.befriend(bob)
    own = [cookie for cookie in bob.context.cookies() if cookie["name"].startswith("__Host-")]
    assert [(cookie["secure"], cookie["httpOnly"]) for cookie in own] == [(True, True)] * 2  # the session, and the known browser
    bob.open("/")
    alice.go_live()
    listen = bob.page.get_by_role("main").get_by_role("link", name=f"Listen to {alice.username}")
    expect(listen).to_be_visible(timeout=2000)
    listen.click()
    bob.hears_speech(within_s=10)


def test_the_check_says_which_ways_are_open(outside, arrive, away, udp_passes):
    alice = arrive("alice", url=outside, browser=away, ignore_https_errors=True).register()
    found = alice.check_set_up()
    if udp_passes:
        assert found["Sound over UDP"] == "Works. The best path for sound is open."
    else:
        assert found["Sound over UDP"].startswith("Problem. Something blocks it, so sound takes a slower path and may stutter.")
    assert found["Sound over TCP"] == "Works. The second-best path for sound is open."
    assert found["Sound there and back"].startswith("Works.")
    if "LIVEKIT_TURN_ENABLED" not in os.environ:
        pytest.skip("The relay needs port 443, on which only root may listen here; all else was checked.")
    assert found["Relay (TURN)"] == "Works. The relay answers."


def status_of(url: str, method: str = "GET") -> int:
    request = urllib.request.Request(url, b"" if method == "POST" else None, method=method)
    try:
        with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_nothing_of_the_audio_server_is_open_but_what_browsers_need(outside):
    sound = outside.replace(AIR, SOUND)
    assert status_of(f"{sound}/rtc/validate") == 401, "The audio server itself answers, and wants a token."
    shut = ["/", "/twirp/livekit.RoomService/ListRooms", "/agent", "/whip/v1", "/whep", "/debug/pprof/", "/metrics", "/rtcx"]
    assert {path: status_of(sound + path, "POST") for path in shut} == dict.fromkeys(shut, 404)


def test_who_sends_a_request_byte_by_byte_is_cut_off(outside):
    port = int(outside.rpartition(":")[2])
    context = ssl._create_unverified_context()
    with context.wrap_socket(socket.create_connection((AIR, port), timeout=20), server_hostname=AIR) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert slow.recv(1) == b""
