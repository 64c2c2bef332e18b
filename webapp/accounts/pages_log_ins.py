"""Serves the settings page of log-ins, and takes away notices about the account."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.accounts import clients, notices, sessions
from webapp.core.config import current_config
from webapp.security.headers import SESSION_LIFETIME, local_path

blueprint = Blueprint("pages_log_ins", __name__, url_prefix="/settings")


@blueprint.get("/log-ins")
@login_required
def index() -> ResponseReturnValue:
    return render_template(
        "accounts/settings/log_ins.html",
        log_ins=sessions.sessions_of(current_user),
        current=sessions.session_id(current_user),
        clients=clients,
        unused_days=SESSION_LIFETIME.days,
        most_days=current_config().login_days,
    )


@blueprint.post("/log-ins/<public_id>/end")
@login_required
def end(public_id: str) -> ResponseReturnValue:
    sessions.end(current_user, public_id)
    flash(_("That browser is logged out."))
    return redirect(url_for("pages_log_ins.index"), 303)


@blueprint.post("/log-ins/end-others")
@login_required
def end_others() -> ResponseReturnValue:
    sessions.end_others(current_user)
    flash(_("All other browsers are logged out."))
    return redirect(url_for("pages_log_ins.index"), 303)


@blueprint.post("/notices/<notice_id>/dismiss")
@login_required
def dismiss(notice_id: str) -> ResponseReturnValue:
    notices.dismiss(current_user, notice_id)
    return redirect(local_path(request.args.get("next")), 303)
