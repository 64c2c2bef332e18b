"""Whom the SDK's events reach: the loop that they concern, or all when that is not known."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from livekit.rtc._proto import ffi_pb2

from agent.live.sdk_events import MAX_UNANSWERED, EventRouter


class Loop:
    """An event loop in a thread, with a subscriber to everything."""

    def __init__(self, router):
        self.events = []
        self.loop = asyncio.new_event_loop()
        self.queue = router.subscribe(self.loop)

    def asked(self, router, response):
        async def ask():
            router.asked(response)

        self.loop.run_until_complete(ask())

    def heard(self):
        async def drain():
            await asyncio.sleep(0)
            while not self.queue.empty():
                self.events.append(self.queue.get_nowait())

        self.loop.run_until_complete(drain())
        return len(self.events)


@pytest.fixture
def router():
    return EventRouter()


@pytest.fixture
def loops(router):
    made = [Loop(router), Loop(router)]
    yield made
    for each in made:
        each.loop.close()


def response(number):
    made = ffi_pb2.FfiResponse()
    made.get_stats.async_id = number
    return made


def answer(number):
    event = ffi_pb2.FfiEvent()
    event.get_stats.async_id = number
    return event


def heard(loops):
    with ThreadPoolExecutor() as elsewhere:  # the test's own thread has a loop that runs
        return [elsewhere.submit(each.heard).result() for each in loops]


def test_an_answer_reaches_the_loop_that_asked_and_no_other(router, loops):
    loops[1].asked(router, response(7))
    router.put(answer(7))
    assert heard(loops) == [0, 1]


def test_what_nobody_asked_for_reaches_all(router, loops):
    router.put(answer(7))
    assert heard(loops) == [1, 1]


def test_a_rooms_events_and_calls_reach_the_loop_that_joined_it_until_it_ends(router, loops):
    joining = ffi_pb2.FfiResponse()
    joining.connect.async_id = 1
    loops[0].asked(router, joining)
    joined = ffi_pb2.FfiEvent()
    joined.connect.async_id = 1
    joined.connect.result.room.handle.id = 50
    joined.connect.result.local_participant.handle.id = 51
    router.put(joined)
    news = ffi_pb2.FfiEvent()
    news.room_event.room_handle = 50
    news.room_event.reconnecting.SetInParent()
    router.put(news)
    call = ffi_pb2.FfiEvent()
    call.rpc_method_invocation.local_participant_handle = 51
    router.put(call)
    assert heard(loops) == [3, 0]
    end = ffi_pb2.FfiEvent()
    end.room_event.room_handle = 50
    end.room_event.eos.SetInParent()
    router.put(end)
    assert heard(loops) == [4, 0]
    router.put(news)
    assert heard(loops) == [5, 1]


def test_frames_reach_their_taker_and_no_loop(router, loops):
    taken = []
    router.frame_takers[9] = taken.append
    frame = ffi_pb2.FfiEvent()
    frame.audio_stream_event.stream_handle = 9
    router.put(frame)
    assert len(taken) == 1
    assert heard(loops) == [0, 0]


def test_requests_that_are_never_answered_are_forgotten(router, loops):
    for number in range(1, MAX_UNANSWERED + 11):
        loops[0].asked(router, response(number))
    assert len(router._loops_by_request) == MAX_UNANSWERED


def test_a_loop_that_is_gone_is_no_trouble(router, loops):
    loops[1].asked(router, response(7))
    loops[1].loop.close()
    router.put(answer(7))
    assert loops[0].heard() == 0
