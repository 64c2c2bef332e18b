import gzip

import pytest


def get(client, path, encodings="gzip"):
    return client.get(path, headers={"Accept-Encoding": encodings})


@pytest.mark.parametrize("path", ["css/components.css", "js/live/broadcast.js", "vendor/livekit-client.js"])
def test_text_comes_compressed_and_whole(app, path):
    client = app.test_client()
    plain, small = get(client, f"/static/{path}", ""), get(client, f"/static/{path}")
    assert (plain.content_encoding, small.content_encoding) == (None, "gzip")
    assert gzip.decompress(small.data) == plain.data
    assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data) / 2
    assert "Accept-Encoding" in plain.vary
    assert "Accept-Encoding" in small.vary


def test_a_browser_that_has_it_gets_nothing(app):
    client = app.test_client()
    etag = get(client, "/static/css/base.css").headers["ETag"]
    again = client.get("/static/css/base.css", headers={"Accept-Encoding": "gzip", "If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


FONT = "/static/fonts/figtree-latin-wght-normal.woff2"


@pytest.mark.parametrize("path", [FONT, "/login", "/api/session", "/static/css/none.css"])
def test_fonts_pages_and_answers_are_sent_as_they_are(app, alice, path):
    assert get(app.test_client(), path).content_encoding is None
