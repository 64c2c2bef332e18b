"""Serves the admin's pages about people: the list, one person, and what the admin may do with them."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from webapp.accounts import password_resets, quotas
from webapp.admin import admission, people
from webapp.core import mail
from webapp.core.errors import Conflict
from webapp.core.forms import NO_PROBLEMS, Problems, form_errors
from webapp.models import User

blueprint = Blueprint("pages_members", __name__, url_prefix="/admin/people")
blueprint.before_request(admission.admit)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    words, kind, after = (request.args.get(name, "") for name in ("q", "kind", "after"))
    kind = kind if kind in people.KINDS else "all"
    return render_template("admin/people.html", page=people.page(words, kind, after), words=words, kind=kind, after=after)


@blueprint.get("/<username>")
def person(username: str, problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    user = people.find(username)
    found = people.member_of(user)
    return render_template("admin/person.html", member=found, person=user, quota=quotas.quota(user), problems=problems)


@blueprint.post("/<username>/suspend")
def suspend(username: str) -> ResponseReturnValue:
    user = people.find(username)
    people.suspend(current_user, user)
    return _back(user, _("%(name)s is suspended: logged out everywhere and unable to log in.", name=user.display_name))


@blueprint.post("/<username>/restore")
def restore(username: str) -> ResponseReturnValue:
    user = people.find(username)
    people.restore(current_user, user)
    return _back(user, _("%(name)s can log in again.", name=user.display_name))


@blueprint.post("/<username>/make-admin")
def make_admin(username: str) -> ResponseReturnValue:
    user = people.find(username)
    people.make_admin(current_user, user)
    return _back(user, _("%(name)s is an admin now.", name=user.display_name))


@blueprint.post("/<username>/unmake-admin")
def unmake_admin(username: str) -> ResponseReturnValue:
    user = people.find(username)
    people.unmake_admin(current_user, user)
    message = _("%(name)s is no longer an admin.", name=user.display_name)
    if user.id == current_user.id:
        flash(message)
        return redirect(url_for("pages_home.index"), 303)
    return _back(user, message)


@blueprint.post("/<username>/limits")
@form_errors(person)
def save_limits(username: str) -> ResponseReturnValue:
    user = people.find(username)
    quota_gb, most_days = request.form.get("quota_gb", ""), request.form.get("most_days", "")
    quotas.grant(current_user, user, quota_gb=quota_gb, most_days=most_days)
    return _back(user, _("Saved."))


@blueprint.get("/<username>/reset")
def reset(username: str) -> ResponseReturnValue:
    return _reset(people.find(username))


@blueprint.post("/<username>/reset")
def make_reset_link(username: str) -> ResponseReturnValue:
    """Show a new link, or have it sent by mail.

    The link stands in this answer alone, with 201: Turbo wants redirects instead of 200.
    """
    user = people.find(username)
    if request.form.get("by") != "mail":
        return _reset(user, password_resets.make(current_user, user)), 201
    if not mail.is_configured() or user.email is None:
        raise Conflict(_("This account has no e-mail address. Hand over a link instead."))
    password_resets.request_link_for(current_user, user)
    return _back(user, _("A reset link is on its way to %(name)s.", name=user.display_name))


def _reset(user: User, link: str = "") -> str:
    return render_template("admin/reset.html", person=user, link=link, by_mail=mail.is_configured() and user.email is not None)


@blueprint.get("/<username>/delete")
def delete(username: str) -> ResponseReturnValue:
    user = people.find(username)
    people.not_oneself(current_user, user)
    return _delete(user, "")


def _delete(user: User, problem: str) -> str:
    return render_template("admin/delete.html", member=people.member_of(user), person=user, problem=problem)


@blueprint.post("/<username>/delete")
def delete_for_good(username: str) -> ResponseReturnValue:
    user = people.find(username)
    if request.form.get("username", "").strip().lower() != user.username_key:
        return _delete(user, _("Nothing was deleted. Type %(username)s to confirm.", username=user.username)), 422
    name = user.display_name
    people.delete(current_user, user)
    flash(_("%(name)s and all their recordings have been deleted.", name=name))
    return redirect(url_for("pages_members.index"), 303)


@blueprint.errorhandler(Conflict)
def explain(error: Conflict) -> ResponseReturnValue:
    """Say what is wrong where the button was."""
    flash(error.message, "problem")
    username = (request.view_args or {}).get("username", "")
    return redirect(url_for("pages_members.person", username=username), 303)


def _back(user: User, message: str) -> ResponseReturnValue:
    flash(message)
    return redirect(url_for("pages_members.person", username=user.username), 303)
