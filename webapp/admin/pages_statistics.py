"""Shows the admin how much this server was on air and listened to, day by day."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from webapp.admin import admission
from webapp.streams import statistics
from webapp.ui.formatting import reader_zone

blueprint = Blueprint("pages_attendance", __name__, url_prefix="/admin")
blueprint.before_request(admission.admit)


@blueprint.get("/attendance")
def index() -> ResponseReturnValue:
    return render_template("admin/attendance.html", days=statistics.totals(reader_zone()))
