import io
import os

import pytest

from launcher.console import Console
from launcher.run import data_folder
from launcher.settings import Settings


@pytest.fixture(autouse=True)
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def prepare(tmp_path):
    def prepare():
        said = io.StringIO()
        settings = Settings.of(data=tmp_path / "data", host="127.0.0.1", port=9000, environment={})
        data_folder.prepare(settings, Console(said))
        return said.getvalue()

    return prepare


def open_to_others(data):
    return {str(path.relative_to(data.parent)) for path in (data, *data.rglob("*")) if path.lstat().st_mode & 0o077}


def test_a_new_folder_is_private_and_nothing_is_said_of_it(prepare, tmp_path):
    assert prepare() == ""
    (tmp_path / "data" / "written later").touch()
    assert open_to_others(tmp_path / "data") == set()


def test_a_folder_that_others_may_read_is_closed_with_everything_of_ours_in_it(prepare, tmp_path):
    data = tmp_path / "data"
    (data / "recordings" / "deep").mkdir(parents=True)
    ours = ["stillair.db", "stillair.db-wal", "recordings/a.flac", "recordings/deep/b.json", "secrets.env"]
    for name in (*ours, "notes of mine.txt"):
        (data / name).touch()
    assert prepare() == f"Others on this machine might have read {data} (8 files and folders); now they cannot.\n"
    assert open_to_others(data) == {"data/notes of mine.txt"}
    assert prepare() == ""


def test_what_a_link_leads_to_is_left_alone(prepare, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "of somebody else").touch()
    (tmp_path / "data" / "recordings").mkdir(parents=True)
    (tmp_path / "data" / "avatars").symlink_to(elsewhere)
    (tmp_path / "data" / "recordings" / "more").symlink_to(elsewhere)
    prepare()
    assert open_to_others(elsewhere) == {"elsewhere", "elsewhere/of somebody else"}
