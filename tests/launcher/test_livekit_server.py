import hashlib
import io
import json
import tarfile

import pytest

from launcher.console import Console
from launcher.problem import Problem
from launcher.setup import livekit_server
from launcher.setup.livekit_server import DownloadError, find, installed, unpacked, version_of
from launcher.setup.toolchain import Toolchain

VERSION = livekit_server.VERSION


def program(path, version):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho livekit-server version {version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def toolchain(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return Toolchain(tmp_path, Console())


def archive(name="livekit-server"):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as files:
        entry = tarfile.TarInfo(name)
        entry.size = 7
        files.addfile(entry, io.BytesIO(b"program"))
    return content.getvalue()


def test_the_program_is_taken_out_of_the_archive_that_was_tested():
    assert unpacked(archive(), hashlib.sha256(archive()).hexdigest()) == b"program"


def test_one_flipped_bit_in_the_archive_is_refused_and_both_hashes_are_told():
    changed = bytearray(archive())
    changed[30] ^= 1
    expected = livekit_server.ARCHIVES["amd64"]
    with pytest.raises(DownloadError, match=f"its SHA-256 is {hashlib.sha256(changed).hexdigest()}, not {expected}"):
        unpacked(bytes(changed), expected)


def test_a_release_that_was_replaced_is_refused_although_its_own_list_of_checksums_fits(toolchain, monkeypatch):
    monkeypatch.setattr(livekit_server, "_get", lambda url: archive())
    monkeypatch.setattr(livekit_server.platform, "machine", lambda: "x86_64")
    with pytest.raises(DownloadError, match="its SHA-256 is"):
        livekit_server._download(toolchain.tools / "livekit-server", Console())
    assert not (toolchain.tools / "livekit-server").exists()


def test_a_program_on_path_or_in_the_data_folder_is_not_taken_for_its_word(toolchain, tmp_path):
    program(tmp_path / "path" / "livekit-server", VERSION)
    program(tmp_path / "data" / "bin" / "livekit-server", VERSION)
    assert installed(toolchain, None) is None


def test_the_one_that_the_person_names_comes_first(toolchain, tmp_path):
    program(tmp_path / ".tools" / f"livekit-server-{VERSION}", VERSION)
    own = program(tmp_path / "own" / "livekit-server", VERSION)
    assert find(toolchain, own) == own


def test_one_of_another_version_is_refused_although_the_right_one_is_there(toolchain, tmp_path):
    program(tmp_path / ".tools" / f"livekit-server-{VERSION}", VERSION)
    own = program(tmp_path / "own" / "livekit-server", "1.9.0")
    with pytest.raises(Problem, match=r"STILLAIR_LIVEKIT_SERVER is .*/own/livekit-server"):
        find(toolchain, own)


def test_one_build_serves_every_data_folder(toolchain, tmp_path):
    cached = program(tmp_path / ".tools" / f"livekit-server-{VERSION}", VERSION)
    assert find(toolchain, None) == cached


def go_that_tells(path, total):
    """Makes a `go` that says this of the source that it has downloaded."""
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({'Sum': total, 'Dir': str(path.parent)})}\nEND\n")
    path.chmod(0o755)
    return path


def test_the_source_that_was_tested_is_built(tmp_path):
    go = go_that_tells(tmp_path / "go" / "go", livekit_server.MODULE_HASH)
    assert livekit_server._source(go, tmp_path, {}) == go.parent


def test_another_source_of_the_same_version_is_not_built(tmp_path):
    go = go_that_tells(tmp_path / "go" / "go", "h1:another=")
    with pytest.raises(Problem, match="its hash is h1:another=, not h1:"):
        livekit_server._source(go, tmp_path, {})


@pytest.mark.parametrize("content", ["", "not a program", "#!/bin/sh\nexit 1\n", "#!/no/such/shell\n"])
def test_a_broken_program_has_no_version(tmp_path, content):
    path = tmp_path / "livekit-server"
    path.write_text(content)
    path.chmod(0o755)
    assert version_of(path) is None


def test_no_program_has_no_version(tmp_path):
    assert version_of(tmp_path / "nothing") is None


def test_a_go_that_does_not_answer_counts_as_none(tmp_path):
    assert livekit_server._go_version(tmp_path / "go") < livekit_server.GO_AT_LEAST
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go version go1.22.3 linux/amd64\n")
    go.chmod(0o755)
    assert livekit_server._go_version(go) == (1, 22)
