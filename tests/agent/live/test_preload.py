"""The process that jobs are forked from."""

import subprocess
import sys

THREADS = """
import os, agent.config
agent.config.prepare_forking()
import agent.live.preload
print(len(os.listdir("/proc/self/task")))
"""
FOREIGN = """
import sys, agent.live.preload
print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "df", "libdf"}))
"""
FORKED = """
import os, sys, numpy as np
from agent.live.preload import denoiser
sound = (np.random.default_rng(0).standard_normal(48_000) * 0.05).astype("f4")
mine = denoiser.stream().feed(sound)
read_end, write_end = os.pipe()
if os.fork() == 0:
    os.write(write_end, denoiser.stream().feed(sound)[-4800:].tobytes())
    os._exit(0)
theirs = np.frombuffer(os.read(read_end, 4800 * 4), "f4")
print(np.array_equal(mine[-4800:], theirs) and mine.any())
"""


def printed(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_loading_everything_starts_no_thread():
    """It would be missing after the fork. One more thread was also how ONNX Runtime's usage reports to its maker showed."""
    assert printed(THREADS) == "1"


def test_neither_torch_nor_the_reference_is_imported():
    assert printed(FOREIGN) == "[]"


def test_a_forked_job_cleans_with_the_network_of_its_parent():
    assert printed(FORKED) == "True"
