import subprocess

import pytest

from launcher.console import Console
from launcher.setup import livekit_server
from launcher.setup.livekit_server import DownloadError, checksum_of, installed, version_of
from launcher.setup.toolchain import Toolchain

CHECKSUMS = f"{'a' * 64}  livekit_1.13.5_linux_amd64.tar.gz\n{'b' * 64}  livekit_1.13.5_linux_arm64.tar.gz\n"


def program(path, version):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho livekit-server version {version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def toolchain(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return Toolchain(tmp_path, Console())


def test_the_checksum_of_the_right_archive_is_taken():
    assert checksum_of("livekit_1.13.5_linux_arm64.tar.gz", CHECKSUMS) == "b" * 64


def test_an_archive_without_checksum_is_refused():
    with pytest.raises(DownloadError, match="riscv"):
        checksum_of("livekit_1.13.5_linux_riscv.tar.gz", CHECKSUMS)


def test_another_version_on_path_is_passed_over(toolchain, tmp_path):
    program(tmp_path / "path" / "livekit-server", "1.9.0")
    assert installed(toolchain, tmp_path / "data") is None
    own = program(tmp_path / "data" / "bin" / "livekit-server", livekit_server.VERSION)
    assert installed(toolchain, tmp_path / "data") == own


def test_the_right_version_on_path_comes_first(toolchain, tmp_path):
    program(tmp_path / "data" / "bin" / "livekit-server", livekit_server.VERSION)
    found = program(tmp_path / "path" / "livekit-server", livekit_server.VERSION)
    assert installed(toolchain, tmp_path / "data") == found


def test_one_build_serves_every_data_folder(toolchain, tmp_path):
    cached = program(tmp_path / ".tools" / f"livekit-server-{livekit_server.VERSION}", livekit_server.VERSION)
    assert installed(toolchain, tmp_path / "one") == installed(toolchain, tmp_path / "two") == cached


@pytest.mark.parametrize("content", ["", "not a program", "#!/bin/sh\nexit 1\n", "#!/no/such/shell\n"])
def test_a_broken_program_has_no_version(tmp_path, content):
    path = tmp_path / "livekit-server"
    path.write_text(content)
    path.chmod(0o755)
    assert version_of(path) is None


def test_no_program_has_no_version(tmp_path):
    assert version_of(tmp_path / "nothing") is None


def test_the_version_that_is_pinned_is_the_one_of_the_container():
    dockerfile = (livekit_server.Path(__file__).parents[2] / "Dockerfile").read_text()
    assert f"livekit-server:v{livekit_server.VERSION}" in dockerfile


def test_a_go_that_does_not_answer_counts_as_none(tmp_path):
    assert livekit_server._go_version(tmp_path / "go") < livekit_server.GO_AT_LEAST
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go version go1.22.3 linux/amd64\n")
    go.chmod(0o755)
    assert subprocess.run([go], check=True).returncode == 0
    assert livekit_server._go_version(go) == (1, 22)
