"""The peer in `benchmarks.capacity`: jobs that hand the microphone on as it is, as the SDK's examples do, and nothing else: no
noise removal, no recording, no meter. What they cost is LiveKit's share of a stream.

`python -m benchmarks.pass_through process` gives each job a process, `... thread` a thread of one process.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from livekit import rtc
from livekit.agents import AgentServer, AutoSubscribe, JobContext, JobExecutorType, JobRequest

from agent import log
from agent.config import AgentConfig
from agent.live.stage import CLEAN_TRACK, publish_options, stage_token
from contract.messages import AGENT_NAME, ATTRIBUTE_STATE, QUALITIES, USUAL_QUALITY, StudioMetadata
from contract.recording import SAMPLE_RATE


async def run_broadcast(ctx: JobContext, *, config: AgentConfig) -> None:
    source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=0)
    stage = rtc.Room()
    tasks: set[asyncio.Task[None]] = set()

    async def hand_on(track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1):
            await source.capture_frame(event.frame)

    ctx.room.on("track_published", lambda publication, _participant: publication.set_subscribed(True))
    ctx.room.on("track_subscribed", lambda track, *_: tasks.add(asyncio.create_task(hand_on(track))))
    await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
    for participant in ctx.room.remote_participants.values():
        for publication in participant.track_publications.values():
            publication.set_subscribed(True)
    room = StudioMetadata.from_json(ctx.room.metadata).stage
    await stage.connect(config.url, stage_token(config.api_key, config.api_secret, room), rtc.RoomOptions(auto_subscribe=False))
    await stage.local_participant.publish_track(
        rtc.LocalAudioTrack.create_audio_track(CLEAN_TRACK, source),
        publish_options(rtc.TrackSource.SOURCE_MICROPHONE, QUALITIES[USUAL_QUALITY]),
    )
    await ctx.room.local_participant.set_attributes({ATTRIBUTE_STATE: "cleaning"})

    async def close(_reason: str) -> None:
        await stage.disconnect()

    ctx.add_shutdown_callback(close)


async def accept(request: JobRequest) -> None:
    await request.accept(identity=AGENT_NAME, name=AGENT_NAME)


def main(executor: str) -> None:
    log.configure()
    config = AgentConfig.from_environment()
    server = AgentServer(
        ws_url=config.url,
        api_key=config.api_key,
        api_secret=config.api_secret,
        host="127.0.0.1",
        port=0,
        job_executor_type=JobExecutorType(executor),
        load_fnc=lambda: 0.0,
        load_threshold=float("inf"),
        num_idle_processes=1,
    )
    server.rtc_session(partial(run_broadcast, config=config), agent_name=AGENT_NAME, on_request=accept)
    asyncio.run(server.run())


if __name__ == "__main__":
    main(sys.argv[1])
