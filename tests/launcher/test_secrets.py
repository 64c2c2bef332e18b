import os
import stat

import pytest

from launcher import secrets
from launcher.problem import Problem


def test_two_fresh_installs_differ_in_every_secret(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = secrets.load(tmp_path / "one", {}).environment()
    two = secrets.load(tmp_path / "two", {}).environment()
    assert one.keys() == two.keys()
    assert len({*one.values(), *two.values()}) == 10


def test_the_same_folder_keeps_its_secrets(tmp_path):
    assert secrets.load(tmp_path, {}) == secrets.load(tmp_path, {})


def test_only_the_owner_may_read_them(tmp_path):
    before = os.umask(0)
    try:
        secrets.load(tmp_path, {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / secrets.FILE).stat().st_mode) == 0o600


def test_a_file_that_others_may_read_is_closed_again(tmp_path):
    secrets.load(tmp_path, {})
    (tmp_path / secrets.FILE).chmod(0o644)
    secrets.load(tmp_path, {})
    assert stat.S_IMODE((tmp_path / secrets.FILE).stat().st_mode) == 0o600


def test_they_are_long_enough_for_the_audio_server(tmp_path):
    made = secrets.load(tmp_path, {})
    assert len(made.LIVEKIT_API_SECRET) >= 32
    assert len(made.STILLAIR_SECRET_KEY) >= 32
    assert made.LIVEKIT_API_KEY != "devkey"


def test_a_variable_wins_over_the_file(tmp_path):
    mine = "m" * 40
    loaded = secrets.load(tmp_path, {"STILLAIR_SECRET_KEY": mine})
    assert loaded.environment()["STILLAIR_SECRET_KEY"] == mine


@pytest.mark.parametrize("content", ["", "# nothing\n", "STILLAIR_SECRET_KEY=short\n", "LIVEKIT_API_KEY=\n", "\x00\x01"])
def test_a_broken_file_is_named_and_not_replaced(tmp_path, content):
    path = tmp_path / secrets.FILE
    path.write_text(content)
    with pytest.raises(Problem, match=r"STILLAIR_SECRET_KEY.*secrets\.env"):
        secrets.load(tmp_path, {})
    assert path.read_text() == content


def test_nothing_secret_shows_when_it_is_printed(tmp_path):
    made = secrets.load(tmp_path, {})
    shown = repr(made) + str(made) + f"{made}"
    assert not any(value in shown for value in made.environment().values())


def test_a_first_start_that_broke_off_leaves_no_half_file(tmp_path):
    (tmp_path / "secrets.env.0123abcd.part").write_text("STILLAIR_SECRET_KEY=ha")
    assert len(secrets.load(tmp_path, {}).LIVEKIT_API_SECRET) >= 32
    assert [path.name for path in tmp_path.iterdir()] == [secrets.FILE]


def test_a_file_of_an_earlier_version_gets_what_it_lacks_and_keeps_the_rest(tmp_path):
    path = tmp_path / secrets.FILE
    earlier = f"STILLAIR_SECRET_KEY={'k' * 40}\nLIVEKIT_API_KEY=APIearlier\nLIVEKIT_API_SECRET={'s' * 40}"
    path.write_text(earlier)
    made = secrets.load(tmp_path, {})
    assert path.read_text().startswith(f"{earlier}\n")
    assert made.LIVEKIT_API_KEY == "APIearlier" != made.STILLAIR_NOISE_REMOVER_KEY
    assert secrets.load(tmp_path, {}) == made
