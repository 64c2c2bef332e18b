"""What README.md says of settings and commands is what the code knows."""

import ast
import re

import pytest

from launcher.__main__ import _parser
from launcher.settings import ROOT
from tests.test_boundaries import ORDER

README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(str(path.relative_to(ROOT)) for folder in (ROOT, ROOT / "docs") for path in folder.glob("*.md"))
READERS = [
    "contract/settings.py",
    "webapp/core/config.py",
    "agent/config.py",
    "agent/cli/options.py",
    "launcher/settings.py",
    "launcher/secrets.py",
]
OF_ONE_COMMAND = {"STILLAIR_TOKEN", "STILLAIR_PASSWORD"}
SET_BY_THE_LAUNCHER = {"LIVEKIT_URL", "STILLAIR_AGENT_HEALTH_PORT", "STILLAIR_AGENT_HEALTH_URL"}
FOR_OTHERS = {
    "LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS",
    "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE",  # of livekit-agents
    "LIVEKIT_KEYS",
    "LIVEKIT_PORT",
    "LIVEKIT_RTC_TCP_PORT",
    "LIVEKIT_WEBHOOK_API_KEY",  # of livekit-server
}
"""Written for libraries and programs of others, never read."""


def known():
    nodes = [node for path in READERS for node in ast.walk(ast.parse((ROOT / path).read_text()))]
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    words |= {node.target.id for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    return {word for word in words if re.fullmatch(r"(STILLAIR|LIVEKIT)_[A-Z_]+", word)}


def test_the_table_of_settings_is_what_the_programs_read():
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert listed == known() - SET_BY_THE_LAUNCHER - FOR_OTHERS - OF_ONE_COMMAND


def test_every_other_variable_of_the_readme_exists():
    told = set(re.findall(r"\b(?:STILLAIR|LIVEKIT)_[A-Z_]+[A-Z]\b", README))
    assert {name for name in told if not name.startswith("LIVEKIT_TURN_")} <= known()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_the_documents_is_understood(document):
    text = (ROOT / document).read_text()
    commands = re.findall(r"(?:`|^    )(?:[A-Z_]+=\S+ )*\./stillair ([^`\n]+)", text, re.MULTILINE)
    assert len(commands) >= 3 or document.startswith("docs/") or document in ("CHANGELOG.md", "SECURITY.md")
    for command in commands:
        _parser().parse_args(command.split())


@pytest.mark.parametrize("document", [*DOCUMENTS, "NOTICE"])
def test_every_file_that_a_document_names_is_there(document):
    text = (ROOT / document).read_text()
    if document.endswith(".md"):
        linked = [(ROOT / document).parent / path for path in re.findall(r"\]\(([\w./-]+)\)", text)]
    else:
        linked = [ROOT / path for path in re.findall(r"(?:agent|webapp)/[\w./-]+\w", text)]
    made = (ROOT / "docs/on-air.png", ROOT / "webapp/static/vendor")
    assert not [path for path in linked if not any(path.is_relative_to(place) for place in made) and not path.exists()]


def code_of(document):
    """Words in backticks and in indented examples."""
    text = re.sub(r"^```.*?^```", "", (ROOT / document).read_text(), flags=re.MULTILINE | re.DOTALL)
    return [word for piece in re.findall(r"`([^`\n]+)`|^ {4,}(\S.*)", text, re.MULTILINE) for word in " ".join(piece).split()]


NOT_IN_THE_TREE = (".venv/", ".tools/", "data/", "./", "text/event-stream", "node_modules/")
"""Folders that the set-up makes, examples, and what only looks like a path."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document):
    paths = [word for word in code_of(document) if re.fullmatch(r"[\w.*-]+(/[\w.*-]+)*/?", word) and "/" in word]
    assert [path for path in paths if not path.startswith(NOT_IN_THE_TREE) and not any(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_module_that_a_document_runs_exists(document):
    named = re.findall(r"python -m ((?:agent|benchmarks|launcher|webapp)[\w.]*)", (ROOT / document).read_text())
    modules = [ROOT.joinpath(*name.split(".")) for name in named]
    assert [path for path in modules if not path.with_suffix(".py").exists() and not (path / "__main__.py").exists()] == []


@pytest.mark.parametrize("package", ["webapp", "agent", "launcher"])
def test_the_architecture_lists_the_rooms_in_their_order(package):
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert re.findall(rf"^\| `{package}/(\w+)/` \|", text, re.MULTILINE) == ORDER[package]
