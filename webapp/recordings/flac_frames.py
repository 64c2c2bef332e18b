"""Frames of a piece of a recording (RFC 9639): its own, and new ones where the piece begins or ends within one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.flac import parse_frame_header
from contract.recording import PEAK_SAMPLES, SAMPLE_RATE
from webapp.recordings.sound import LAYOUTS, Sound

if TYPE_CHECKING:
    import av  # 23 MB of memory, which a server that cuts nothing does not need

LEAST_SAMPLES = 16  # of a frame that is not the last one (RFC 9639, 8.2)
SAMPLE_BYTES = 2


@dataclass(frozen=True)
class Frame:
    data: bytes
    samples: int


def frames(sound: Sound, start: int, end: int, heard: Callable[[bytes], object] | None = None) -> Iterator[Frame]:
    """Of the samples from `start` to `end`. `heard`: gets all of these samples, 16 bit, little-endian. Fewer come where the
    recording cannot be read."""
    import av
    from av.error import FFmpegError

    ends = b""  # samples that wait for their frame
    with av.open(sound, "r") as container:
        stream = container.streams.audio[0]
        decoder = stream.codec_context
        decoder.thread_count = 1  # each frame comes out at once
        if start:
            container.seek(start, stream=stream)  # to a frame at or before it
        for packet in container.demux(stream):
            data = bytes(packet)
            head = parse_frame_header(data[:16])
            if head is None:  # the end
                break
            sample_bytes = SAMPLE_BYTES * head.channels
            at = head.number if head.counts_samples else head.number * PEAK_SAMPLES
            first, last = max(start, at), min(end, at + head.samples)
            if at >= end:
                break
            if first >= last:
                continue
            is_whole = last - first == head.samples and not ends
            samples = b""
            if heard or not is_whole:
                try:
                    samples = _decoded(decoder, packet)[sample_bytes * (first - at) : sample_bytes * (last - at)]
                except FFmpegError:
                    break
            if heard:
                heard(samples)
            if is_whole:
                yield Frame(data, head.samples)
                continue
            ends += samples
            if len(ends) >= sample_bytes * LEAST_SAMPLES or last == end:
                yield from _encoded(ends, head.channels)
                ends = b""


def _decoded(decoder: av.AudioCodecContext, packet: av.Packet[av.AudioStream]) -> bytes:
    """Interleaved."""
    decoded = decoder.decode(packet)
    return b"".join(bytes(frame.planes[0])[: SAMPLE_BYTES * frame.layout.nb_channels * frame.samples] for frame in decoded)


def _encoded(samples: bytes, channels: int) -> Iterator[Frame]:
    """One frame, or two where one would be too long."""
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
