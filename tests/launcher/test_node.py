import json

import pytest

from launcher.problem import Problem
from launcher.settings import ROOT
from launcher.setup import node


@pytest.fixture
def clone(tmp_path):
    source = tmp_path / "node_modules" / "a-library" / "dist" / "a.js"
    source.parent.mkdir(parents=True)
    source.write_text("export const a = 1;\n")
    return tmp_path


def test_the_vendor_folder_holds_what_package_json_names_and_nothing_else(clone):
    old = clone / node.VENDOR / "old.js"
    old.parent.mkdir(parents=True)
    old.touch()
    node.copy(clone, {"a-library/dist/a.js": "deep/a.js"})
    files = [path.relative_to(clone / node.VENDOR).as_posix() for path in (clone / node.VENDOR).rglob("*") if path.is_file()]
    assert files == ["deep/a.js"]


def test_a_file_that_no_package_has_is_named(clone):
    with pytest.raises(Problem, match=r"a-library/dist/b\.js"):
        node.copy(clone, {"a-library/dist/b.js": "b.js"})


def test_the_lock_names_no_download_address():
    """Each machine takes the packages from the registry that it is set up for."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert not [name for name, entry in packages.items() if "resolved" in entry and not entry.get("link")]
    assert all("integrity" in entry for name, entry in packages.items() if name)
