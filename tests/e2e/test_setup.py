"""Check my set-up: each line tells what is so, from a healthy instance to one that cannot be heard."""

import json
import os
import re
import signal
import urllib.request

from playwright.sync_api import expect

from launcher.run.processes import wait_until
from tests.e2e.looks import look

LINES = [
    "Browser",
    "Secure page",
    "Microphone",
    "Audio server",
    "Sound over UDP",
    "Sound over TCP",
    "Relay (TURN)",
    "Sound there and back",
    "Noise remover",
    "Recording",
]


def all_places_are_free(instance) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{instance.settings.ports.agent_health}/") as answer:
        return json.load(answer)["taken"] == 0


def test_all_is_well_and_the_report_says_so(instance, join):
    assert wait_until(lambda: all_places_are_free(instance), 90)  # streams of other tests may be in their grace
    alice = join("alice", viewport={"width": 1280, "height": 900})
    alice.open("/live")
    alice.open("/settings/")
    alice.page.get_by_role("link", name="Check my set-up").click()
    problems = look(alice.page, "setup-before")
    found = alice.check_set_up()
    assert list(found) == LINES
    well = {line for line, words in found.items() if words.startswith("Works.")}
    assert well == set(LINES) - {"Sound over TCP", "Relay (TURN)"}, found  # neither is offered to this machine alone
    assert "9 of 9 slots are free" in found["Noise remover"]
    expect(alice.page.get_by_text("Everything works: you can stream and listen.").first).to_be_visible()
    problems += look(alice.page, "setup-well")
    with alice.page.expect_download() as download:
        alice.page.get_by_role("button", name="Download the report").click()
    report = download.value.path().read_text()
    assert download.value.suggested_filename == "stillair-check.txt"
    for line in LINES:
        assert f"\n{line}" in report
    assert alice.username not in report
    assert re.findall(r"eyJ|\d+\.\d+\.\d+\.\d+(?!:\d+\n)", re.sub(r"Chrome/[\d.]+", "", report)) == []
    assert not problems, "\n".join(problems)


def test_what_is_missing_is_named_line_by_line(instance, join):
    alice = join("alice", viewport={"width": 1280, "height": 900})
    alice.context.clear_permissions()
    audio_server = instance.pid("audio-server")
    os.kill(audio_server, signal.SIGSTOP)
    try:
        found = alice.check_set_up()
    finally:
        os.kill(audio_server, signal.SIGCONT)
    assert found["Microphone"].startswith("Problem. It is blocked for this site.")
    assert found["Audio server"].startswith("Problem. It is not running, or this server cannot reach it.")
    assert found["Sound over UDP"] == "Not checked. This needs the audio server."
    assert found["Browser"].startswith("Works.")
    problems = look(alice.page, "setup-trouble")
    instance.wait_until_healthy()
    alice.context.grant_permissions(["microphone"], origin=instance.url)
    alice.page.get_by_role("button", name="Check again").click()
    expect(alice.page.get_by_text("Everything works: you can stream and listen.").first).to_be_visible(timeout=60_000)
    assert not problems, "\n".join(problems)
