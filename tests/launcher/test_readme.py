"""What README.md says of settings and commands is what the code knows."""

import ast
import re

import pytest

from launcher.__main__ import _parser
from launcher.settings import ROOT

README = (ROOT / "README.md").read_text()
READERS = ["webapp/core/config.py", "agent/config.py", "agent/cli/main.py", "launcher/settings.py", "launcher/secrets.py"]
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


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_command_of_the_documents_is_understood(document):
    text = (ROOT / document).read_text()
    commands = re.findall(r"(?:`|^    )(?:[A-Z_]+=\S+ )*\./stillair ([^`\n]+)", text, re.MULTILINE)
    assert len(commands) >= 3
    for command in commands:
        _parser().parse_args(command.split())


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "NOTICE"])
def test_every_file_that_a_document_names_is_there(document):
    text = (ROOT / document).read_text()
    named = r"\]\(([\w./-]+)\)" if document.endswith(".md") else r"(?:agent|webapp)/[\w./-]+\w"
    linked = re.findall(named, text)
    made = ("docs/on-air.png", "webapp/static/vendor/")
    assert not [path for path in linked if not path.startswith(made) and not (ROOT / path).exists()]
