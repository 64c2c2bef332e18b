"""Occupies a microphone: python microphone_holder.py PULSE_SERVER SOURCE. Prints "held", and ends when its input does.

PulseAudio allows 256 streams on a source and refuses the next one.
"""

import ctypes
import sys

PLACES = 256
CONTEXT_READY, STREAM_READY = 4, 2  # pulse/def.h
S16LE, START_CORKED = 3, 1


class SampleSpec(ctypes.Structure):
    _fields_ = [("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8)]


def main(server: bytes, source: bytes) -> None:
    pulse = ctypes.CDLL("libpulse.so.0")
    for name in ("pa_mainloop_new", "pa_mainloop_get_api", "pa_context_new", "pa_stream_new"):
        getattr(pulse, name).restype = ctypes.c_void_p
    loop = ctypes.c_void_p(pulse.pa_mainloop_new())

    def wait(state_of, thing, wanted):
        while (state := state_of(thing)) != wanted:
            assert 0 <= state < wanted
            assert pulse.pa_mainloop_iterate(loop, 1, None) >= 0

    context = ctypes.c_void_p(pulse.pa_context_new(ctypes.c_void_p(pulse.pa_mainloop_get_api(loop)), b"another program"))
    assert pulse.pa_context_connect(context, server, 0, None) == 0
    wait(pulse.pa_context_get_state, context, CONTEXT_READY)
    spec = SampleSpec(S16LE, 48_000, 1)
    for _ in range(PLACES):
        stream = ctypes.c_void_p(pulse.pa_stream_new(context, b"held", ctypes.byref(spec), None))
        assert pulse.pa_stream_connect_record(stream, source, None, START_CORKED) == 0
        wait(pulse.pa_stream_get_state, stream, STREAM_READY)
    print("held", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*(argument.encode() for argument in sys.argv[1:]))
