"""Serves static files at addresses that change with their content (`/static/v-3f2a.../js/app.js`).

A browser can keep them for good. Pages also learn what a script imports, so that a browser asks for all of it at once instead of
file after file.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

from flask import Flask, Response

VERSION = re.compile(r"v-[0-9a-f]{12}")
KEEP_S = 365 * 24 * 3600
_IMPORT = re.compile(r'^(?:import|export) (?:[^"\']*? from )?"(\.[^"]+)";', re.MULTILINE)


def init_app(app: Flask) -> None:
    folder = Path(app.static_folder or "")
    version = version_of(folder)

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, str]) -> None:
        if endpoint == "static":
            values["filename"] = f"{version}/{values['filename']}"

    def serve(filename: str) -> Response:
        response = app.send_static_file(without_version(filename))
        if filename.startswith(f"{version}/"):
            response.cache_control.no_cache = None
            response.cache_control.public = response.cache_control.immutable = True
            response.cache_control.max_age = KEEP_S
        return response

    app.view_functions["static"] = serve
    app.jinja_env.globals["scripts_of"] = partial(scripts_of, folder)


def without_version(filename: str) -> str:
    """Return the name in the folder. Any version will do: a page from before an update goes on with the scripts of today."""
    first, _, rest = filename.partition("/")
    return rest if VERSION.fullmatch(first) else filename


@lru_cache
def version_of(folder: Path) -> str:
    """Return the version of all files in `folder`.

    It is the same for the same files, wherever and whenever they were installed.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return f"v-{digest.hexdigest()[:12]}"


@lru_cache
def scripts_of(folder: Path, *names: str) -> tuple[str, ...]:
    """Return these scripts and everything they import, directly or not; not what they load later, when it is needed."""
    found: list[str] = []
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found.append(name)
            waiting += [_beside(name, other) for other in _IMPORT.findall((folder / name).read_text())]
    return tuple(found)


def _beside(name: str, other: str) -> str:
    """Return the file that script `name` means by `./other.js` or `../other.js`."""
    parts = list(PurePosixPath(name).parent.parts)
    for part in PurePosixPath(other).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
