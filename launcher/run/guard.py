"""Runs a program that ends with its parent: `python -m launcher.run.guard PROGRAM ...`.

Linux sends SIGTERM to the program when the launcher dies, even of SIGKILL (prctl(2), PR_SET_PDEATHSIG, which exec keeps).
On other systems the next start clears away what such a death has left.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the request
            raise SystemExit(1)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - our own argument list


if __name__ == "__main__":
    main()
