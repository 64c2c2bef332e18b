"""Serves the pages of recordings: one's own and those of friends."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_login import current_user, login_required

from webapp.accounts import quotas
from webapp.chat import archive
from webapp.core.errors import Invalid
from webapp.core.forms import NO_PROBLEMS, Problems, form_errors
from webapp.core.text import parse_clock
from webapp.friends import relations
from webapp.models import Recording
from webapp.recordings import clips, editing, listing, plays, sharing
from webapp.recordings import queries as recording_queries
from webapp.recordings.listing import ListQuery, Page
from webapp.streams import statistics

blueprint = Blueprint("pages_recordings", __name__, url_prefix="/recordings")

ORDER_WORDS = {
    "newest": lazy_gettext("Newest"),
    "oldest": lazy_gettext("Oldest"),
    "longest": lazy_gettext("Longest"),
    "title": lazy_gettext("Title"),
}


@blueprint.get("/")
@login_required
def mine() -> ResponseReturnValue:
    list_query, deleted = _list_query(), recording_queries.just_deleted(current_user)
    page = listing.of_person(current_user, current_user, list_query, with_deleted=deleted)
    return _index("mine", list_query, page)


@blueprint.get("/friends")
@login_required
def friends() -> ResponseReturnValue:
    list_query = _list_query()
    return _index("friends", list_query, listing.of_friends(current_user, list_query))


def _list_query() -> ListQuery:
    return ListQuery(request.args.get("order", "newest"), request.args.get("q", "").strip(), request.args.get("before", ""))


def _index(view: str, list_query: ListQuery, page: Page) -> str:
    more = _address(view, list_query, before=page.recordings[-1].id) if page.more else None
    orders = {name: _address(view, list_query, order=name) for name in listing.ORDERS}
    return render_template(
        "recordings/index.html",
        view=view,
        mine=view == "mine",
        list_query=list_query,
        orders=orders,
        order_words=ORDER_WORDS,
        recordings=page.recordings,
        more=more,
        heard=plays.counts(page.recordings) if view == "mine" else {},
        with_chat=archive.with_chat(page.recordings),
        used=quotas.used(current_user),
        quota=quotas.quota(current_user),
        days_kept=quotas.days_kept(current_user),
    )


def _address(view: str, list_query: ListQuery, *, order: str = "", before: str = "") -> str:
    """Return the address of another order or page of the same list, without what is as usual."""
    order = order or list_query.order
    return url_for(
        f"pages_recordings.{view}",
        q=list_query.words or None,
        order=order if order != "newest" else None,
        before=before or None,
    )


@blueprint.get("/<recording_id>/rename")
@login_required
def rename(recording_id: str, problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    recording = recording_queries.own_recording(current_user, recording_id)
    return render_template("recordings/rename.html", recording=recording, problems=problems)


@blueprint.post("/<recording_id>/rename")
@login_required
@form_errors(rename)
def save_title(recording_id: str) -> ResponseReturnValue:
    editing.rename(current_user, recording_id, request.form.get("title", ""))
    return redirect(url_for("pages_recordings.mine"), 303)


@blueprint.get("/<recording_id>/share")
@login_required
def share(recording_id: str, problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    recording = recording_queries.own_recording(current_user, recording_id)
    return render_template(
        "recordings/share.html",
        recording=recording,
        audience=sharing.audience_of(recording),
        friends=relations.friends_of(current_user),
        problem=next(iter(problems.values()), ""),
    )


@blueprint.post("/<recording_id>/share")
@login_required
@form_errors(share)
def save_audience(recording_id: str) -> ResponseReturnValue:
    audience, usernames = request.form.get("audience", ""), request.form.getlist("usernames")
    recording = editing.share(current_user, recording_id, audience, usernames)
    flash(" ".join((_("Saved."), _heard_by(recording))))
    return redirect(url_for("pages_recordings.mine"), 303)


def _heard_by(recording: Recording) -> str:
    count, title = len(sharing.hearers(recording)), recording.title
    if not count:
        return _("Only you can hear “%(title)s”.", title=title)
    return ngettext("One friend can hear “%(title)s”.", "%(num)d friends can hear “%(title)s”.", count, title=title)


@blueprint.get("/<recording_id>/heard")
@login_required
def heard(recording_id: str) -> ResponseReturnValue:
    recording, found = plays.plays_of(current_user, recording_id)
    return render_template(
        "recordings/heard.html", recording=recording, listens=found, attendance=statistics.for_recording(recording)
    )


@blueprint.get("/<recording_id>/clip")
@login_required
def clip(recording_id: str, problems: Problems = NO_PROBLEMS) -> ResponseReturnValue:
    recording = recording_queries.recording_for(current_user, recording_id)
    title = _("Clip of %(title)s", title=recording.title)
    return render_template("recordings/clip.html", recording=recording, clip_title=title, problems=problems)


@blueprint.post("/<recording_id>/clip")
@login_required
@form_errors(clip)
def cut(recording_id: str) -> ResponseReturnValue:
    """Send the piece as a download, or keep it as a recording of its own."""
    recording = recording_queries.recording_for(current_user, recording_id)
    start, end = (parse_clock(request.form.get(name, "")) for name in ("start", "end"))
    if start is None or end is None:
        problem = _("Enter a time like 4:11.")
        raise Invalid(problem, {name: problem for name, value in (("start", start), ("end", end)) if value is None})
    if request.form.get("act") == "download":
        with recording_queries.sound_of(recording) as sound:
            clips.piece_of(sound, start, end)
        return redirect(url_for("api_recordings.clip", recording_id=recording.id, start=start, end=end), 303)
    made = clips.keep(current_user, recording_id, start, end, request.form.get("title", ""))
    flash(" ".join((_("Saved “%(title)s”.", title=made.title), _heard_by(made))))
    return redirect(url_for("pages_recordings.mine"), 303)


@blueprint.post("/<recording_id>/delete")
@login_required
def delete(recording_id: str) -> ResponseReturnValue:
    """Take a recording out of the lists. It is deleted for good when the time for Undo is over."""
    editing.delete(current_user, recording_id)
    return redirect(url_for("pages_recordings.mine"), 303)


@blueprint.post("/<recording_id>/restore")
@login_required
def restore(recording_id: str) -> ResponseReturnValue:
    editing.restore(current_user, recording_id)
    return redirect(url_for("pages_recordings.mine"), 303)
