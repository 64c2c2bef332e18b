"""How long a log-in with a wrong password takes, for a name that somebody has and for one that nobody has.

    python -m benchmarks.logins [--tries 200]

If the two differed, the answer's time would tell which names exist. Both kinds of tries are made in turns, through the real
server and its real passwords, so that whatever else the machine does hits both alike. Wants the machine for itself.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import requests
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, text

from tests.instance import Instance, started

TARGET_MS = 5.0
PASSWORD = "a sentence that nobody guesses"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=200, help="of each kind (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, started(Path(folder) / "data") as instance:
        known, unknown = measure(instance, arguments.tries)
    difference = median(known) - median(unknown)
    show({"a name that somebody has": known, "a name that nobody has": unknown}, difference)
    return int(abs(difference) >= TARGET_MS)


def measure(instance: Instance, tries: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each try."""
    ask(*arrive(instance), "register", "benchmark", PASSWORD)
    session = arrive(instance)  # as somebody who has never been here
    times: tuple[list[float], list[float]] = [], []
    for _ in range(tries):
        for kind, name in enumerate(("benchmark", f"x{secrets.token_hex(4)}")):
            forget_failures(instance)
            began = time.perf_counter()
            status = ask(*session, "login", name, "not the password")
            times[kind].append(1e3 * (time.perf_counter() - began))
            if status != 401:
                raise SystemExit(f"A wrong password was answered with {status}.")
    return times


def arrive(instance: Instance) -> tuple[requests.Session, str]:
    """Return a new browser's session, and the address of the API."""
    session = requests.Session()
    told = session.get(f"{instance.url}/api/session", timeout=30).json()
    session.headers["X-CSRF-Token"] = told["csrf_token"]
    return session, f"{instance.url}/api"


def ask(session: requests.Session, api: str, what: str, name: str, password: str) -> int:
    return session.post(f"{api}/{what}", json={"username": name, "password": password}, timeout=60).status_code


def forget_failures(instance: Instance) -> None:
    """Guessing is slowed down, and that would be measured instead."""
    engine = create_engine(f"sqlite:///{instance.data / 'stillair.db'}")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM login_failure"))
    engine.dispose()


def show(found: dict[str, list[float]], difference: float) -> None:
    table = Table("log-in with a wrong password", "median ms", "middle half ms", "tries")
    for words, times in found.items():
        first, _, third = quantiles(times, n=4)
        table.add_row(words, f"{median(times):.1f}", f"{first:.1f} to {third:.1f}", str(len(times)))
    Console().print(table)
    print(f"difference of the medians: {difference:+.1f} ms (less than {TARGET_MS:g} wanted)")


if __name__ == "__main__":
    sys.exit(main())
