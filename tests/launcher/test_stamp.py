from launcher.setup.stamp import Stamp, fingerprint


def test_no_stamp_matches_nothing(tmp_path):
    assert not Stamp(tmp_path / "stamp").matches(fingerprint(["anything"]))


def test_it_matches_what_was_set_and_nothing_else(tmp_path):
    stamp = Stamp(tmp_path / "deep" / "stamp")
    stamp.set(fingerprint(["one"]), fingerprint(["two"]))
    assert stamp.matches(fingerprint(["one"]))
    assert stamp.matches(fingerprint(["two"]))
    assert not stamp.matches(fingerprint(["three"]))


def test_an_installation_that_broke_off_does_not_look_whole(tmp_path):
    stamp = Stamp(tmp_path / "stamp")
    stamp.set(fingerprint(["one"]))
    stamp.clear()
    assert not stamp.matches(fingerprint(["one"]))


def test_a_changed_file_changes_the_fingerprint(tmp_path):
    lock = tmp_path / "lock"
    lock.write_text("flask==1")
    before = fingerprint([lock, "3.11.7"])
    assert before == fingerprint([lock, "3.11.7"])
    assert before != fingerprint([lock, "3.12.0"])
    lock.write_text("flask==2")
    assert before != fingerprint([lock, "3.11.7"])


def test_inputs_do_not_run_into_each_other():
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])
