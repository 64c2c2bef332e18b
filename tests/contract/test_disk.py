import io
import os
import stat
import threading

import pytest

from contract.disk import atomic_write, existing_folder, free_bytes


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.json"


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("kind", [bytes, io.BytesIO])
@pytest.mark.parametrize("content", [b"", b"new"])
def test_the_new_content_takes_the_place_of_the_old(path, kind, content, durable):
    path.write_bytes(b"old")
    atomic_write(path, kind(content), durable=durable)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("options", "mode"), [({}, 0o600), ({"mode": 0o755}, 0o755), ({"mode": 0o666}, 0o644)])
def test_others_may_read_it_only_if_that_is_asked_for(path, umask, options, mode):
    path.touch(0o666)
    atomic_write(path, b"new", durable=False, **options)
    assert stat.S_IMODE(path.stat().st_mode) == mode


class Torn(io.BytesIO):
    """Cannot be read to its end."""

    def read(self, size=-1):
        return super().read(size) or self._fail()

    def _fail(self):
        raise OSError("torn")


def test_what_fails_leaves_the_old_content_and_nothing_else(path):
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="torn"):
        atomic_write(path, Torn(b"half"), durable=True)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_link_is_replaced_and_what_it_leads_to_is_not(path, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    path.symlink_to(elsewhere)
    atomic_write(path, b"new", durable=False)
    assert (path.read_bytes(), path.is_symlink(), elsewhere.read_bytes()) == (b"new", False, b"precious")


def test_of_two_that_make_a_file_at_once_the_first_wins(path):
    atomic_write(path, b"first", durable=True, exclusive=True)
    with pytest.raises(FileExistsError):
        atomic_write(path, b"second", durable=True, exclusive=True)
    assert path.read_bytes() == b"first"
    assert list(path.parent.iterdir()) == [path]


def test_several_writers_of_one_file_never_mix(path):
    contents = [bytes([letter]) * 100_000 for letter in b"abcd"]
    writers = [
        threading.Thread(target=lambda content: [atomic_write(path, content, durable=False) for _ in range(50)], args=(content,))
        for content in contents
    ]
    path.write_bytes(contents[0])
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_bytes() in contents
    assert list(path.parent.iterdir()) == [path]


def test_room_is_that_of_the_disk_where_a_folder_would_be_made(tmp_path):
    assert existing_folder(tmp_path / "not" / "yet") == tmp_path
    found = os.statvfs(tmp_path)
    assert free_bytes(tmp_path) == pytest.approx(found.f_bavail * found.f_frsize, rel=0.1)
    with pytest.raises(FileNotFoundError):
        free_bytes(tmp_path / "not")
