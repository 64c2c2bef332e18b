"""What makes the pages an app: the browser's own judgement is in tests/e2e/test_install.py."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from tests.webapp.support.headers import directives


def test_the_manifest_names_icons_that_are_there_in_the_size_it_says(anonymous):
    response = anonymous.get("/manifest.webmanifest")
    assert response.mimetype == "application/manifest+json"
    manifest = response.get_json(force=True)
    assert (manifest["name"], manifest["display"]) == ("Stillair", "standalone")
    assert manifest["id"] == manifest["start_url"] == manifest["scope"] == "/"
    assert {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]} == {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }
    for icon in manifest["icons"]:
        assert size_of(anonymous, icon["src"]) == icon["sizes"]


def test_a_phone_finds_its_icon(alice):
    page = alice.get("/").text
    (icon,) = re.findall('<link rel="apple-touch-icon" href="([^"]+)">', page)
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert size_of(alice, icon) == "180x180"


def size_of(person, path: str) -> str:
    with Image.open(io.BytesIO(person.get(path).data)) as picture:
        assert picture.format == "PNG"
        return "{}x{}".format(*picture.size)


def test_the_service_worker_is_asked_for_anew_each_time_and_serves_the_whole_site(anonymous):
    response = anonymous.get("/service-worker.js")
    assert response.mimetype == "text/javascript"
    assert response.headers["Cache-Control"] == "no-cache"
    assert directives(response)["worker-src"] == ["'self'"]


def test_the_page_without_a_network_is_the_same_for_everybody(anonymous, alice):
    pages = [person.get("/offline").text for person in (anonymous, alice)]
    assert pages[0] == pages[1]
    assert "You are offline." in pages[0]
    assert "<script" not in pages[0]


@pytest.mark.parametrize("path", ["/service-worker.js", "/offline", "/manifest.webmanifest"])
def test_what_is_kept_by_browsers_sets_no_cookie(anonymous, path):
    assert "Set-Cookie" not in anonymous.get(path).headers
