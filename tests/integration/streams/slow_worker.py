"""A worker of livekit-agents that takes a dispatch at once and comes ten seconds later, as on a machine that is very busy."""

import asyncio
import logging

from livekit.agents import AgentServer, JobContext

from contract import messages

ARRIVES_AFTER_S = 10.0
server = AgentServer(num_idle_processes=1, load_fnc=lambda _: 0.0, load_threshold=float("inf"), port=0, host="127.0.0.1")


@server.rtc_session(agent_name=messages.AGENT_NAME)
async def come_late(ctx: JobContext) -> None:
    await asyncio.sleep(ARRIVES_AFTER_S)
    await ctx.connect()


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(server.run())
