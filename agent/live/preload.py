"""Is imported once by the process that all workers are forked from: they share its memory, the network's included, and start at
once.

It may import and load, and nothing else: a thread that was started here, or a lock that was held, would not survive the fork.
"""

import gc

import agent.live.worker  # noqa: F401 - imported to be shared
from agent.denoise import Denoiser

denoiser = Denoiser.load()

# What was loaded is never looked at by the garbage collector again: it would hold up the sound of others in a worker, and what it
# writes beside each object would end the sharing.
gc.collect()
gc.freeze()
