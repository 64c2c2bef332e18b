"""How long `./stillair up` takes when everything is installed: `python -m benchmarks.start`, a minute.

From the command to the line that says it is up, and from Ctrl-C to the end of its last process; the first start makes the data
folder with its secrets and its database. Target: 10 s for a second start.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from launcher.settings import ROOT
from tests.free_ports import some_free_block

TIMEOUT_S = 120


def start_and_stop(data: Path, port: int) -> tuple[float, float]:
    """-> seconds to be up, seconds to be gone. Raises SystemExit with what it said when it does not come up."""
    command = [str(ROOT / "stillair"), "up", "--data", str(data), "--port", str(port)]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Stillair is up"):
                break
        else:
            raise SystemExit("".join(said))
        up_s = time.perf_counter() - began
        began = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        process.wait(TIMEOUT_S)
        return up_s, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5, help="after the first one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, port = Path(folder) / "data", some_free_block()
        first, *later = [start_and_stop(data, port) for _ in range(1 + arguments.starts)]
    table = Table("", "first", "later, p50", "later, max", title=f"Seconds, load of the machine {os.getloadavg()[0]:.1f}")
    for number, name in enumerate(("start", "stop")):
        seconds = [each[number] for each in later]
        table.add_row(name, f"{first[number]:.1f}", f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
