"""Pictures of people: what is taken, what is left of it, and who is shown it."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from dataclasses import replace

import pytest
from PIL import Image, PngImagePlugin

from tests.webapp.support.pictures import opened, picture_file
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.profiles import avatars
from webapp.security import rate_limits

SIDE = 256


def send(person, picture: bytes, name: str = "me.png"):
    """As the form in the settings; follows the redirect to the page that says what became of it."""
    data = {"csrf_token": person.csrf_token, "avatar": (io.BytesIO(picture), name)}
    return person.client.post("/settings/avatar", data=data, content_type="multipart/form-data", follow_redirects=True)


def address(app, username: str = "alice") -> str | None:
    with app.app_context():
        return accounts.find(username).avatar_url


def shown(app, person) -> bytes:
    answer = person.get(address(app))
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    return answer.data


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_becomes_a_square_that_browsers_may_keep(app, alice, bob, kind):
    assert "Saved. Friends see your new picture." in send(alice, picture_file(kind, (300, 200))).text
    answer = bob.get(address(app))
    assert opened(answer.data).size == (SIDE, SIDE)
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert f'<img src="{address(app)}" alt=""' in bob.get("/").text


def test_a_new_picture_has_a_new_address_and_the_old_one_is_gone(app, config, alice):
    send(alice, picture_file())
    first = address(app)
    send(alice, picture_file(colour=(0, 0, 255)))
    assert address(app) != first
    assert alice.get(first).status_code == 404
    assert "Removed." in alice.post("/settings/avatar/remove", follow_redirects=True).text
    assert address(app) is None
    assert list((config.data / "avatars").iterdir()) == []


def test_initials_stand_where_no_picture_is(alice, bob):
    assert "<img" not in bob.get("/").text
    assert re.search(r'data-face-of="alice">\s*A\s*</span>', bob.get("/").text)


def photograph() -> bytes:
    """Upright only when it is turned: its left half is red, and the camera lay on its side. It says where it was taken."""
    image = Image.new("RGB", (200, 100), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 100, 100))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "canary of a place"  # a quarter turn clockwise
    target = io.BytesIO()
    image.save(target, "JPEG", exif=exif, comment=b"canary of a comment", icc_profile=b"canary of a profile")
    return target.getvalue()


def test_a_photograph_is_turned_upright_and_says_no_more_where_it_was_taken(app, alice):
    send(alice, photograph(), "photo.jpg")
    data = shown(app, alice)
    top, bottom = (opened(data).convert("RGB").getpixel((SIDE // 2, y)) for y in (10, SIDE - 10))
    assert top[0] > 200 > 60 > top[2]
    assert bottom[2] > 200 > 60 > bottom[0]
    assert b"canary" not in data
    assert not opened(data).info.keys() & {"exif", "icc_profile", "xmp", "comment"}


def test_of_a_picture_that_moves_the_first_one_is_taken(app, alice):
    target = io.BytesIO()
    frames = [Image.new("RGB", (50, 50), colour) for colour in ((0, 255, 0), (255, 0, 0))]
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    send(alice, target.getvalue(), "moves.gif")
    picture = opened(shown(app, alice))
    assert not getattr(picture, "is_animated", False)
    assert picture.convert("RGB").getpixel((SIDE // 2, SIDE // 2))[1] > 200


def test_transparent_parts_stay_transparent(app, alice):
    send(alice, picture_file(mode="RGBA", colour=(255, 0, 0, 0)))
    assert opened(shown(app, alice)).convert("RGBA").getpixel((5, 5))[3] == 0


def polyglot(tail: bytes) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "<script>alert('canary')</script>", zip=False)
    return picture_file(pnginfo=info) + tail


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("canary.html", "<script>canary</script>")
    return target.getvalue()


@pytest.mark.parametrize("tail", [b"<html><script>canary</script></html>", zipped()], ids=["page", "archive"])
def test_of_a_file_that_is_two_things_at_once_only_the_picture_is_left(app, alice, tail):
    send(alice, polyglot(tail))
    data = shown(app, alice)
    assert b"canary" not in data
    assert b"<script" not in data
    assert not zipfile.is_zipfile(io.BytesIO(data))


def png_of(width: int, height: int) -> bytes:
    """Says it is so large; a few bytes that would unpack to a few rows."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
TOO_LARGE = "This picture is larger than 2 MB. Choose a smaller one."
TOO_MANY = "This picture has more than 16 million pixels. Choose a smaller one."
UNKNOWN = "This file cannot be used as a picture. Choose a JPEG, PNG, WebP or GIF."
DAMAGED = "This picture is damaged. Choose another."


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("picture", "name", "words"),
    [
        (b"", "me.png", "Choose a picture first."),
        (SVG, "me.svg", UNKNOWN),
        (SVG, "me.png", UNKNOWN),
        (b"GIF89a", "me.gif", UNKNOWN),
        (b"%PDF-1.7 canary", "me.jpg", UNKNOWN),
        (picture_file("BMP"), "me.bmp", UNKNOWN),
        (picture_file("TIFF"), "me.png", UNKNOWN),
        (picture_file(size=(300, 300))[:-40], "me.png", DAMAGED),
        (picture_file("JPEG", (300, 300))[:600], "me.jpg", DAMAGED),
        (png_of(400, 400), "me.png", DAMAGED),
        (png_of(4001, 4000), "me.png", TOO_MANY),
        (png_of(10_000, 10_000), "me.png", TOO_MANY),
        (png_of(2**31 - 1, 2**31 - 1), "me.png", TOO_MANY),
        (picture_file() + bytes(2 * 2**20), "me.png", TOO_LARGE),
        (bytes(3 * 2**20), "me.png", TOO_LARGE),
    ],
)
def test_what_is_no_picture_for_this_is_refused_and_says_why(app, alice, picture, name, words):
    answer = send(alice, picture, name)
    assert words in answer.text
    assert answer.request.path == "/settings/"
    assert address(app) is None


def test_no_other_form_and_nobody_who_is_not_logged_in_may_send_so_much(alice, anonymous):
    large = {"data": {"avatar": (io.BytesIO(bytes(100_000)), "me.png")}, "content_type": "multipart/form-data"}
    assert alice.request("POST", "/settings/", **large).status_code == 413
    large["data"]["avatar"] = (io.BytesIO(bytes(100_000)), "me.png")
    assert anonymous.request("POST", "/settings/avatar", **large).status_code == 413


def test_a_picture_is_tried_only_so_often_in_an_hour(alice, monkeypatch):
    monkeypatch.setitem(rate_limits.LIMITS, "picture", replace(rate_limits.LIMITS["picture"], maximum=2))
    for _ in range(2):
        assert UNKNOWN in send(alice, SVG).text
    assert "You have uploaded too many pictures in the last hour." in send(alice, picture_file()).text


def test_open_pages_of_friends_are_told_of_a_new_picture(app, alice, bob):
    with bob.events() as his:
        send(alice, picture_file())
        kind, data = his.next()
    assert (kind, data["avatar"]) == ("friend.renamed", address(app))


@pytest.mark.parametrize("name", ["..%2fstillair.db", "x", "", "0" * 32])
def test_other_addresses_lead_to_nothing(alice, name):
    assert alice.get(f"/avatars/{name}.webp").status_code == 404


def test_a_picture_that_cannot_be_written_changes_nothing(app, config, context):
    (config.data / "avatars").write_text("in the way")
    user = accounts.register("alice", "correct horse battery")
    with pytest.raises(avatars.Conflict, match="Not saved"):
        avatars.change(user, picture_file())
    db.session.refresh(user)
    assert user.avatar is None
