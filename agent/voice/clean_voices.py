"""Voices on their way through the noise remover, and what is heard while one cannot be cleaned: its original, delayed by the same
time, or silence.

All voices are rows of arrays, and one batch of the engine cleans all that have a frame. Knows nothing of LiveKit, files, threads
or clocks; frames go in, as many frames come out, always.
"""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.voice.frames import FRAME, Fade, Float32, Int16, to_float, to_int16
from agent.voice.meters import NOISE_FRAMES, Decibels, levels_db, powers, removed_db

logger = logging.getLogger(__name__)

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

FADE_S = 0.020
WARM_UP_FRAMES = 50
"""Frames that a new denoising stream gets before it is heard: its normalisation and its memory start from nothing."""

MIN_REST_FRAMES = 100
MAX_REST_FRAMES = 3_000

OVERLOAD = "overload"
FAILURE = "noise remover failed"
CHOSEN = "original sound chosen"
SILENCED = "silence instead"

_WORKS, _OVERLOADED, _FAILED = range(3)
_TROUBLES = {_OVERLOADED: OVERLOAD, _FAILED: FAILURE}


class EngineLike(Protocol):
    """Declares what this module needs of agent.denoise.Engine."""

    @property
    def delay_hops(self) -> int: ...

    def join(self) -> int: ...

    def leave(self, row: int) -> object: ...

    def reset(self, row: int) -> None: ...

    def set_strength(self, row: int, strength_db: float, *, at_once: bool = False) -> None: ...

    def step(self, hops: Float32) -> Float32: ...

    def step_some(self, rows: Rows, hops: Float32) -> Float32: ...


class CleanVoices:
    """Cleans frames of many voices. A voice fades to its delay-matched original while it must not be cleaned (bypass, overload)
    or the model fails; a model that failed is tried again after 1 s, then 2 s, up to 30 s. Not thread-safe."""

    channels = 1

    def __init__(self, engine: EngineLike) -> None:
        """`engine`: without voices, and of these voices alone."""
        self._engine = engine
        # For every frame that goes in one comes out, so the last frame of the latency is the one that is being filled.
        self._delay = engine.delay_hops
        self.latency_samples = (self._delay + 1) * FRAME
        self._fade = Fade(FADE_S)
        self._table = np.zeros(0, _record(self._delay))

    def __len__(self) -> int:
        return len(self._table)

    def join(self, *, strength_db: float, never_original: bool = False) -> int:
        """Adds a voice and returns its row, the last one. `never_original`: silence instead, unless the original was chosen."""
        row = self._engine.join()
        self._engine.set_strength(row, strength_db, at_once=True)
        voice = np.zeros(1, self._table.dtype)
        voice["strength_db"] = strength_db
        voice["never_original"] = never_original
        voice["running"] = True
        voice["leading"] = self._delay
        voice["next_rest"] = MIN_REST_FRAMES
        voice["share"] = 1
        voice["opening"] = not never_original
        self._table = np.concatenate([self._table, voice])
        return row

    def leave(self, row: int) -> None:
        """Takes a voice out; the rows after it move up by one."""
        self._engine.leave(row)
        self._table = np.delete(self._table, row)

    def set_strength(self, row: int, strength_db: float) -> None:
        """Lowers noise by this many dB at most, from 0 to 100 (no limit)."""
        self._table["strength_db"][row] = strength_db
        self._engine.set_strength(row, strength_db)

    def set_bypass(self, row: int, on: bool) -> None:
        """Lets the original be heard, or ends that."""
        self._set(row, "bypass", on)

    def set_overloaded(self, row: int, on: bool) -> None:
        """Stops cleaning this voice to save the work, or begins again."""
        self._set(row, "overloaded", on)

    def _set(self, row: int, flag: str, on: bool) -> None:
        self._table[flag][row] = on
        self._table["calm"][row] = False

    # --- what it is like now

    def paused(self, row: int) -> str | None:
        """Says why the voice is not cleaned, as a text for people; None while it is."""
        trouble = _TROUBLES.get(int(self._table["trouble"][row]))
        if trouble is not None:
            return f"{trouble}, {SILENCED}" if self.silenced(row) else trouble
        return CHOSEN if self._table["bypass"][row] else None

    def silenced(self, row: int) -> bool:
        """Whether silence is heard, because the voice cannot be cleaned and the original must not be heard."""
        voice = self._table[row]
        return bool(voice["trouble"] and voice["never_original"] and not voice["bypass"])

    def are_calm(self, rows: Rows) -> bool:
        """Whether all these voices are cleaned, have no trouble, and move no fade."""
        return bool(self._table["calm"][rows].all())

    def read_meters(self, rows: Rows) -> tuple[Decibels, Decibels]:
        """Returns the levels of what came in since the last reading, in dBFS, and how much of the noise was removed in the last
        3 s, in dB."""
        table = self._table
        levels = levels_db(table["level"][rows] / np.maximum(table["level_frames"][rows], 1))
        table["level"][rows], table["level_frames"][rows] = 0, 0
        return levels, removed_db(table["before"][rows], table["after"][rows], table["frames"][rows])

    def silent_frames(self, rows: Rows) -> NDArray[np.int32]:
        """Returns how many frames of digital silence came in, up to the newest."""
        silent: NDArray[np.int32] = self._table["silent"][rows]
        return silent

    # --- a frame

    def process(self, rows: Rows, frames: Int16) -> tuple[Int16, Int16]:
        """Takes a frame of each of these voices, [rows, FRAME]. Returns the frames to be heard, and the originals of the same
        moments."""
        originals = self._delayed(rows, frames)
        inputs, original = to_float(frames), to_float(originals)
        calm = self.are_calm(rows)
        if not calm:
            for row in rows:
                self._prepare(int(row))
        clean, cleaned = self._clean(rows, inputs)
        if calm and cleaned.all():
            heard = clean
            self._table["offset"][rows] = clean[:, -1] - original[:, -1] * self._table["opening"][rows]
        else:
            heard = self._mixed(rows, original, clean, cleaned)
        self._measure(rows, frames, inputs, original, heard)
        return to_int16(heard), originals

    def _delayed(self, rows: Rows, frames: Int16) -> Int16:
        at = self._table["frames"][rows] % self._delay
        line = self._table["line"]
        originals: Int16 = line[rows, at]
        line[rows, at] = frames
        return originals

    def _prepare(self, row: int) -> None:
        """Decides whether a voice that is in trouble, or was, is cleaned in this frame."""
        voice = self._table[row]
        if voice["overloaded"]:
            voice["trouble"] = _OVERLOADED
            if voice["share"] == 0:
                voice["running"] = False
        elif not voice["running"]:
            voice["rest"] -= 1
            if voice["rest"] <= 0:
                self._begin(row)

    def _begin(self, row: int) -> None:
        voice = self._table[row]
        try:
            self._engine.reset(row)
            self._engine.set_strength(row, float(voice["strength_db"]), at_once=True)
        except Exception:
            self._failed(row)
            return
        voice["running"], voice["warm_up"], voice["leading"] = True, WARM_UP_FRAMES, self._delay

    def _clean(self, rows: Rows, inputs: Float32) -> tuple[Float32, Flags]:
        """Returns the cleaned frames that belong to the present originals, and which of them there are."""
        running: Flags = self._table["running"][rows]
        clean = self._stepped(rows, inputs, running)
        sound = np.isfinite(clean).all(axis=1)
        if not sound.all():
            for row in rows[running & ~sound]:
                self._failed(int(row))
            clean[~sound] = 0
        np.clip(clean, -1, 1, out=clean)
        leading = self._table["leading"][rows]
        if leading.any():
            clean[leading > 0] = 0  # what belongs to the time before the voice began; so does the delay line
            self._table["leading"][rows] = np.maximum(leading - 1, 0)
        return clean, running & sound

    def _stepped(self, rows: Rows, inputs: Float32, running: Flags) -> Float32:
        """Returns what the engine makes of the voices that are running; no numbers where it fails."""
        try:
            if len(rows) == len(self) and running.all():
                return self._engine.step(inputs).copy()
            clean = np.zeros_like(inputs)
            if running.any():
                clean[running] = self._engine.step_some(rows[running], inputs[running])
        except Exception:
            # Whatever goes wrong in the engine, friends hear the original and not silence.
            logger.exception("The engine failed", extra={"voices": int(running.sum())})
            return np.full_like(inputs, np.nan)
        return clean

    def _mixed(self, rows: Rows, original: Float32, clean: Float32, cleaned: Flags) -> Float32:
        """Fades between the clean sound and what is heard instead, and lets voices that have come to rest be calm again."""
        for row in rows[cleaned]:
            self._warmed(int(row))
        table = self._table
        bypass, trouble = table["bypass"][rows], table["trouble"][rows]
        share, opening = table["share"][rows], table["opening"][rows]
        open_target = 1 - (table["never_original"][rows] & ~bypass).astype(np.float32)
        share_target = 1 - ((trouble != _WORKS) | bypass).astype(np.float32)
        instead = original * self._fade.next(opening, open_target)
        # Where the model died between two frames, all that is left to fade out is the last distance from the original.
        clean = np.where(cleaned[:, None], clean, instead + table["offset"][rows][:, None])
        table["offset"][rows] = np.where(cleaned, clean[:, -1] - instead[:, -1], table["offset"][rows])
        weights = self._fade.next(share, share_target)
        table["share"][rows], table["opening"][rows] = share, opening
        table["calm"][rows] = cleaned & (trouble == _WORKS) & ~bypass & (share == 1) & (opening == open_target)
        table["calm"][rows] &= (table["next_rest"][rows] == MIN_REST_FRAMES) & ~table["overloaded"][rows]
        return np.where(weights == 1, clean, instead + weights * (clean - instead))

    def _warmed(self, row: int) -> None:
        voice = self._table[row]
        if voice["warm_up"] > 0:
            voice["warm_up"] -= 1
        elif voice["trouble"] and not voice["overloaded"]:
            voice["trouble"] = _WORKS
        elif not voice["trouble"]:
            voice["next_rest"] = max(MIN_REST_FRAMES, voice["next_rest"] - 1)  # forgiven bit by bit while it works

    def _failed(self, row: int) -> None:
        voice = self._table[row]
        logger.error("The noise remover failed", extra={"row": row, "next_try_s": int(voice["next_rest"]) / 100})
        voice["running"], voice["trouble"], voice["calm"] = False, _FAILED, False
        voice["rest"] = voice["next_rest"]
        voice["next_rest"] = min(2 * voice["next_rest"], MAX_REST_FRAMES)

    def _measure(self, rows: Rows, frames: Int16, inputs: Float32, original: Float32, heard: Float32) -> None:
        table = self._table
        at = table["frames"][rows] % NOISE_FRAMES
        table["before"][rows, at] = powers(original)
        table["after"][rows, at] = powers(heard)
        table["frames"][rows] += 1
        table["level"][rows] += powers(inputs)
        table["level_frames"][rows] += 1
        table["silent"][rows] = np.where(frames.any(axis=1), 0, table["silent"][rows] + 1)


def _record(delay: int) -> np.dtype[np.void]:
    """Returns what a voice carries beside the engine's part of it."""
    fields: list[tuple[str, type[np.generic], tuple[int, ...]]] = [
        ("line", np.int16, (delay, FRAME)),  # the frames that are still to be heard, in a circle
        ("frames", np.int64, ()),  # since the voice began
        ("strength_db", np.float64, ()),
        ("never_original", np.bool_, ()),
        ("bypass", np.bool_, ()),
        ("overloaded", np.bool_, ()),
        ("calm", np.bool_, ()),  # whether it is cleaned, has no trouble, and moves no fade: most voices most of the time
        ("running", np.bool_, ()),  # whether the engine has a stream for it
        ("leading", np.int32, ()),  # frames of this stream that belong to the time before it
        ("trouble", np.int8, ()),
        ("warm_up", np.int32, ()),  # frames until the present stream may be heard
        ("rest", np.int32, ()),  # frames until the next try after a failure
        ("next_rest", np.int32, ()),
        ("share", np.float32, ()),  # of the clean sound
        ("opening", np.float32, ()),  # share of the original in what else is heard
        ("offset", np.float32, ()),  # clean minus what else would be heard, at the last sample that was cleaned
        ("before", np.float32, (NOISE_FRAMES,)),  # powers of the originals, in a circle
        ("after", np.float32, (NOISE_FRAMES,)),  # and of what was heard
        ("level", np.float32, ()),  # powers of the frames that came in since the last reading, added up
        ("level_frames", np.int32, ()),
        ("silent", np.int32, ()),
    ]
    return np.dtype(fields, align=True)
