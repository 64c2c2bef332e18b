"""Frames of a piece of a recording (RFC 9639): its own, and new ones where the piece begins or ends within one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract import PEAK_SAMPLES, SAMPLE_RATE
from flac_frames import parse_frame_header
from webapp.storage import Sound

if TYPE_CHECKING:
    import av  # 23 MB of memory, which a server that cuts nothing does not need

LEAST_SAMPLES = 16      # of a frame that is not the last one (RFC 9639, 8.2)
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

    ends = b""          # samples that wait for their frame
    with av.open(sound, "r") as container:
        stream = container.streams.audio[0]
        decoder = stream.codec_context
        decoder.thread_count = 1            # each frame comes out at once
        if start:
            container.seek(start, stream=stream)        # to a frame at or before it
        for packet in container.demux(stream):
            data = bytes(packet)
            head = parse_frame_header(data[:16])
            if head is None:                # the end
                break
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
                    samples = _decoded(decoder, packet)[SAMPLE_BYTES * (first - at):SAMPLE_BYTES * (last - at)]
                except FFmpegError:
                    break
            if heard:
                heard(samples)
            if is_whole:
                yield Frame(data, head.samples)
                continue
            ends += samples
            if len(ends) >= SAMPLE_BYTES * LEAST_SAMPLES or last == end:
                yield from _encoded(ends)
                ends = b""


def _decoded(decoder: av.AudioCodecContext, packet: av.Packet[av.AudioStream]) -> bytes:
    return b"".join(bytes(frame.planes[0])[:SAMPLE_BYTES * frame.samples] for frame in decoder.decode(packet))


def _encoded(samples: bytes) -> Iterator[Frame]:
    """One frame, or two where one would be too long."""
    most = SAMPLE_BYTES * PEAK_SAMPLES
    if len(samples) > most:
        yield from _encoded(samples[:most // 2])
        yield from _encoded(samples[most // 2:])
    else:
        yield Frame(_encode(samples), len(samples) // SAMPLE_BYTES)


def _encode(samples: bytes) -> bytes:
    import av

    encoder = av.CodecContext.create("flac", "w")
    encoder.sample_rate, encoder.format, encoder.layout = SAMPLE_RATE, "s16", "mono"
    block = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // SAMPLE_BYTES)
    block.sample_rate = SAMPLE_RATE
    plane = block.planes[0]
    plane.update(samples.ljust(plane.buffer_size, b"\0"))
    return b"".join(bytes(packet) for given in (block, None) for packet in encoder.encode(given))
