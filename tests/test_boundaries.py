"""The direction of dependencies, as a table that is law. Lazy imports count like all others."""

import ast
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD_LIBRARY = sys.stdlib_module_names | {"__future__"}


@dataclass(frozen=True)
class Module:
    name: str          # "webapp.api.friends"
    path: Path

    @property
    def imports(self) -> frozenset[str]:
        return _imports(self.name, self.path)

    @property
    def is_blueprint(self) -> bool:
        calls = (node.func for node in ast.walk(_tree(self.path)) if isinstance(node, ast.Call))
        return any(isinstance(function, ast.Name) and function.id == "Blueprint" for function in calls)


@cache
def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imports(name, path):
    """Full names of everything imported: `from a import b` counts as `a` and `a.b`."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, base] if base else parts)
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _modules():
    files = [ROOT / "contract.py", ROOT / "flac_frames.py"]
    files += [path for part in ("webapp", "agent", "launcher") for path in (ROOT / part).rglob("*.py")]
    for path in sorted(files):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path)


MODULES = {module.name: module for module in _modules()}


def is_within(name, package):
    return name == package or name.startswith(package + ".")


def part(package):
    return [module for name, module in MODULES.items() if is_within(name, package)]


FORBIDDEN = {
    "webapp": ["agent", "launcher", "torch", "numpy", "onnxruntime", "livekit.agents", "livekit.rtc"],
    "agent": ["webapp", "launcher", "flask", "sqlalchemy"],
    "agent.denoise": ["livekit", "asyncio", "contract", "av", "torch", "df"],
    "contract": ["webapp", "agent", "launcher"],
    "flac_frames": ["webapp", "agent", "launcher", "contract"],
    "launcher": ["webapp", "agent", "contract", "flac_frames"],
}

STANDARD_LIBRARY_ONLY = ["contract", "flac_frames", "launcher"]

ONLY_IMPORTED_BY = {
    "livekit.api": ["webapp.tokens", "webapp.audio_server", "webapp.reconciler", "webapp.api.webhook", "agent"],
    "agent.export": ["agent.cli", "agent.export"],
    "torch": ["agent.export"],
    "df": ["agent.export"],
}


@pytest.mark.parametrize(("importer", "forbidden"), [(a, b) for a, names in FORBIDDEN.items() for b in names])
def test_a_part_never_imports_what_it_must_not_know(importer, forbidden):
    assert part(importer)
    offenders = {module.name: name for module in part(importer) for name in module.imports if is_within(name, forbidden)}
    assert offenders == {}


@pytest.mark.parametrize("package", STANDARD_LIBRARY_ONLY)
def test_what_runs_before_anything_is_installed_needs_the_standard_library_only(package):
    foreign = {
        name
        for module in part(package) for name in module.imports
        if name.split(".")[0] not in STANDARD_LIBRARY | {package}
    }
    assert foreign == set()


@pytest.mark.parametrize("imported", ONLY_IMPORTED_BY)
def test_few_may_import_it(imported):
    allowed = ONLY_IMPORTED_BY[imported]
    importers = [module.name for module in MODULES.values() if any(is_within(name, imported) for name in module.imports)]
    assert [name for name in importers if not any(is_within(name, place) for place in allowed)] == []


def test_a_blueprint_is_imported_by_the_one_place_that_registers_it():
    blueprints = {name for name, module in MODULES.items() if module.is_blueprint}
    assert len(blueprints) > 5
    offenders = {
        module.name: name
        for module in MODULES.values() if module.name not in ("webapp", "webapp.pages", "webapp.api")
        for name in module.imports & blueprints
    }
    assert offenders == {}


def test_json_and_html_do_not_know_each_other():
    for one, other in (("webapp.api", "webapp.pages"), ("webapp.pages", "webapp.api")):
        assert {module.name: name for module in part(one) for name in module.imports if is_within(name, other)} == {}


def test_the_walk_sees_lazy_and_relative_imports(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f():\n    import torch.nn\n    from .near import thing\n    from livekit import api\n")
    found = _imports("package.module", path)
    assert {"torch.nn", "package.near", "package.near.thing", "livekit", "livekit.api"} <= found
