"""Asks a database of vulnerabilities about everything that Stillair is made of: `./stillair audit`.

OSV (google.github.io/osv.dev) knows what is known of Python, JavaScript and Go packages, and takes one question for all of them.
It says nothing of the C libraries within Python packages, nor of the systems in container images.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from typing import Any

from launcher.console import Console
from launcher.dependencies import Dependency, all_of_them, shipped

DATABASE = "https://api.osv.dev"
TIMEOUT_S = 30.0
CLEAN, FOUND, NOT_CHECKED = 0, 1, 2
"""Exit status. A database that does not answer must not look as if there were nothing to find."""


def audit(console: Console, *, database: str = DATABASE) -> int:
    """Show what is known, and return the exit status."""
    dependencies = all_of_them()
    try:
        with console.step("Asking the database of vulnerabilities"):
            known = _ask(database, dependencies)
    except (OSError, ValueError, LookupError, TypeError) as error:
        console.say(f"NOT CHECKED: {database} did not answer as it should ({error}). Try again on a machine that reaches it.")
        return NOT_CHECKED
    runs = set(shipped())
    for dependency, ids in known.items():
        where = "" if dependency in runs else " (only for tests and the set-up)"
        console.say(f"{dependency.ecosystem} {dependency.name} {dependency.version}{where}: {', '.join(ids)}")
    console.say(f"{len(dependencies)} packages were checked; of {len(known)} vulnerabilities are known.")
    return FOUND if known else CLEAN


def _ask(database: str, dependencies: Sequence[Dependency]) -> dict[Dependency, list[str]]:
    """Return the ids of what is known of each package that has any. Raises OSError, ValueError, LookupError or TypeError."""
    queries = [{"package": {"ecosystem": one.ecosystem, "name": one.name}, "version": one.version} for one in dependencies]
    request = urllib.request.Request(  # noqa: S310 - the address is ours, or the option's
        f"{database}/v1/querybatch", json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        results: list[dict[str, Any]] = json.load(answer)["results"]
    told = {one: [entry["id"] for entry in result.get("vulns", [])] for one, result in zip(dependencies, results, strict=True)}
    return {one: ids for one, ids in told.items() if ids}
