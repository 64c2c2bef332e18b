"""What waits for the desk."""

import numpy as np

from agent.desk.lateness import MAX_QUEUED_FRAMES
from agent.desk.seat import Queue
from agent.voice.frames import FRAME


def frame(number):
    return np.full(FRAME, number, np.int16)


def test_a_frame_that_was_taken_stays_whole_while_others_come():
    queue = Queue(channels=1)
    for number in range(MAX_QUEUED_FRAMES):
        queue.put(frame(number), 0.0)
    taken = queue.take(0.0)
    for number in range(MAX_QUEUED_FRAMES):
        queue.put(frame(100 + number), 0.0)
    assert np.array_equal(taken, frame(0))


def test_the_oldest_are_given_up_and_counted():
    queue = Queue(channels=1)
    for number in range(MAX_QUEUED_FRAMES + 3):
        queue.put(frame(number), number * 0.010)
    assert queue.lost == 3
    assert [int(queue.take(1.0)[0]) for _ in range(queue.length)] == list(range(3, MAX_QUEUED_FRAMES + 3))


def test_how_long_a_frame_has_waited_is_told():
    queue = Queue(channels=2)
    queue.put(np.zeros((FRAME, 2), np.int16), 5.0)
    queue.take(5.030)
    assert abs(queue.late_s - 0.030) < 1e-9
