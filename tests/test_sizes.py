"""Holds the sizes of files, functions and lines, so that whoever makes something longer says why."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAMS = ("agent", "benchmarks", "contract", "launcher", "webapp")
VENDOR = ROOT / "webapp" / "static" / "vendor"

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_TEMPLATE_COLUMNS = 160

LONG_FILES = {
    "benchmarks/recorder.py": "one measurement from its processes to its table",
}
LONG_FUNCTIONS = {
    "benchmarks/denoise.py:main": "a table's rows, in their order",
    "benchmarks/sidebar.py:main": "a table's rows, in their order",
    "webapp/migrations/versions/0001_initial_tables.py:upgrade": "a migration is a list of tables",
    "webapp/migrations/versions/0001_initial_tables.py:downgrade": "a migration is a list of tables",
    "webapp/migrations/versions/0009_push.py:upgrade": "a migration is a list of tables",
    "webapp/migrations/versions/0010_chat.py:upgrade": "a migration is a list of tables",
}
"""JavaScript's are found by Biome (biome.jsonc), and their reasons stand beside them."""


def sources(ending: str) -> list[Path]:
    """Return the files of the programs with this ending; libraries of others are left out."""
    files = [path for program in PROGRAMS for path in sorted((ROOT / program).rglob(f"*{ending}"))]
    assert files
    return [path for path in files if VENDOR not in path.parents]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_too_long_but_those_with_a_reason():
    files = [*sources(".py"), *sources(".js")]
    found = {name(path) for path in files if len(path.read_text().splitlines()) > MAX_FILE_LINES}
    assert found == set(LONG_FILES)


def test_no_function_is_too_long_but_those_with_a_reason():
    found = {
        f"{name(path)}:{node.name}"
        for path in sources(".py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > MAX_FUNCTION_LINES
    }
    assert found == set(LONG_FUNCTIONS)


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines from `def` to the function's last line."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def test_no_line_of_a_template_is_too_long():
    lines = [
        f"{name(path)}:{number}"
        for path in sources(".html")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MAX_TEMPLATE_COLUMNS
    ]
    assert lines == []
