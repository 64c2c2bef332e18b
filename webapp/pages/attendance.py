"""For the admin: how much this server was on air and listened to, day by day."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp import attendance
from webapp.errors import NotFound
from webapp.pages.words import reader_zone

blueprint = Blueprint("pages_attendance", __name__, url_prefix="/admin")


@blueprint.get("/attendance")
@login_required
def index() -> ResponseReturnValue:
    if not current_user.is_admin:
        raise NotFound
    return render_template("admin/attendance.html", days=attendance.totals(reader_zone()))
