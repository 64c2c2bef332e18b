"""Is imported once by the process that all jobs are forked from: they share its memory, the network's included, and start at
once.

It may import and load, and nothing else: a thread that was started here, or a lock that was held, would not survive the fork.
This makes a job's private memory 30 MB smaller.
"""

import agent.live.session  # noqa: F401 - imported to be shared
from agent.denoise import Denoiser

denoiser = Denoiser.load()
