"""What a desk that is too slow gives up, and in which order, with lateness made of numbers."""

import pytest

from agent.desk.load_shedder import FULL, FULL_FOR_TICKS, FULL_TICKS, SHED_TICKS, SHEDDING, WELL, LoadShedder

LATE, GOOD = 0.03, 0.0


class Seat:
    is_open = True


class Desk:
    """As many voices, which it cleans or not."""

    def __init__(self, voices):
        self.shedder = LoadShedder()
        self.seats = [Seat() for _ in range(voices)]
        self.given_up = []

    def ticks(self, behind_s, count):
        for _ in range(count):
            for seat, on in self.shedder.after(behind_s, self.seats):
                (self.given_up.append if on else self.given_up.remove)(seat)

    def until_cleaned(self):
        """Ticks until one more voice is cleaned again."""
        given_up, count = len(self.given_up), 0
        while len(self.given_up) == given_up:
            self.ticks(GOOD, 1)
            count += 1
        return count


def test_stalls_that_are_caught_up_are_no_overload():
    desk = Desk(4)
    for _ in range(50):
        desk.ticks(0.100, FULL_TICKS - 1)
        desk.ticks(GOOD, 1)
    assert desk.given_up == []
    assert desk.shedder.stage == WELL


def test_new_ones_are_refused_before_anybody_is_given_up():
    desk = Desk(4)
    desk.ticks(LATE, FULL_TICKS)
    assert desk.shedder.stage == FULL
    assert desk.given_up == []
    desk.ticks(GOOD, FULL_FOR_TICKS)
    assert desk.shedder.stage == WELL


def test_the_newest_are_given_up_a_quarter_at_a_time_and_come_back_one_by_one_the_oldest_first():
    desk = Desk(8)
    desk.ticks(LATE, SHED_TICKS)
    assert desk.given_up == [desk.seats[7], desk.seats[6]]
    assert desk.shedder.stage == SHEDDING
    desk.ticks(LATE, 3 * SHED_TICKS)
    assert set(desk.given_up) == set(desk.seats)
    desk.until_cleaned()
    assert set(desk.given_up) == set(desk.seats[1:])
    while desk.given_up:
        desk.until_cleaned()
    assert desk.shedder.stage == FULL


def test_lateness_starts_the_wait_again():
    desk = Desk(1)
    desk.ticks(LATE, SHED_TICKS)
    desk.ticks(GOOD, 400)
    desk.ticks(LATE, 1)
    assert desk.until_cleaned() == 500


def test_each_try_in_vain_doubles_the_wait_up_to_a_minute():
    desk, rests = Desk(1), []
    for _ in range(6):
        desk.ticks(LATE, SHED_TICKS)
        rests.append(desk.until_cleaned())
    assert rests == [500, 1_000, 2_000, 4_000, 6_000, 6_000]


def test_a_minute_that_went_well_is_remembered():
    desk = Desk(1)
    for _ in range(3):
        desk.ticks(LATE, SHED_TICKS)
        desk.until_cleaned()
    desk.ticks(GOOD, 6_000)
    desk.ticks(LATE, SHED_TICKS)
    assert desk.until_cleaned() == 500


@pytest.mark.parametrize("voices", [0, 3])
def test_who_has_left_is_not_remembered(voices):
    desk = Desk(4)
    desk.ticks(LATE, SHED_TICKS)
    desk.given_up[0].is_open = False
    desk.seats = [Seat() for _ in range(voices)]
    desk.given_up.clear()
    desk.ticks(GOOD, FULL_FOR_TICKS)
    assert desk.shedder.stage == WELL
