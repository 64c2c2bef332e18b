"""Makes the FLAC frames of a piece of a recording (RFC 9639).

Whole frames are copied; new ones are encoded where the piece begins or ends within a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.flac import parse_frame_header
from contract.recording import PEAK_SAMPLES, SAMPLE_RATE
from webapp.recordings.sound import LAYOUTS, Sound

if TYPE_CHECKING:
    import av.container  # 23 MB of memory, which a server that cuts nothing does not need

MIN_SAMPLES = 16  # of a frame that is not the last one (RFC 9639, 8.2)
SAMPLE_BYTES = 2


@dataclass(frozen=True)
class Frame:
    data: bytes
    samples: int


def frames(sound: Sound, start: int, end: int, on_samples: Callable[[bytes], object] | None = None) -> Iterator[Frame]:
    """Yield the frames of the samples from `start` to `end`; fewer where the recording cannot be read.

    `on_samples` gets all of these samples, as 16 bit little-endian.
    """
    import av

    waiting = b""  # samples at an end of the piece, until they are enough for a frame
    with av.open(sound, "r") as container:
        decoder = container.streams.audio[0].codec_context
        decoder.thread_count = 1  # each frame comes out at once
        for part in _parts(container, start, end):
            is_copied = part.is_whole and not waiting
            samples = _samples(decoder, part) if on_samples or not is_copied else b""
            if samples is None:
                return
            if on_samples:
                on_samples(samples)
            if is_copied:
                yield Frame(part.data, part.samples)
                continue
            waiting += samples
            if len(waiting) >= SAMPLE_BYTES * part.channels * MIN_SAMPLES or part.is_last:
                yield from _encoded(waiting, part.channels)
                waiting = b""


@dataclass(frozen=True)
class _Part:
    """A frame of the recording, of which the samples from `first` to `last` (counted from its own first one) are wanted."""

    packet: av.Packet[av.AudioStream]
    data: bytes
    samples: int
    channels: int
    first: int
    last: int
    is_last: bool  # the piece ends in it

    @property
    def is_whole(self) -> bool:
        return self.last - self.first == self.samples


def _parts(container: av.container.InputContainer, start: int, end: int) -> Iterator[_Part]:
    stream = container.streams.audio[0]
    if start:
        container.seek(start, stream=stream)  # to a frame at or before it
    for packet in container.demux(stream):
        data = bytes(packet)
        head = parse_frame_header(data[:16])
        if head is None:  # the end
            return
        at = head.number if head.counts_samples else head.number * PEAK_SAMPLES
        if at >= end:
            return
        first, last = max(start, at), min(end, at + head.samples)
        if first < last:
            yield _Part(packet, data, head.samples, head.channels, first - at, last - at, is_last=last == end)


def _samples(decoder: av.AudioCodecContext, part: _Part) -> bytes | None:
    """Decode the wanted samples, interleaved. Return None when the frame is damaged."""
    from av.error import FFmpegError

    try:
        decoded = decoder.decode(part.packet)
    except FFmpegError:
        return None
    samples = b"".join(bytes(frame.planes[0])[: SAMPLE_BYTES * frame.layout.nb_channels * frame.samples] for frame in decoded)
    return samples[SAMPLE_BYTES * part.channels * part.first : SAMPLE_BYTES * part.channels * part.last]


def _encoded(samples: bytes, channels: int) -> Iterator[Frame]:
    """Encode samples as one frame, or as two where one would be too long."""
    count = len(samples) // (SAMPLE_BYTES * channels)
    if count > PEAK_SAMPLES:
        half = SAMPLE_BYTES * channels * (PEAK_SAMPLES // 2)
        yield from _encoded(samples[:half], channels)
        yield from _encoded(samples[half:], channels)
    else:
        yield Frame(_encode(samples, count, LAYOUTS[channels]), count)


def _encode(samples: bytes, count: int, layout: str) -> bytes:
    import av

    encoder = av.CodecContext.create("flac", "w")
    encoder.sample_rate, encoder.format, encoder.layout = SAMPLE_RATE, "s16", layout
    block = av.AudioFrame(format="s16", layout=layout, samples=count)
    block.sample_rate = SAMPLE_RATE
    plane = block.planes[0]
    plane.update(samples.ljust(plane.buffer_size, b"\0"))
    return b"".join(bytes(packet) for given in (block, None) for packet in encoder.encode(given))
