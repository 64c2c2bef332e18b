"""The description of the API is whole. Whether answers are as described is looked at with all requests of tests (answers.py)."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from typing_extensions import TypedDict

import webapp
from tests.webapp.test_access import MATRIX
from webapp.events import kinds
from webapp.openapi import document as openapi_document
from webapp.openapi import operations

HOW = """Every route of the JSON API is an operation:

    @blueprint.post("/title")
    @operation(scope=Scope.STREAM, errors=(404,))
    def set_title(body: NewTitle) -> RunningStream:
        \"\"\"Change the title of your stream.\"\"\"

webapp/openapi/operations.py says what each part of it means. Missing: """


@pytest.fixture
def document(app):
    return openapi_document.document(app)


def api_endpoints(app) -> set[str]:
    """Pages are for people, and the webhook is for the audio server only."""
    return {rule.endpoint for rule in app.url_map.iter_rules() if not rule.endpoint.startswith(("pages_", "static", "webhook."))}


def test_every_route_of_the_api_is_described(app, document):
    described = {rule.endpoint for rule, _, _ in operations.described(app)}
    assert described == api_endpoints(app), HOW + ", ".join(sorted(api_endpoints(app) - described))


def test_the_document_names_the_routes_that_are_there_and_no_other(app, document):
    named = {
        (method.upper(), re.sub(r"{\w+}", "{}", path), operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert named == {
        (MATRIX[rule.endpoint].method, re.sub(r"<\w+>", "{}", rule.rule), operations.operation_id(rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint in api_endpoints(app)
    }


def test_no_two_paths_are_the_same_but_for_names(document):
    shapes = [re.sub(r"{\w+}", "{}", path) for path in document["paths"]]
    assert len(set(shapes)) == len(shapes)


def test_every_reference_leads_somewhere(document):
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        part = document
        for name in reference.split("/"):
            part = part[name]


def test_every_schema_is_one(document):
    found = list(schemas_in(document["paths"])) + list(document["components"]["schemas"].values())
    assert len(found) > 100
    for schema in found:
        Draft202012Validator.check_schema(schema)


def schemas_in(node):
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "schema":
            yield value
        else:
            yield from schemas_in(value)


def test_who_must_log_in_is_described(app):
    needed = {rule.endpoint for rule, _, operation in operations.described(app) if operation.login}
    assert needed == {endpoint for endpoint in api_endpoints(app) if MATRIX[endpoint].statuses["anonymous"] == 401}


def test_the_document_is_served(anonymous, document):
    assert anonymous.get("/api/openapi.json").json == json.loads(json.dumps(document))


def test_every_part_of_a_path_is_described(document):
    assert all(
        set(re.findall(r"{(\w+)}", path)) == {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        for path, methods in document["paths"].items()
        for operation in methods.values()
    )


def test_two_objects_with_one_name_are_refused():
    schemas = openapi_document.Schemas()
    schemas.reference(TypedDict("Thing", {"name": str}))
    with pytest.raises(ValueError, match="Two schemas"):
        schemas.reference(TypedDict("Thing", {"name": int}))


def test_what_a_request_brings_is_read_only_by_what_is_declared(app):
    """A view that looked into the request itself would take what nobody is told about."""
    views = {inspect.unwrap(app.view_functions[rule.endpoint]) for rule, _, _ in operations.described(app)}
    files = {inspect.getsourcefile(view) for view in views}
    assert len(files) > 8
    looks = re.compile(r"request\.(args|form|json|get_json|values|data)")
    assert [file for file in files if looks.search(Path(file).read_text(encoding="utf-8"))] == []


def published() -> set[str]:
    """Kinds that are given to `publish`, and to those functions that pass them on."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in Path(webapp.__file__).parent.rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    telling = [call for call in calls if re.search(r"(publish|_tell)$", ast.unparse(call.func))]
    words = {argument.value for call in telling for argument in call.args if isinstance(argument, ast.Constant)}
    return {word for word in words if isinstance(word, str) and re.fullmatch(r"[a-z_]+\.[a-z_]+", word)}


def test_every_kind_of_event_is_described():
    told = published()
    assert len(told) > 10
    assert told == kinds.KINDS.keys() - {"resync"}, "webapp.events.kinds says what is sent; the page /api/ shows it."


def test_a_person_can_read_it_without_javascript(anonymous, document):
    page = anonymous.get("/api/").get_data(as_text=True)
    ids = set(re.findall(r'id="([^"]+)"', page))
    assert {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()} <= ids
    assert set(re.findall(r'href="#([^"]+)"', page)) <= ids
    assert "Authorization: Bearer" in page
