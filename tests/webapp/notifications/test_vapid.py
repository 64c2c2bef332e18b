from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from webapp.notifications import vapid


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path):
    key = vapid.public_key(tmp_path)
    assert vapid.public_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / vapid.FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [vapid.FILE]


def test_two_data_folders_have_two_keys(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert vapid.public_key(tmp_path / "a") != vapid.public_key(tmp_path / "b")


def test_programs_that_need_it_at_once_get_the_same(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: vapid.public_key(tmp_path), range(8)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == [vapid.FILE]


def test_browsers_get_an_uncompressed_point_in_base64url(tmp_path):
    key = vapid.public_key(tmp_path)
    assert (len(key), key[0]) == (87, "B")
    assert not set(key) & set("+/=")


OTHER_KEY = ed25519.Ed25519PrivateKey.generate().private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


@pytest.mark.parametrize("content", [b"", b"no key", OTHER_KEY], ids=["empty", "text", "another kind of key"])
def test_a_file_that_holds_no_key_is_not_used(tmp_path, content):
    (tmp_path / vapid.FILE).write_bytes(content)
    with pytest.raises(ValueError):
        vapid.load(tmp_path)
    assert (tmp_path / vapid.FILE).read_bytes() == content
