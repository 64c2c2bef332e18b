"""schemathesis finds nothing: whatever it makes of the description, each answer is one that the description knows.

Everything is drawn in the same way at every run, and nothing leaves the process: no audio server is there, so that what needs one
answers 503. Alice asks, by a token with all scopes; most ids in paths are those of things that are there.
"""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.webapp.support.recordings_on_disk import record
from webapp.accounts import access_tokens, accounts
from webapp.core.text import clean, is_visible
from webapp.openapi.scopes import Scope
from webapp.recordings import ingest

pytestmark = pytest.mark.no_cover  # hundreds of random requests: measuring them would only take time

CONFIG = {
    "generation": {"deterministic": True, "max-examples": 8, "with-security-parameters": False},
    "phases": {
        "coverage": {"unexpected-methods": [], "extra-data-sources": {"responses": False}},
        "fuzzing": {"extra-data-sources": {"responses": False}, "error-feedback": {"enabled": False}},
        "examples": {"extra-data-sources": {"responses": False}},
    },
    "analysis": {"constants": {"enabled": False}},
    "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]}},
}
CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
DEPENDS_ON_WHAT_IS_THERE = {
    ("GET", "/api/recordings/{username_or_recording_id}"),
    ("POST", "/api/recordings/{recording_id}/clips"),
    ("GET", "/recordings/{recording_id}/audio"),
    ("GET", "/recordings/{recording_id}/audio.opus"),
    ("GET", "/recordings/{recording_id}/clip.flac"),
}
"""Whether a piece of a recording or a next page can be had; all other requests that fit their schema are accepted."""


@pytest.fixture
def headers(app, alice, bob, charlie):
    charlie.ask(alice)
    with app.app_context():
        token = access_tokens.make(accounts.find("alice"), "schemathesis", Scope, "")
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def api(app, headers, alice, bob, charlie, folder):
    known = {
        "username": ["alice", "bob", "charlie"],
        "recording_id": (recordings := [record(folder, "alice"), record(folder, "bob")]),
        "username_or_recording_id": ["alice", *recordings],
        "request_id": [alice.get("/api/friend-requests/pending").json["received"][0]["id"]],
    }
    with app.app_context():
        ingest.ingest()
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG))

    @schema.hook
    def map_path_parameters(_context, parameters):
        return {name: _known(known.get(name), value) for name, value in (parameters or {}).items()}

    return schema


def _known(ids, drawn):
    chosen = sum(map(ord, drawn))
    return ids[chosen % len(ids)] if ids and chosen % 3 else drawn


def _is_written(value):
    """Whether all texts in it are as people write them; of others control characters are taken away, and nothing may be left."""
    if isinstance(value, dict):
        return all(map(_is_written, value.values()))
    if isinstance(value, list):
        return all(map(_is_written, value))
    return not isinstance(value, str) or value == "" or (clean(value) == value and is_visible(value))


@schemathesis.pytest.from_fixture("api").exclude(path="/events").parametrize()  # without end
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_described(case, headers):
    must_fit = _is_written(case.body) and _is_written(case.query) and (case.method, case.path) not in DEPENDS_ON_WHAT_IS_THERE
    case.call_and_validate(headers=headers, checks=CHECKS + [positive_data_acceptance] * must_fit)
