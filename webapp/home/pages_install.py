"""Makes the pages an app that can be installed: manifest, service worker, and the page for those without a network."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, render_template, send_from_directory
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.i18n.language import current

blueprint = Blueprint("pages_install", __name__)


@blueprint.get("/manifest.webmanifest")
def manifest() -> ResponseReturnValue:
    response = jsonify(
        id="/",
        lang=current(),
        name="Stillair",
        short_name="Stillair",
        description=_("Be on air for your friends, without the noise around you."),
        start_url="/",
        scope="/",
        display="standalone",
        background_color="#f1f6f6",
        theme_color="#f1f6f6",
        icons=[
            _icon("icon-192.png", "192x192", "any"),
            _icon("icon-512.png", "512x512", "any"),
            _icon("maskable-512.png", "512x512", "maskable"),
        ],
        shortcuts=[{"name": _("Start Streaming"), "url": "/live"}, {"name": _("Recordings"), "url": "/recordings/"}],
    )
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/service-worker.js")
def service_worker() -> ResponseReturnValue:
    """Serve the script at the root, because its place decides which pages it may serve."""
    response: Response = send_from_directory(f"{current_app.static_folder}/js", "service-worker.js", mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/offline")
def offline() -> ResponseReturnValue:
    """Show what the service worker keeps, in the language of that moment; nothing in it is personal."""
    return render_template("offline.html")


def _icon(name: str, sizes: str, purpose: str) -> dict[str, str]:
    """Describe an icon at an address that stays, for another address would be another icon to the system."""
    return {"src": f"/static/icons/{name}", "sizes": sizes, "type": "image/png", "purpose": purpose}
