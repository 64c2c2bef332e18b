import io
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from launcher import audit
from launcher.console import Console
from launcher.dependencies import GO, JAVASCRIPT, PYTHON, Dependency, all_of_them, shipped
from launcher.setup import livekit_server
from tests.free_ports import some_free_block


@contextmanager
def database(answer, status=200):
    """Stands in for OSV on this machine. `answer`: makes the body from the questions."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            assert self.path == "/v1/querybatch"
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer(queries))

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", some_free_block()), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def ask(answer, status=200):
    said = io.StringIO()
    with database(answer, status) as address:
        return audit.audit(Console(said), database=address), said.getvalue()


def test_what_is_known_of_a_package_is_told_with_its_version():
    flask = next(one for one in shipped() if one.name == "flask")

    def answer(queries):
        asked = [query["package"] | {"version": query["version"]} for query in queries]
        assert {"ecosystem": "PyPI", "name": "flask", "version": flask.version} in asked
        told = [{"vulns": [{"id": "GHSA-1"}, {"id": "CVE-2"}]} if one["name"] == "flask" else {} for one in asked]
        return json.dumps({"results": told}).encode()

    status, said = ask(answer)
    assert status == audit.FOUND
    assert f"PyPI flask {flask.version}: GHSA-1, CVE-2\n" in said


def test_nothing_known_is_success():
    status, said = ask(lambda queries: json.dumps({"results": [{} for _ in queries]}).encode())
    assert (status, "NOT CHECKED" in said) == (audit.CLEAN, False)
    assert said.startswith(f"{len(all_of_them())} packages were checked")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"{}", 200),
        (b"", 200),
        (b"null", 200),
        (b'{"results": []}', 200),
        (b'{"results": [{}]}', 200),
        (b"{}", 405),
        (b"[]", 503),
    ],
)
def test_an_answer_that_is_none_is_not_taken_for_nothing_known(answer, status):
    found, said = ask(lambda queries: answer, status)
    assert found == audit.NOT_CHECKED
    assert said.startswith("NOT CHECKED")


def test_a_database_that_cannot_be_reached_is_not_taken_for_nothing_known():
    said = io.StringIO()
    assert audit.audit(Console(said), database=f"http://127.0.0.1:{some_free_block()}") == audit.NOT_CHECKED


def test_what_is_shipped_is_everything_but_what_only_tests_and_the_set_up_use():
    names = {(one.ecosystem, one.name) for one in shipped()}
    more = {(one.ecosystem, one.name) for one in all_of_them()}
    assert {(PYTHON, "flask"), (JAVASCRIPT, "livekit-client"), (GO, "github.com/livekit/livekit-server")} <= names <= more
    assert {(PYTHON, "pytest"), (PYTHON, "uv"), (JAVASCRIPT, "@biomejs/biome")} <= more - names


def test_package_urls():
    urls = {one.url for one in all_of_them()}
    assert f"pkg:golang/github.com/livekit/livekit-server@v{livekit_server.VERSION}" in urls
    assert Dependency(JAVASCRIPT, "@biomejs/biome", "2.6.8").url == "pkg:npm/%40biomejs/biome@2.6.8"
