"""A page that reads the description of the JSON API to people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup, escape

from webapp.openapi import scopes
from webapp.openapi.document import ERRORS, document

blueprint = Blueprint("pages_api", __name__, url_prefix="/api")

TYPES = {
    "string": lazy_gettext("text"),
    "number": lazy_gettext("number"),
    "integer": lazy_gettext("whole number"),
    "boolean": lazy_gettext("true or false"),
    "object": lazy_gettext("object"),
    "null": "null",
}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    described = document(current_app)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append({"method": method.upper(), "path": path, **operation})
    return render_template(
        "openapi/index.html",
        about=described["info"]["description"],
        groups=groups,
        errors=ERRORS,
        components=described["components"]["schemas"],
        scopes=scopes.SCOPES,
        address=current_app.config["STILLAIR"].public_url,
        kind=kind,
        prose=prose,
    )


def kind(schema: Mapping[str, Any]) -> Markup:
    """What a value is, in words: `list of Friend`, `text, 2 to 64 characters`."""
    if "$ref" in schema:
        return Markup('<a href="#{0}">{0}</a>').format(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return _either(kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return _either(Markup("<code>{}</code>").format(value) for value in schema["enum"])
    types = schema.get("type", "object")
    words = _either(_type(one, schema) for one in ([types] if isinstance(types, str) else types))
    limits = _limits(schema)
    return words + Markup(", ") + limits if limits else words


def _type(name: str, schema: Mapping[str, Any]) -> Markup:
    return escape(_("list of")) + " " + kind(schema["items"]) if name == "array" else escape(TYPES[name])


def _either(words: Iterable[Markup]) -> Markup:
    return Markup(" {} ").format(_("or")).join(words)


def _limits(schema: Mapping[str, Any]) -> Markup:
    unit = " " + _("characters") if "minLength" in schema or "maxLength" in schema else ""
    least, most = schema.get("minLength", schema.get("minimum")), schema.get("maxLength", schema.get("maximum"))
    if "examples" in schema:
        return Markup("{} <code>{}</code>").format(_("for example"), schema["examples"][0])
    if least is not None and most is not None:
        return escape(_("%(least)s to %(most)s", least=format(least, "g"), most=format(most, "g")) + unit)
    if most is not None:
        return escape(_("at most %(most)s", most=format(most, "g")) + unit)
    return escape(_("at least %(least)s", least=format(least, "g")) + unit) if least is not None else Markup()


def prose(text: str) -> Markup:
    """Turn the Markdown of descriptions into HTML: paragraphs, lists and `code`."""
    return Markup("\n").join(_blocks(text))


def _blocks(text: str) -> Iterator[Markup]:
    for block in re.split(r"\n\n+", text.strip()):
        if block.startswith("- "):
            items = Markup().join(Markup("<li>{}</li>").format(_line(item[2:])) for item in block.splitlines())
            yield Markup('<ul class="dashes">{}</ul>').format(items)
        else:
            yield Markup("<p>{}</p>").format(_line(block))


def _line(text: str) -> Markup:
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if number % 2 else escape(part) for number, part in enumerate(text.split("`")))
