import pytest

from contract.recording_files import ENDINGS, FILE_STEM, RECORDING_ID, recording_file, remove_files

ID, OTHER = "5" * 32, "6" * 32


@pytest.mark.parametrize("recording_id", ["", "..", "../evil", "a/b", "5" * 31, "5" * 33, "G" * 32, f"{ID}\n", "５" * 32])
def test_an_id_cannot_name_a_file_elsewhere(tmp_path, recording_id):
    with pytest.raises(ValueError, match="cannot be a file name"):
        recording_file(tmp_path, recording_id, "flac")


def test_a_copy_under_another_name_can_be_repaired(tmp_path):
    assert recording_file(tmp_path, "my-talk_2", "flac", ids=FILE_STEM) == tmp_path / "my-talk_2.flac"
    assert all(ids.fullmatch(ID) for ids in (RECORDING_ID, FILE_STEM))
    with pytest.raises(ValueError, match="cannot be a file name"):
        recording_file(tmp_path, "a/b", "flac", ids=FILE_STEM)


def test_a_recording_goes_with_all_its_files_and_what_interrupted_programs_left(tmp_path):
    for name in (*ENDINGS, "json.0123abcd.part", "opus.x1y2z3.part"):
        (tmp_path / f"{ID}.{name}").touch()
        (tmp_path / f"{OTHER}.{name}").touch()
    remove_files(tmp_path, ID)
    assert {path.name.partition(".")[0] for path in tmp_path.iterdir()} == {OTHER}
    assert len(list(tmp_path.iterdir())) == len(ENDINGS) + 2
    remove_files(tmp_path / "not there", ID)
