"""GET /api/openapi.json: the description of all this."""

from __future__ import annotations

from flask import Blueprint, current_app

from webapp.openapi.document import Document, document
from webapp.openapi.operations import operation

blueprint = Blueprint("api_description", __name__, url_prefix="/api")


@blueprint.get("/openapi.json")
@operation(login=False)
def show() -> Document:
    """This document."""
    return document(current_app)
