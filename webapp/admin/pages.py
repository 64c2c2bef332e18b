"""Serves the admin's pages about the server: status, live streams, storage, registration, log.

Those about people are in `pages_people`.
"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from webapp.admin import admission, status, storage_report
from webapp.auth import registration
from webapp.core.errors import Invalid
from webapp.core.version import VERSION
from webapp.factors import requirement
from webapp.security import audit
from webapp.streams import queries as stream_queries
from webapp.streams import state

blueprint = Blueprint("pages_admin", __name__, url_prefix="/admin")
blueprint.before_request(admission.admit)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    return render_template("admin/status.html", status=status.check(), version=VERSION)


@blueprint.get("/live")
def live() -> ResponseReturnValue:
    return render_template("admin/live.html", streams=stream_queries.running_streams())


@blueprint.post("/live/<stream_id>/end")
def end_stream(stream_id: str) -> ResponseReturnValue:
    stream = state.end_for_admin(current_user, stream_id)
    flash(_("The stream of %(name)s has ended. The recording is safe.", name=stream.owner.display_name))
    return redirect(url_for("pages_admin.live"), 303)


@blueprint.get("/storage")
def storage() -> ResponseReturnValue:
    return render_template("admin/storage.html", usage=storage_report.usage())


@blueprint.get("/registration")
def who_may_register() -> ResponseReturnValue:
    return render_template("admin/registration.html", mode=registration.mode())


@blueprint.post("/registration")
def save_who_may_register() -> ResponseReturnValue:
    registration.choose(current_user, request.form.get("registration", ""))
    flash(_("Saved."))
    return redirect(url_for("pages_admin.who_may_register"), 303)


@blueprint.get("/second-factor")
def who_needs_second_factor() -> ResponseReturnValue:
    return render_template("admin/second_factor.html", required=requirement.is_on(), without=requirement.admins_without())


@blueprint.post("/second-factor")
def save_who_needs_second_factor() -> ResponseReturnValue:
    requirement.choose(current_user, "required" in request.form)
    flash(_("Saved."))
    return redirect(url_for("pages_admin.who_needs_second_factor"), 303)


@blueprint.get("/log")
def log() -> ResponseReturnValue:
    before, about = request.args.get("before", ""), request.args.get("about", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise Invalid.field("before", _("This must be the id of a log entry."))
    page = audit.page(int(before) if before else None, about)
    return render_template(
        "admin/log.html",
        page=page,
        about=about,
        before=before,
        acts=audit.ACTS,
        command_line=audit.COMMAND_LINE,
        days=audit.KEPT.days,
    )
