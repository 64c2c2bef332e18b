"""Many log-ins at once, each of which costs 19 MiB and a share of a core: the voice that is on air comes first."""

import asyncio
import json
import secrets

import numpy as np
import pytest
import soundfile

from launcher.run.processes import wait_until
from tests.agent.denoise.mixes import RATE
from tests.integration.page import Page, make_friends
from tests.integration.test_command_line import MIX, PASSWORD, agent, said

LOG_INS = 20


async def log_in(url, name):
    async with Page(url) as page:
        await page.ask("POST", "/api/login", username=name, password=PASSWORD)


@pytest.mark.alone
async def test_twenty_log_ins_at_once_make_no_frame_late(instance, tmp_path):
    alice = f"alice{secrets.token_hex(3)}"
    await make_friends(instance.url, alice, password=PASSWORD)
    soundfile.write(tmp_path / "talk.wav", np.tile(MIX.noisy, 4), RATE)
    publishing = await agent("publish", tmp_path / "talk.wav", "--as", alice, "--url", instance.url)

    def mine():
        paths = (instance.data / "recordings").glob("*.json")
        return [path for path in paths if json.loads(path.read_text()).get("owner") == alice]

    assert await asyncio.to_thread(wait_until, mine, 60), "it is not on air"
    before = instance.log("noise-remover").count('"Late"')
    for _ in range(3):
        await asyncio.gather(*(log_in(instance.url, alice) for _ in range(LOG_INS)))
    assert publishing.returncode is None, "it was not on air all the while"
    code, _, trouble = await said(publishing)
    assert code == 0, trouble
    [sidecar] = mine()
    assert await asyncio.to_thread(wait_until, lambda: json.loads(sidecar.read_text())["state"] == "closed", 20)
    found = json.loads(sidecar.read_text())
    assert (found["gaps"], found["paused"]) == ([], [])
    assert instance.log("noise-remover").count('"Late"') == before
