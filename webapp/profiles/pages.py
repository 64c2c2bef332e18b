"""Serves people's pictures: choosing one's own, and showing those of others."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.exceptions import RequestEntityTooLarge

from webapp.core.errors import ApiError, answer
from webapp.core.long_work import takes_long
from webapp.profiles import avatars, images

blueprint = Blueprint("pages_avatars", __name__)

FORM_BYTES = 64 * 1024  # of a form beside its file
HEARD_OUT_BYTES = 32 * 2**20  # a browser reads the answer only when all is sent


@blueprint.url_value_preprocessor
def allow_a_picture(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow a larger body before anything looks into the form, as the check of its token does."""
    if endpoint == "pages_avatars.change" and current_user.is_authenticated:
        request.max_content_length = images.MAX_BYTES + FORM_BYTES


@blueprint.get("/avatars/<avatar_id>.webp")
@login_required
def show(avatar_id: str) -> ResponseReturnValue:
    response = Response(avatars.picture_for(current_user, avatar_id), mimetype=images.MIMETYPE)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@blueprint.post("/settings/avatar")
@login_required
@takes_long
def change() -> ResponseReturnValue:
    file = request.files.get("avatar")
    avatars.change(current_user, file.read() if file else b"")
    return _back(_("Saved. Friends see your new picture."))


@blueprint.post("/settings/avatar/remove")
@login_required
def remove() -> ResponseReturnValue:
    avatars.remove(current_user)
    return _back(_("Removed. Friends see your initials again."))


@blueprint.errorhandler(ApiError)
def explain(error: ApiError) -> ResponseReturnValue:
    return answer(error) if error.status == 404 else _back(error.message, "problem")


@blueprint.errorhandler(RequestEntityTooLarge)
def explain_size(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    if not current_user.is_authenticated:
        return answer(ApiError(_("This is too large."), status=413, code="too_large"))
    left = min(request.content_length or 0, HEARD_OUT_BYTES)
    while left > 0 and (piece := request.environ["wsgi.input"].read(min(left, FORM_BYTES))):
        left -= len(piece)
    return _back(_("This picture is larger than 2 MB. Choose a smaller one."), "problem")


def _back(message: str, category: str = "message") -> ResponseReturnValue:
    flash(message, category)
    return redirect(url_for("pages_settings.profile"), 303)
