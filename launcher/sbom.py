"""Writes the bill of materials of this version: `./stillair sbom` (CycloneDX 1.6, cyclonedx.org)."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from launcher.dependencies import Dependency, shipped
from launcher.settings import ROOT


def sbom() -> str:
    """Return the same text for the same lock files: there is no time and no random number in it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    own = {"type": "application", "bom-ref": "stillair", "name": "stillair", "version": version}
    components = [_component(dependency) for dependency in shipped()]
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own},
        "components": components,
        "dependencies": [{"ref": "stillair", "dependsOn": [component["bom-ref"] for component in components]}],
    }
    return json.dumps(document, indent=1) + "\n"


def _component(dependency: Dependency) -> dict[str, str]:
    url = dependency.url
    return {"type": "library", "bom-ref": url, "name": dependency.name, "version": dependency.version, "purl": url}
