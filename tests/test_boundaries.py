"""The law of the house: who may import whom, and in which order the rooms stand. Lazy imports count like all others."""

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
    name: str  # "webapp.friends.api"
    path: Path

    @property
    def imports(self) -> frozenset[str]:
        return _imports(self.name, self.path)

    @property
    def neighbours(self) -> set[str]:
        """Modules of this repository that it imports. A package that is imported for one of its modules is not among them."""
        found = {name for name in self.imports if name in MODULES}
        return {name for name in found if not any(other.startswith(name + ".") for other in found)} - {self.name}

    @property
    def room(self) -> str:
        """`friends` of `webapp.friends.api`; "" for a module that stands in no room."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 2 or (len(parts) == 2 and self.path.name == "__init__.py") else ""

    @property
    def is_route(self) -> bool:
        """Answers requests: it makes a blueprint."""
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
    for part in ("webapp", "agent", "contract", "launcher"):
        for path in sorted((ROOT / part).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path)


MODULES = {module.name: module for module in _modules()}


def is_within(name, package):
    return name == package or name.startswith(package + ".")


def part(package):
    found = [module for name, module in MODULES.items() if is_within(name, package)]
    assert found, package
    return found


FORBIDDEN = {
    "webapp": ["agent", "launcher", "torch", "numpy", "onnxruntime", "livekit.agents", "livekit.rtc"],
    "webapp.streams.rooms": ["webapp.models", "webapp.core.database", "sqlalchemy"],
    "agent": ["webapp", "launcher", "flask", "sqlalchemy"],
    "agent.denoise": ["livekit", "asyncio", "contract", "av", "torch", "df"],
    "agent.recording": ["livekit"],
    "agent.voice": ["livekit", "asyncio"],
    "agent.desk": ["livekit", "asyncio"],
    "contract": ["webapp", "agent", "launcher"],
    "launcher": ["webapp", "agent"],
}

STANDARD_LIBRARY_ONLY = ["contract", "launcher"]
"""What runs before anything is installed."""

ONLY_IMPORTED_BY = {
    "livekit.api": ["webapp.audio_server", "webapp.streams.webhook", "agent"],
    "agent.export": ["agent.cli", "agent.export"],
    "torch": ["agent.export"],
    "df": ["agent.export"],
}

ORDER = {
    "webapp": [
        "core", "models", "security", "i18n", "openapi", "accounts", "factors", "events", "friends", "presence", "notifications",
        "audio_server", "streams", "recordings", "chat", "auth", "profiles", "privacy", "admin", "home", "ui", "front",
    ],
    "agent": ["denoise", "voice", "samples", "recording", "export", "desk", "live", "cli"],
    "launcher": ["setup", "run"],
}  # fmt: skip
"""Rooms from the bottom up: a room knows only those before it. Modules that stand in no room are at the bottom in the agent
and the
launcher (settings, log, messages to the person); in the web app they are at the top (the wiring)."""


@pytest.mark.parametrize(("importer", "forbidden"), [(a, b) for a, names in FORBIDDEN.items() for b in names])
def test_a_part_never_imports_what_it_must_not_know(importer, forbidden):
    offenders = {module.name: name for module in part(importer) for name in module.imports if is_within(name, forbidden)}
    assert offenders == {}


@pytest.mark.parametrize("package", STANDARD_LIBRARY_ONLY)
def test_what_runs_before_anything_is_installed_needs_the_standard_library_only(package):
    own = STANDARD_LIBRARY | {package, "contract"}
    assert {name for module in part(package) for name in module.imports if name.split(".")[0] not in own} == set()


@pytest.mark.parametrize("imported", ONLY_IMPORTED_BY)
def test_few_may_import_it(imported):
    allowed = ONLY_IMPORTED_BY[imported]
    importers = [module.name for module in MODULES.values() if any(is_within(name, imported) for name in module.imports)]
    assert importers
    assert [name for name in importers if not any(is_within(name, place) for place in allowed)] == []


@pytest.mark.parametrize("package", ORDER)
def test_every_room_has_its_place(package):
    assert {module.room for module in part(package)} - {""} == set(ORDER[package])


@pytest.mark.parametrize("package", ORDER)
def test_a_room_knows_only_rooms_before_it(package):
    order = ORDER[package]
    climbs = {
        (module.name, name)
        for module in part(package)
        if module.room and not module.is_route
        for name in module.neighbours
        if is_within(name, package) and MODULES[name].room
        if order.index(MODULES[name].room) > order.index(module.room)
    }
    assert climbs == set()


def test_rooms_of_the_web_app_do_not_know_what_wires_them():
    wiring = {module.name for module in part("webapp") if not module.room}
    offenders = {(module.name, name) for module in part("webapp") if module.room for name in module.neighbours & wiring}
    assert offenders == set()


def test_routes_are_leaves():
    routes = {module.name for module in part("webapp") if module.is_route}
    assert len(routes) > 30
    offenders = {(module.name, name) for module in part("webapp") for name in module.neighbours & routes}
    assert {name for name, _ in offenders} == {"webapp.routes"}
    assert {name for _, name in offenders} == routes


def test_routes_are_named_so():
    named = {name for name in MODULES if name.rpartition(".")[2].startswith(("api", "pages", "webhook"))}
    assert {module.name for module in part("webapp") if module.is_route} == named


def test_models_know_only_the_core_and_the_contract():
    known = {name.split(".")[0] if is_within(name, "contract") else name for m in part("webapp.models") for name in m.neighbours}
    assert {name for name in known if not is_within(name, "webapp.models") and not is_within(name, "webapp.core")} == {"contract"}


PRESENTATION = {"flask.url_for", "flask.render_template", "flask.redirect"}


def test_services_know_no_addresses_and_no_templates():
    """But for those that show things: the names of templates, the page of an error, and addresses in JSON."""
    presenters = {"webapp.ui.templates", "webapp.core.errors", "webapp.recordings.serializers"}
    assert {module.name for module in part("webapp") if not module.is_route and module.imports & PRESENTATION} == presenters


def test_no_file_is_part_of_a_circle():
    assert circles({name: module.neighbours for name, module in MODULES.items()}) == []


def circles(arrows):
    """Strongly connected components of more than one node (Tarjan 1972), by depth-first search."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in arrows[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1:
                found.append(sorted(component))

    for node in arrows:
        if node not in index:
            visit(node)
    return found


def test_a_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}) == [["a", "b", "c"]]


def test_the_walk_sees_lazy_and_relative_imports(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f():\n    import torch.nn\n    from .near import thing\n    from livekit import api\n")
    found = _imports("package.module", path)
    assert {"torch.nn", "package.near", "package.near.thing", "livekit", "livekit.api"} <= found
