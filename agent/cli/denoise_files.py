"""Removes the noise from sound files of any kind: `./stillair denoise`.

A file goes through in blocks, so its length does not matter: read, resampled to 48 kHz, cleaned channel by channel, resampled
back, written. The result has the rate, the channels, the length and the start of the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from rich.progress import Progress, TaskID

from agent.cli.progress import Tell, progress_on_stderr
from agent.denoise import Denoiser
from contract.disk import replacing
from contract.recording import SAMPLE_RATE

Block = NDArray[np.float32]  # [samples, channels]

BLOCK = 2 * SAMPLE_RATE
SUFFIXES = frozenset(
    [
        ".aac",
        ".aif",
        ".aiff",
        ".caf",
        ".flac",
        ".m4a",
        ".mka",
        ".mkv",
        ".mov",
        ".mp3",
        ".mp4",
        ".oga",
        ".ogg",
        ".opus",
        ".wav",
        ".webm",
    ]
)
"""What is taken out of a folder. A file that is named is tried whatever it is called."""

_FINE = frozenset({"PCM_24", "PCM_32", "FLOAT", "DOUBLE"})


class UnusableFile(Exception):
    """The file cannot be read as sound, or the result cannot be written. The message is for a person."""


@dataclass(frozen=True)
class Source:
    rate: int
    channels: int
    fine: bool  # more than 16 bits
    length: int | None  # samples, None when only reading to the end tells
    blocks: Iterator[Block]


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    file: str  # "" when there was none at all
    target: str = ""
    problem: str = ""  # in words for a person; "" when all went well
    found: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        return {"file": self.file, "target": self.target, "problem": self.problem, **self.found}


Work = Callable[[Path, Path, Tell], Mapping[str, float]]
"""Makes the second file out of the first -> what was found out. Raises UnusableFile."""


def denoise_files(
    inputs: Iterable[Path],
    output: Path | None,
    *,
    strength_db: float = 100.0,
    parity: bool = False,
) -> list[Outcome]:
    """Cleans files and folders. Raises agent.denoise.ModelError."""
    denoiser = Denoiser.load()

    def work(path: Path, target: Path, tell: Tell) -> Mapping[str, float]:
        _denoise_file(denoiser, path, target, strength_db, parity, tell)
        return {}

    return each_file(inputs, output, work, name="clean", endings=(".flac", ".wav"))


def each_file(inputs: Iterable[Path], output: Path | None, work: Work, *, name: str, endings: tuple[str, ...]) -> list[Outcome]:
    """Does the work for files and for all that are in folders; one that goes wrong does not keep the others from it.

    Results lie beside the files as STEM-`name` with the first of the `endings`, or where `output` says.
    """
    found = [file for path in inputs for file in _files_in(path)]
    outcomes = []
    with progress_on_stderr() as progress:
        for path in found:
            task = progress.add_task(path.name, total=None)
            try:
                target = _target(path, output, name, endings, several=len(found) > 1)
                outcomes.append(Outcome(str(path), str(target), found=work(path, target, partial(_tell, progress, task))))
            except UnusableFile as error:
                outcomes.append(Outcome(str(path), problem=str(error)))
            progress.remove_task(task)
    return outcomes or [Outcome("", problem="There is no sound file in what was named.")]


def _tell(progress: Progress, task: TaskID, done: int, length: int | None) -> None:
    progress.update(task, completed=done, total=length)


def _files_in(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and not file.stem.endswith("-clean"))


def _target(path: Path, output: Path | None, name: str, endings: tuple[str, ...], *, several: bool) -> Path:
    beside = f"{path.stem}-{name}{endings[0]}"
    if output is None:
        return path.with_name(beside)
    if several or output.is_dir() or not output.suffix:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnusableFile(f"{output} must be a folder for several results: {error.strerror}.") from error
        return output / beside
    if output.suffix.lower() not in endings:
        raise UnusableFile(f"{output.name} must end in {' or '.join(endings)}.")
    return output


def _denoise_file(
    denoiser: Denoiser,
    path: Path,
    target: Path,
    strength_db: float,
    parity: bool,
    tell: Tell,
) -> None:
    if target.exists() and target.samefile(path):
        raise UnusableFile("the result would take the place of the input. Give another name.")
    with _source(path) as source:
        format_ = target.suffix[1:].upper()
        subtype = "PCM_24" if source.fine else "PCM_16"
        try:
            with (
                replacing(target, durable=False, mode=0o666) as part,
                soundfile.SoundFile(part, "w", source.rate, source.channels, subtype, format=format_) as sink,
            ):
                _pour(source, sink, denoiser, strength_db, parity, tell)
        except (OSError, soundfile.LibsndfileError) as error:
            raise UnusableFile(f"the result cannot be written: {error}") from error


def _pour(
    source: Source,
    sink: soundfile.SoundFile,
    denoiser: Denoiser,
    strength_db: float,
    parity: bool,
    tell: Tell,
) -> None:
    there = soxr.ResampleStream(source.rate, SAMPLE_RATE, source.channels, dtype="float32")
    back = soxr.ResampleStream(SAMPLE_RATE, source.rate, source.channels, dtype="float32")
    voices = [denoiser.stream(strength_db=strength_db, parity=parity) for _ in range(source.channels)]
    taken = written = 0

    def write(block: Block) -> None:
        nonlocal written
        block = block[: taken - written]
        sink.write(block)
        written += len(block)

    for block in source.blocks:
        taken += len(block)
        at_48k = there.resample_chunk(block)
        cleaned = [voice.feed(np.ascontiguousarray(at_48k[:, channel])) for channel, voice in enumerate(voices)]
        write(back.resample_chunk(np.stack(cleaned, axis=1)))
        tell(taken, source.length)
    if taken == 0:
        raise UnusableFile("there is no sound in it.")
    rest = there.resample_chunk(np.zeros((0, source.channels), np.float32), last=True)
    last = [
        np.concatenate([voice.feed(np.ascontiguousarray(rest[:, channel])), voice.flush()])
        for channel, voice in enumerate(voices)
    ]
    write(back.resample_chunk(np.stack(last, axis=1), last=True))
    write(np.zeros((taken - written, source.channels), np.float32))  # what a resampler rounded off


def voice_of(path: Path) -> Iterator[NDArray[np.float32]]:
    """The sound of a file in parts, as one voice: 48 kHz, its channels mixed, [-1, 1]. Raises UnusableFile."""
    with _source(path) as source:
        resampler = soxr.ResampleStream(source.rate, SAMPLE_RATE, 1, dtype="float32")
        taken = 0
        for block in source.blocks:
            taken += len(block)
            yield resampler.resample_chunk(block.mean(axis=1))
        if taken == 0:
            raise UnusableFile("there is no sound in it.")
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


@contextmanager
def _source(path: Path) -> Iterator[Source]:
    """Open a sound file with libsndfile, or with FFmpeg if that cannot read it."""
    if not path.is_file():
        raise UnusableFile("there is no such file.")
    try:
        with soundfile.SoundFile(path) as file:
            blocks = file.blocks(BLOCK, dtype="float32", always_2d=True)
            yield Source(file.samplerate, file.channels, file.subtype in _FINE, file.frames, blocks)
            return
    except soundfile.LibsndfileError:
        pass
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise UnusableFile("there is no sound in it.")
            stream = container.streams.audio[0]
            yield Source(stream.rate, stream.channels, False, None, _decoded(container, stream.channels))
    except av.FFmpegError as error:
        raise UnusableFile(f"it cannot be read as sound: {error.strerror}.") from error


def _decoded(container: av.container.InputContainer, channels: int) -> Iterator[Block]:
    to_float = av.AudioResampler(format="fltp")
    for frame in container.decode(audio=0):
        for converted in to_float.resample(frame):
            yield np.ascontiguousarray(converted.to_ndarray().T.reshape(-1, channels))
