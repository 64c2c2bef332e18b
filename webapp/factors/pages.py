"""Serves the settings page of second factors: the authenticator app, passkeys and the recovery codes."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from webapp.core.forms import NO_PROBLEMS, Problems, form_errors
from webapp.factors import authenticator_app, confirmation, passkeys, requirement, second_factor

blueprint = Blueprint("pages_factors", __name__, url_prefix="/settings/second-factor")


@blueprint.get("/")
@login_required
def index(problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    return _page(problems=problems)


@blueprint.post("/app/begin")
@login_required
@confirmation.confirmed
def begin_app() -> ResponseReturnValue:
    authenticator_app.begin(current_user)
    return redirect(url_for("pages_factors.app"), 303)


@blueprint.get("/app")
@login_required
@confirmation.confirmed
def app(problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    secret = authenticator_app.new_secret(current_user)
    if secret is None:
        return redirect(url_for("pages_factors.index"), 303)
    address = authenticator_app.address(current_user, secret)
    return render_template("factors/app.html", secret=secret, address=address, problems=problems)


@blueprint.post("/app")
@login_required
@confirmation.confirmed
@form_errors(app, "code")
def add_app() -> ResponseReturnValue:
    codes = second_factor.add_app(current_user, request.form.get("code", ""))
    return _added(codes, _("The authenticator app is set up. From now on it is asked for when you log in."))


@blueprint.post("/app/remove")
@login_required
@confirmation.confirmed
def remove_app() -> ResponseReturnValue:
    second_factor.remove_app(current_user)
    flash(_("Removed. The app is not asked for any more."))
    return redirect(url_for("pages_factors.index"), 303)


@blueprint.post("/passkeys")
@login_required
@confirmation.confirmed
@form_errors(index, "passkey")
def add_passkey() -> ResponseReturnValue:
    """Keep what the script has put into the form (webapp/static/js/factors/passkey-view.js)."""
    codes = second_factor.add_passkey(current_user, request.form.get("name", ""), request.form.get("passkey", ""))
    return _added(codes, _("The passkey is added. You can log in with it alone."))


@blueprint.post("/passkeys/<passkey_id>/remove")
@login_required
@confirmation.confirmed
def remove_passkey(passkey_id: str) -> ResponseReturnValue:
    second_factor.remove_passkey(current_user, passkey_id)
    flash(_("Removed. Nobody can log in with that passkey any more."))
    return redirect(url_for("pages_factors.index"), 303)


@blueprint.post("/codes")
@login_required
@confirmation.confirmed
def renew_codes() -> ResponseReturnValue:
    return _page(second_factor.renew_codes(current_user)), 201


def _added(codes: list[str], message: str) -> ResponseReturnValue:
    """Show the recovery codes that came with the first factor. They stand in this answer alone."""
    flash(message)
    return (_page(codes), 201) if codes else redirect(url_for("pages_factors.index"), 303)


def _page(codes: list[str] | None = None, problems: Problems = NO_PROBLEMS) -> str:
    return render_template(
        "factors/index.html",
        factors=second_factor.factors_of(current_user),
        needed=requirement.keeps_out(current_user),
        codes=codes or [],
        problems=problems,
        name_length=passkeys.NAME_LENGTH,
    )
