"""`publish` and `listen` against a whole Stillair: a file goes on air, a friend writes down what is heard."""

import asyncio
import json
import os
import secrets
import signal
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import soundfile
import soxr

from agent.cli.web_client import Login, account
from tests.agent.denoise.mixes import RATE, Mix, fan
from tests.free_ports import some_free_block
from tests.integration.page import Page, make_friends

PASSWORD = "a sentence that nobody guesses"
MIX = Mix("austen-0890", fan, 10)


@dataclass
class Friends:
    alice: str
    bob: str


@pytest.fixture
async def friends(instance):
    name = secrets.token_hex(3)
    people = Friends(f"alice{name}", f"bob{name}")
    await make_friends(instance.url, people.alice, people.bob, password=PASSWORD)
    return people


async def agent(*arguments, password=PASSWORD, token=""):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agent",
        *map(str, arguments),
        env=os.environ | {"STILLAIR_PASSWORD": password, "STILLAIR_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # Ctrl-C works, in tests in the background, too
    )


async def said(process):
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, out.decode(), err.decode()


def voiced(sound):
    """Removes what Opus takes away from voices, too: everything below 200 Hz."""
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / RATE) < 200] = 0
    return np.fft.irfft(spectrum, len(sound))


def alike(part, whole):
    """Returns the largest normalised correlation of `part` with any place of `whole`."""
    size = 2 ** int(np.ceil(np.log2(len(part) + len(whole))))
    places = len(whole) - len(part) + 1
    products = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)[:places]
    energy = np.cumsum(np.concatenate([[0], whole**2]))
    return float(np.max(products / np.sqrt((energy[len(part) :] - energy[:places] + 1e-9) * np.sum(part**2))))


async def test_a_file_goes_on_air_and_a_friend_writes_it_down_without_the_noise_and_no_log_names_them(
    instance, friends, tmp_path
):
    soundfile.write(tmp_path / "noisy.wav", soxr.resample(np.stack([MIX.noisy] * 2, axis=1), RATE, 44_100), 44_100)
    async with Page(instance.url) as alice:
        await alice.ask("POST", "/api/login", username=friends.alice, password=PASSWORD)
        token = await alice.make_token("stream")
    listening = await agent(
        "listen",
        friends.alice,
        "--as",
        friends.bob,
        "-o",
        tmp_path / "heard.flac",
        "--url",
        instance.url,
        "--wait",
        60,
        "--json",
    )
    publishing = await agent("publish", tmp_path / "noisy.wav", "--url", instance.url, "--json", token=token)
    (published, told, trouble), (listened, heard, trouble_too) = await asyncio.gather(said(publishing), said(listening))
    assert (published, listened) == (0, 0), trouble + trouble_too
    assert json.loads(told)["seconds"] == pytest.approx(len(MIX.clean) / RATE + 0.5, abs=0.02)
    sound, rate = soundfile.read(tmp_path / "heard.flac", dtype="float32")
    assert rate == RATE
    assert json.loads(heard)["seconds"] == pytest.approx(len(sound) / rate)
    # The friend may come a moment late, and the jitter buffer stretches sound here and there: part by part it is the voice.
    parts = voiced(MIX.clean)[-3 * RATE :].reshape(-1, RATE // 10)
    assert np.median([alike(part, voiced(sound)) for part in parts if np.std(part) > 0.02]) > 0.8
    async with Page(instance.url) as alice:
        await alice.ask("POST", "/api/login", username=friends.alice, password=PASSWORD)
        [recording] = (await alice.ask("GET", f"/api/recordings/{friends.alice}"))["recordings"]
    assert recording["title"] == "noisy"
    logs = {path.name: path.read_text(errors="replace") for path in instance.settings.log.iterdir()}
    assert logs.keys() >= {"audio-server.log", "web.log", "reconciler.log", "noise-remover.log"}
    private = (friends.alice, friends.bob, PASSWORD, token)
    assert [(name, word) for name, text in logs.items() for word in private if word in text] == []


async def test_so_many_seconds_are_enough(instance, friends, tmp_path):
    soundfile.write(tmp_path / "long.wav", np.tile(MIX.noisy, 5), RATE)
    publishing = await agent("publish", tmp_path / "long.wav", "--as", friends.alice, "--url", instance.url, "--title", "Long")
    listening = await agent(
        "listen",
        friends.alice,
        "--as",
        friends.bob,
        "-o",
        tmp_path / "part.wav",
        "--url",
        instance.url,
        "--wait",
        60,
        "--seconds",
        2,
    )
    code, told, trouble = await said(listening)
    assert code == 0, trouble
    assert "2.0 s" in told
    assert soundfile.info(tmp_path / "part.wav").duration == pytest.approx(2, abs=0.02)
    publishing.send_signal(signal.SIGINT)
    code, _, trouble = await said(publishing)
    assert code == 1
    assert "Stopped" in trouble
    async with account(instance.url, Login(username=friends.bob, password=PASSWORD)) as bob:
        assert await bob.listen(friends.alice) is None  # Ctrl-C has ended the stream


async def test_what_cannot_be_done_is_said_in_a_line(instance, friends, tmp_path):
    soundfile.write(tmp_path / "good.wav", MIX.noisy[:RATE], RATE)
    (tmp_path / "bad.wav").write_text("no sound")
    nobody = f"http://127.0.0.1:{some_free_block()}"
    url = ("--url", instance.url)
    cases = [
        (("publish", tmp_path / "good.wav", "--as", friends.alice, *url), "wrong", "The user name or password is wrong."),
        (("publish", tmp_path / "good.wav", "--token", "stillair_x", *url), "", "This access token is unknown"),
        (("publish", tmp_path / "good.wav", "--as", friends.alice, "--url", nobody), PASSWORD, f"{nobody} cannot be reached"),
        (("publish", tmp_path / "bad.wav", "--as", friends.alice, *url), PASSWORD, "bad.wav: it cannot be read as sound"),
        (("publish", tmp_path / "nowhere.wav", "--as", friends.alice, *url), PASSWORD, "nowhere.wav: there is no such file"),
        (("listen", friends.alice, "--as", friends.bob, "-o", tmp_path / "x.wav", *url), PASSWORD, "not live, or not a friend"),
    ]
    processes = [await agent(*arguments, password=password) for arguments, password, _ in cases]
    for process, (_, _, expected) in zip(processes, cases, strict=True):
        code, _, trouble = await said(process)
        assert code == 1
        assert expected in trouble
        assert "Traceback" not in trouble
