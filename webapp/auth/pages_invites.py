"""Serves invite links: the page where they are made, and what somebody sees who opens one."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.auth import invites, registration
from webapp.core.config import current_config
from webapp.core.database import db
from webapp.core.errors import Conflict
from webapp.friends import relations
from webapp.models import Invite

blueprint = Blueprint("pages_invites", __name__)


@blueprint.get("/invites")
@login_required
def mine() -> ResponseReturnValue:
    found = [(invite, _link(invite)) for invite in invites.open_invites(current_user)]
    closed = registration.mode() is registration.Mode.CLOSED
    return render_template("auth/invites/index.html", invites=found, closed=closed)


@blueprint.post("/invites")
@login_required
def make() -> ResponseReturnValue:
    try:
        invites.make(current_user)
    except Conflict as error:
        flash(error.message, "problem")
    return redirect(url_for("pages_invites.mine"), 303)


@blueprint.post("/invites/<invite_id>/withdraw")
@login_required
def withdraw(invite_id: str) -> ResponseReturnValue:
    invites.withdraw(current_user, invite_id)
    flash(_("Withdrawn. That link no longer works."))
    return redirect(url_for("pages_invites.mine"), 303)


@blueprint.get("/invite/<invite_id>")
def show(invite_id: str) -> ResponseReturnValue:
    """Greet whoever has the link."""
    invite = invites.invite_for_guest(invite_id, current_user if current_user.is_authenticated else None)
    if not current_user.is_authenticated:
        refused = registration.refusal(invite_id)
        return render_template("auth/register.html", invite=invite, refused=refused, first=False, problems={})
    if invite.inviter_id == current_user.id:
        return redirect(url_for("pages_invites.mine"), 303)
    if relations.are_friends(current_user, invite.inviter):
        return redirect(url_for("pages_listen.friend", username=invite.inviter.username), 303)
    return render_template("auth/invites/accept.html", invite=invite)


@blueprint.post("/invite/<invite_id>")
@login_required
def accept(invite_id: str) -> ResponseReturnValue:
    invite = invites.invite_for_guest(invite_id, current_user)
    username, name = invite.inviter.username, invite.inviter.display_name
    invites.use(invite, current_user)
    db.session.commit()
    flash(_("You and %(name)s are friends now.", name=name))
    return redirect(url_for("pages_listen.friend", username=username), 303)


def _link(invite: Invite) -> str:
    return current_config().public_url + url_for("pages_invites.show", invite_id=invite.id)
