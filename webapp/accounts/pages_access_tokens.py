"""Serves the settings page of access tokens."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.accounts import access_tokens
from webapp.core.forms import NO_PROBLEMS, Problems, form_errors
from webapp.factors import confirmation
from webapp.openapi import scopes

blueprint = Blueprint("pages_tokens", __name__, url_prefix="/settings")


@blueprint.get("/tokens")
@login_required
def mine(problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    return _page(problems=problems)


@blueprint.post("/tokens")
@login_required
@confirmation.confirmed
@form_errors(mine, "name")
def make() -> ResponseReturnValue:
    """Answer with the token itself. It is not kept in the session, so no other page can show it."""
    form = request.form
    token = access_tokens.make(current_user, form.get("name", ""), form.getlist("scopes"), form.get("days", ""))
    return _page(token=token), 201


@blueprint.post("/tokens/<token_id>/revoke")
@login_required
def revoke(token_id: str) -> ResponseReturnValue:
    access_tokens.revoke(current_user, token_id)
    flash(_("Revoked. That token no longer works."))
    return redirect(url_for("pages_tokens.mine"), 303)


def _page(token: str = "", problems: Problems = NO_PROBLEMS) -> str:
    return render_template(
        "accounts/access_tokens/index.html",
        tokens=access_tokens.tokens_of(current_user),
        token=token,
        problems=problems,
        about=access_tokens,
        scopes=scopes.SCOPES,
        chosen=request.form.getlist("scopes") if problems else [scopes.Scope.READ],
    )
