"""Serves "Hear the difference": a noisy sample, cleaned on this server, for everybody who comes by."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from webapp.core import http_probe
from webapp.home import demo_samples

blueprint = Blueprint("pages_difference", __name__, url_prefix="/difference")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    return render_template("home/demo/index.html")


@blueprint.get("/<sample>.json")
def description(sample: str) -> ResponseReturnValue:
    return _passed_on(demo_samples.description(sample), "application/json")


@blueprint.get("/<sample>-<which>.flac")
def sound(sample: str, which: str) -> ResponseReturnValue:
    return _passed_on(demo_samples.sound(sample, which), "audio/flac")


def _passed_on(answer: http_probe.Answer, mimetype: str) -> Response:
    """Pass an answer on.

    It changes only with the model or the sample, so a browser asks again and gets nothing when it has not.
    """
    response = Response(answer.body, mimetype=mimetype)
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(answer.etag.strip('"'))
    return response.make_conditional(request, accept_ranges=True, complete_length=len(answer.body))  # type: ignore[return-value]
