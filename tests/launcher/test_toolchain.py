"""Set-up without what it needs: each message names the lack and the next step. The real uv runs, cut off from the network."""

import os
import re
import tomllib

import pytest

from launcher.console import Console
from launcher.problem import Problem
from launcher.settings import ROOT
from launcher.setup.stamp import Stamp
from launcher.setup.toolchain import BASE_LOCK, TEST_LOCK, Toolchain

PACKAGE = "a-package-that-no-cache-holds==1.0 --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def toolchain(tmp_path, monkeypatch):
    uv = Toolchain(ROOT, Console()).uv()  # the one that this clone works with, on PATH or not
    monkeypatch.setenv("PATH", f"{uv.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "clone").mkdir()
    for lock in (BASE_LOCK, TEST_LOCK):
        (tmp_path / "clone" / lock).write_text("")
    return Toolchain(tmp_path / "clone", Console())


def test_a_virtual_environment_is_made_once_and_again_when_the_lock_changes(toolchain):
    toolchain.sync()
    made = toolchain.python.stat().st_ctime_ns
    stamp = Stamp(toolchain.venv / "stillair-stamp")
    marker = toolchain.venv / "marker"
    marker.touch()
    toolchain.sync()
    assert toolchain.python.stat().st_ctime_ns == made
    (toolchain.root / BASE_LOCK).write_text(PACKAGE)
    with pytest.raises(Problem):
        toolchain.sync()
    assert marker.exists(), "the environment itself is kept"
    assert not stamp.matches(""), "half an installation does not look whole"


def test_the_test_environment_is_good_enough_for_a_start(toolchain, monkeypatch):
    toolchain.sync(with_tests=True)
    monkeypatch.setattr(Toolchain, "uv", lambda self: pytest.fail("installed again"))
    toolchain.sync()


def test_without_network_the_message_says_so_and_what_to_do(toolchain):
    (toolchain.root / BASE_LOCK).write_text(PACKAGE)
    with pytest.raises(Problem) as caught:
        toolchain.sync()
    assert "Python packages could not be installed" in caught.value.what
    assert "connection to the internet" in caught.value.next_step
    assert "a-package-that-no-cache-holds" in caught.value.details


def locked(name):
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]*\])?==([^ ;]+)", (ROOT / name).read_text(), re.MULTILINE))


def normalised(requirement):
    return re.match(r"[A-Za-z0-9._-]+", requirement).group().lower().replace("_", "-").replace(".", "-")


def test_the_locks_hold_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert {normalised(name) for name in project["dependencies"]} <= locked(BASE_LOCK).keys()
    assert {normalised(name) for part in ("model", "test") for name in extras[part]} <= locked(TEST_LOCK).keys()


def test_the_test_lock_holds_all_of_the_base_lock_in_the_same_versions():
    test = locked(TEST_LOCK)
    assert {name: test.get(name) for name in locked(BASE_LOCK)} == locked(BASE_LOCK)


def test_a_default_install_has_no_torch():
    assert not {name for name in locked(BASE_LOCK) if name.startswith(("torch", "nvidia", "deepfilter"))}


@pytest.mark.parametrize(
    "name", [BASE_LOCK, TEST_LOCK, *(f"launcher/setup/requirements-{tool}.lock" for tool in ("uv", "node", "go"))]
)
def test_every_locked_package_has_hashes_and_no_address(name):
    text = (ROOT / name).read_text()
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert packages
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in text
