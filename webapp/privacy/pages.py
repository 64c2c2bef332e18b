"""Serves Settings, Privacy: who finds me, whom I have blocked, my data, and the end of my account."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.accounts import quotas, sessions
from webapp.core.database import db
from webapp.core.forms import NO_PROBLEMS, Problems, form_errors
from webapp.core.sent_body import MadeBody
from webapp.factors import confirmation
from webapp.friends import blocking, blocks
from webapp.models import now
from webapp.privacy import account_deletion, data_export
from webapp.profiles import profiles
from webapp.security import audit, turns

blueprint = Blueprint("pages_privacy", __name__, url_prefix="/settings")


@blueprint.get("/privacy")
@login_required
def index(problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    used = quotas.used(current_user)
    return render_template("accounts/settings/privacy.html", problems=problems, blocks=blocks.blocks_of(current_user), used=used)


@blueprint.post("/privacy")
@login_required
def save() -> ResponseReturnValue:
    profiles.set_exact_name_only(current_user, "exact_name_only" in request.form)
    flash(_("Saved."))
    return redirect(url_for("pages_privacy.index"), 303)


@blueprint.post("/blocked")
@login_required
@form_errors(index, "username")
def block() -> ResponseReturnValue:
    """Block somebody, from the list here or from where they are seen.

    Either way leads back to the list, where it can be undone.
    """
    other = blocking.block(current_user, request.form.get("username", "").strip())
    flash(_("%(name)s is blocked and will not be told.", name=other.display_name))
    return redirect(url_for("pages_privacy.index"), 303)


@blueprint.post("/blocked/<username>/remove")
@login_required
def unblock(username: str) -> ResponseReturnValue:
    other = blocking.unblock(current_user, username)
    flash(_("%(name)s is no longer blocked. To be friends again, one of you has to send a request.", name=other.display_name))
    return redirect(url_for("pages_privacy.index"), 303)


@blueprint.get("/data.zip")
@login_required
def download() -> ResponseReturnValue:
    confirmation.check(back=url_for("pages_privacy.index"))
    turn = turns.take("takeout", current_user.id)
    audit.record(current_user, "data.exported", current_user)
    db.session.commit()
    pieces = data_export.archive(current_user, with_sound="recordings" in request.args)
    body = MadeBody(pieces, turn)
    response = Response(body, mimetype="application/zip", direct_passthrough=True)
    name = f"stillair-{current_user.username}-{now():%Y-%m-%d}.zip"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@blueprint.get("/delete-account")
@login_required
@confirmation.confirmed
def confirm(problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    return render_template(
        "accounts/settings/delete_account.html",
        problems=problems,
        needs_successor=account_deletion.needs_successor(current_user),
        alone=account_deletion.is_alone(current_user),
        used=quotas.used(current_user),
    )


@blueprint.post("/delete-account")
@login_required
@confirmation.confirmed
@form_errors(confirm, "confirm")
def delete() -> ResponseReturnValue:
    account_deletion.leave(current_user, request.form.get("successor", ""))
    sessions.close_session()
    flash(_("Your account is deleted. Goodbye."))
    return redirect(url_for("pages_auth.login"), 303)
