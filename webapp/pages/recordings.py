"""Recordings: one's own and those of friends."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp import library
from webapp.errors import ApiError

blueprint = Blueprint("pages_recordings", __name__, url_prefix="/recordings")


@blueprint.get("/")
@login_required
def mine() -> ResponseReturnValue:
    found = library.recordings_for(current_user, current_user, request.args.get("before"))
    older = url_for("pages_recordings.mine", before=found[-1].id) if len(found) == library.PAGE else None
    deleted = library.just_deleted(current_user)
    if deleted is not None:         # stays in its place, with Undo
        found = sorted([*found, deleted], key=lambda recording: recording.started_at, reverse=True)
    return render_template("recordings/index.html", mine=True, recordings=found, older=older)


@blueprint.get("/friends")
@login_required
def friends() -> ResponseReturnValue:
    return render_template("recordings/index.html", mine=False, recordings=library.recent_for(current_user, library.PAGE))


@blueprint.get("/<recording_id>/rename")
@login_required
def rename(recording_id: str) -> ResponseReturnValue:
    return render_template("recordings/rename.html", recording=library.own_recording(current_user, recording_id), problems={})


@blueprint.post("/<recording_id>/rename")
@login_required
def save_title(recording_id: str) -> ResponseReturnValue:
    try:
        library.rename(current_user, recording_id, request.form.get("title", ""))
    except ApiError as error:
        if not error.fields:
            raise
        recording = library.own_recording(current_user, recording_id)
        return render_template("recordings/rename.html", recording=recording, problems=error.fields), error.status
    return redirect(url_for("pages_recordings.mine"), 303)


@blueprint.post("/<recording_id>/delete")
@login_required
def delete(recording_id: str) -> ResponseReturnValue:
    """It disappears at once, and for real when the time for Undo is over."""
    library.delete(current_user, recording_id)
    return redirect(url_for("pages_recordings.mine"), 303)


@blueprint.post("/<recording_id>/restore")
@login_required
def restore(recording_id: str) -> ResponseReturnValue:
    library.restore(current_user, recording_id)
    return redirect(url_for("pages_recordings.mine"), 303)
