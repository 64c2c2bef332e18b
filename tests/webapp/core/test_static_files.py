"""Addresses of static files change with their content; scripts name all that they import."""

import re

import pytest

from webapp.core.static_files import scripts_of, version_of


def test_a_page_names_files_that_a_browser_may_keep_for_good(alice):
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', alice.get("/live").text)
    assert len(addresses) > 10
    for address in addresses:
        answer = alice.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, immutable, max-age=31536000"


def test_a_page_of_before_an_update_goes_on_with_the_scripts_that_there_are(app):
    client = app.test_client()
    answer = client.get("/static/v-0123456789ab/js/app.js", headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.content_encoding) == (200, "gzip")
    assert answer.headers["Cache-Control"] == client.get("/static/js/app.js").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "v-0123456789ab/",
        "v-0123456789ab/../config.py",
        "v-0123456789ab/v-0123456789ab/js/app.js",
        "v-x/js/app.js",
    ],
)
def test_what_is_no_file_is_not_found(app, path):
    assert app.test_client().get(f"/static/{path}").status_code == 404


def test_a_version_tells_of_every_change(tmp_path):
    (tmp_path / "a.js").write_text("1")
    versions = [version_of(tmp_path)]
    (tmp_path / "a.js").write_text("2")
    version_of.cache_clear()
    versions.append(version_of(tmp_path))
    (tmp_path / "a.js").rename(tmp_path / "b.js")
    version_of.cache_clear()
    versions.append(version_of(tmp_path))
    assert len(set(versions)) == 3


def test_scripts_with_all_that_they_import(tmp_path):
    for name, text in {
        "js/app.js": 'import "./one.js";\nimport {\n  two,\n} from "../lib/two.js";\nconst later = () => import("./later.js");\n',
        "js/one.js": 'export { x } from "./three.js";\n',
        "lib/two.js": 'import { a } from "../js/one.js";\n',
        "js/three.js": '// import "./none.js";\n',
        "js/later.js": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert scripts_of(tmp_path, "js/app.js") == ("js/app.js", "js/one.js", "lib/two.js", "js/three.js")


@pytest.mark.parametrize(("path", "view"), [("/live", "live/live"), ("/listen/bob", "listen/listen")])
def test_a_page_names_the_scripts_of_its_view_and_not_the_audio_servers(alice, bob, path, view):
    page = alice.get(path).text
    assert re.search(rf'<link rel="modulepreload" href="/static/v-[0-9a-f]{{12}}/js/{view}-view.js" fetchpriority="low">', page)
    assert "js/audio/connection.js" in page
    assert "livekit-client" not in page
