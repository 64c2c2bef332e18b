"""Who may do what: every route of the app and everybody who may ask. A new route without a line here fails.

The world: Alice is on air and has two recordings, one just deleted. Bob is her friend, Pia has asked her, Eve was her friend
once, Mallory was it until she blocked him, Charlie is a stranger, and Adam is the admin. Cora, whom Bob has blocked, is Alice's
friend, too. So were Sue, whom Adam has suspended, and Dede, who has deleted her account; their browsers still have the cookies of
before. Bob has written in the chats, and Dan is muted there. No audio server runs, so what needs one answers 503 to those who
may.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from tests.webapp.conftest import PASSWORD, Person, make_config
from tests.webapp.support.answers import problem_of
from tests.webapp.support.headers import check_headers
from tests.webapp.support.pictures import picture_file
from tests.webapp.support.push_service import Browser
from tests.webapp.support.recordings_on_disk import record
from webapp import create_app
from webapp.accounts import access_tokens, accounts, notices, password_resets, sessions
from webapp.auth import invites
from webapp.chat import archive
from webapp.chat import messages as chat_messages
from webapp.core.database import db
from webapp.core.extensions import csrf
from webapp.models import ChatMessage, ChatMute, LoginSession, Passkey, Recording, Stream, now
from webapp.openapi import operations
from webapp.openapi.scopes import Scope
from webapp.profiles import avatars
from webapp.recordings import ingest, queries
from webapp.security import audit

pytestmark = pytest.mark.no_cover
"""Thousands of requests through code that the tests of each room cover: measuring them would only take time."""

ROLES = {
    "anonymous": None,
    "stranger": "charlie",
    "pending": "pia",
    "friend": "bob",
    "common_friend": "cora",  # who may what a friend may, and never meets the other one
    "ex_friend": "eve",
    "blocked": "mallory",
    "suspended": "sue",
    "deleted": "dede",
    "owner": "alice",
    "admin": "adam",
}


@dataclass(frozen=True)
class Line:
    """One route with what is sent, and the status that each role gets."""

    method: str
    path: str  # with {request}, {recording}, {stream}, ...
    statuses: dict[str, int]
    sent: dict[str, Any] = field(default_factory=dict)


IDS = ("request", "recording", "deleted", "invite", "stream", "token", "avatar")


LIKE_ANONYMOUS = ("anonymous", "suspended", "deleted")


def everybody(status: int, *, anonymous: int | None = None, **statuses: int) -> dict[str, int]:
    strangers = dict.fromkeys(LIKE_ANONYMOUS, status if anonymous is None else anonymous)
    return dict.fromkeys(ROLES, status) | strangers | statuses


def only(*, others: int = 404, **statuses: int) -> dict[str, int]:
    return everybody(others, anonymous=401, common_friend=statuses.get("friend", others)) | statuses


def logged_in(status: int, **statuses: int) -> dict[str, int]:
    return only(others=status, **statuses)


def page(statuses: dict[str, int]) -> dict[str, int]:
    """Pages send somebody who is not logged in to the log-in page."""
    return statuses | dict.fromkeys(LIKE_ANONYMOUS, 302)


def body(**fields: Any) -> dict[str, Any]:
    return {"json": fields}


def form(**fields: str) -> dict[str, Any]:
    return {"data": fields}


def upload(picture: bytes) -> dict[str, Any]:
    part = b'--x\r\nContent-Disposition: form-data; name="avatar"; filename="me.png"\r\n\r\n' + picture + b"\r\n--x--\r\n"
    return {"data": part, "content_type": "multipart/form-data; boundary=x"}


MATRIX = {
    "static": Line("GET", "/static/css/base.css", everybody(200)),
    "health.healthz": Line("GET", "/healthz", everybody(503)),
    "webhook.receive": Line("POST", "/livekit/webhook", everybody(401), {"data": b"{}"}),
    "api_session.show": Line("GET", "/api/session", everybody(200)),
    "api_session.register": Line("POST", "/api/register", everybody(201), body(username="newcomer", password=PASSWORD)),
    "api_session.login": Line("POST", "/api/login", everybody(200), body(username="bob", password=PASSWORD)),
    "api_session.logout": Line("POST", "/api/logout", logged_in(204)),
    "api_factors.confirm": Line("POST", "/api/confirm", logged_in(200), body(password=PASSWORD)),
    "api_factors.request_options": Line("POST", "/api/passkeys/request-options", everybody(200)),
    "api_factors.creation_options": Line("POST", "/api/passkeys/creation-options", logged_in(200)),
    "api_events.stream": Line("GET", "/events", logged_in(200)),
    "api_friends.search": Line("GET", "/api/search?q=alice", logged_in(200)),
    "api_friends.friends": Line("GET", "/api/friends", logged_in(200)),
    "api_friends.pending": Line("GET", "/api/friend-requests/pending", logged_in(200)),
    "api_friends.send": Line(
        "POST",
        "/api/friend-request/send",
        logged_in(201, pending=409, friend=409, blocked=404, owner=422),
        body(username="alice"),
    ),
    "api_friends.respond": Line("POST", "/api/friend-request/{request}/respond", only(owner=200), body(action="accept")),
    "api_friends.cancel": Line("DELETE", "/api/friend-request/{request}", only(pending=204)),
    "api_friends.unfriend": Line("DELETE", "/api/friends/alice", only(friend=204)),
    "api_streams.start": Line("POST", "/api/stream/start", logged_in(503, owner=409)),
    "api_streams.go_live": Line("POST", "/api/stream/go-live", only(owner=200)),
    "api_streams.rejoin": Line("POST", "/api/stream/rejoin", only(owner=503)),
    "api_streams.stop": Line("POST", "/api/stream/stop", only(owner=200)),
    "api_streams.set_title": Line("POST", "/api/stream/title", only(owner=200), body(title="New title")),
    "api_streams.monitor": Line("POST", "/api/stream/monitor", only(owner=200)),
    "api_streams.status": Line("GET", "/api/stream/status/alice", only(friend=200, owner=200)),
    "api_streams.listen": Line("POST", "/api/stream/listen/alice", only(friend=200)),
    "api_chat.room": Line("GET", "/api/stream/chat/{stream}", only(friend=200, owner=200)),
    "api_chat.say": Line("POST", "/api/stream/chat/{stream}", only(friend=201, owner=201), body(text="Hello")),
    "api_chat.delete": Line("DELETE", "/api/stream/chat/{stream}/{message}", only(friend=204, common_friend=404, owner=204)),
    "api_chat.mute": Line("PUT", "/api/stream/chat/{stream}/muted/bob", only(owner=204)),
    "api_chat.unmute": Line("DELETE", "/api/stream/chat/{stream}/muted/dan", only(owner=204)),
    "api_chat.react": Line("POST", "/api/stream/chat/{stream}/reactions", only(friend=201, owner=201), body(kind="heart")),
    "api_chat.switch_reactions": Line("PUT", "/api/stream/chat/{stream}/reactions", only(owner=204), body(on=False)),
    "api_chat.record": Line("GET", "/api/recordings/{recording}/chat", only(friend=200, owner=200)),
    "api_recordings.recordings": Line("GET", "/api/recordings/alice", only(friend=200, owner=200)),
    "api_recordings.recording": Line("GET", "/api/recordings/alice/{recording}", only(friend=200, owner=200)),
    "api_recordings.audio": Line("GET", "/recordings/{recording}/audio", only(friend=200, owner=200)),
    "api_recordings.clip": Line("GET", "/recordings/{recording}/clip.flac?end=0.2", only(friend=200, owner=200)),
    "api_recordings.keep_clip": Line(
        "POST",
        "/api/recordings/{recording}/clips",
        only(owner=201),
        body(title="Clip", start=0, end=0.2),
    ),
    "api_recordings.heard": Line("POST", "/api/recordings/{recording}/heard", only(friend=204, owner=204), body(position=1)),
    "api_recordings.opus_audio": Line("GET", "/recordings/{recording}/audio.opus", only(friend=200, owner=200)),
    "api_recordings.peaks": Line("GET", "/recordings/{recording}/peaks", only(friend=200, owner=200)),
    "api_recordings.rename": Line("PATCH", "/api/recordings/{recording}", only(owner=200), body(title="New title")),
    "api_recordings.share": Line("PUT", "/api/recordings/{recording}/audience", only(owner=200), body(audience="nobody")),
    "api_recordings.delete": Line("DELETE", "/api/recordings/{recording}", only(owner=204)),
    "api_recordings.restore": Line("POST", "/api/recordings/{deleted}/restore", only(owner=200)),
    "api_description.show": Line("GET", "/api/openapi.json", everybody(200)),
    "pages_api.index": Line("GET", "/api/", everybody(200)),
    "api_push.switch_on": Line(
        "PUT", "/api/push/subscription", logged_in(204), body(**Browser().subscription("https://8.8.8.8/x"))
    ),
    "api_push.switch_off": Line("DELETE", "/api/push/subscription", logged_in(204)),
    "pages_security.security_txt": Line("GET", "/.well-known/security.txt", everybody(404)),
    "pages_install.manifest": Line("GET", "/manifest.webmanifest", everybody(200)),
    "pages_install.service_worker": Line("GET", "/service-worker.js", everybody(200)),
    "pages_install.offline": Line("GET", "/offline", everybody(200)),
    "api_checkup.server_parts": Line("GET", "/api/checkup", logged_in(200)),
    "api_checkup.open_room": Line("POST", "/api/checkup/rooms", logged_in(503)),
    "api_checkup.close_room": Line("DELETE", f"/api/checkup/rooms/{'f' * 32}", logged_in(503)),
    "pages_auth.login": Line("GET", "/login", everybody(303, anonymous=200)),
    "pages_auth.check_login": Line("POST", "/login", everybody(303), form(username="bob", password=PASSWORD)),
    "pages_auth.register": Line("GET", "/register", everybody(303, anonymous=200)),
    "pages_auth.create_account": Line("POST", "/register", everybody(303), form(username="newcomer", password=PASSWORD)),
    "pages_auth.second_step_form": Line("GET", "/login/second-step", everybody(303)),
    "pages_auth.log_in_by_passkey": Line("POST", "/login/passkey", everybody(422)),
    "pages_auth.take_second_step": Line("POST", "/login/second-step", everybody(303), form(code="123456")),
    "pages_auth.logout": Line("POST", "/logout", page(logged_in(303))),
    "pages_difference.index": Line("GET", "/difference/", everybody(200)),
    "pages_difference.description": Line("GET", "/difference/kitchen.json", everybody(503)),
    "pages_difference.sound": Line("GET", "/difference/kitchen-clean.flac", everybody(503)),
    "pages_home.index": Line("GET", "/", page(logged_in(200))),
    "pages_home.sidebar": Line("GET", "/sidebar", page(logged_in(200))),
    "pages_search.index": Line("GET", "/search?q=alice", page(logged_in(200))),
    "pages_friends.index": Line("GET", "/friends/", page(logged_in(200))),
    "pages_friends.send": Line("POST", "/friends/request", page(logged_in(303, blocked=404)), form(username="alice")),
    "pages_friends.accept": Line("POST", "/friends/request/{request}/accept", page(only(owner=303))),
    "pages_friends.reject": Line("POST", "/friends/request/{request}/reject", page(only(owner=303))),
    "pages_friends.cancel": Line("POST", "/friends/request/{request}/cancel", page(only(pending=303))),
    "pages_friends.unfriend": Line("POST", "/friends/alice/remove", page(only(friend=303))),
    "pages_live.index": Line("GET", "/live", page(logged_in(200))),
    "pages_listen.friend": Line("GET", "/listen/alice", page(only(friend=200, owner=302))),
    "pages_chat.index": Line("GET", "/chat/{stream}", page(only(friend=200, owner=200))),
    "pages_chat.say": Line("POST", "/chat/{stream}", page(only(friend=303, owner=303)), form(text="Hello")),
    "pages_chat.delete": Line("POST", "/chat/{stream}/{message}/delete", page(only(friend=303, common_friend=404, owner=303))),
    "pages_chat.mute": Line("POST", "/chat/{stream}/mute", page(only(owner=303)), form(username="bob")),
    "pages_chat.unmute": Line("POST", "/chat/{stream}/unmute", page(only(owner=303)), form(username="dan")),
    "pages_chat.react": Line("POST", "/chat/{stream}/react", page(only(friend=303, owner=303)), form(kind="heart")),
    "pages_chat.switch_reactions": Line("POST", "/chat/{stream}/reactions", page(only(owner=303)), form(on="0")),
    "pages_recordings.mine": Line("GET", "/recordings/", page(logged_in(200))),
    "pages_recordings.friends": Line("GET", "/recordings/friends", page(logged_in(200))),
    "pages_recordings.rename": Line("GET", "/recordings/{recording}/rename", page(only(owner=200))),
    "pages_recordings.save_title": Line("POST", "/recordings/{recording}/rename", page(only(owner=303)), form(title="New title")),
    "pages_recordings.share": Line("GET", "/recordings/{recording}/share", page(only(owner=200))),
    "pages_recordings.save_audience": Line(
        "POST",
        "/recordings/{recording}/share",
        page(only(owner=303)),
        form(audience="chosen", usernames="bob"),
    ),
    "pages_recordings.heard": Line("GET", "/recordings/{recording}/heard", page(only(owner=200))),
    "pages_recordings.clip": Line("GET", "/recordings/{recording}/clip", page(only(friend=200, owner=200))),
    "pages_recordings.cut": Line(
        "POST",
        "/recordings/{recording}/clip",
        page(only(friend=303, owner=303)),
        form(start="0", end="0.2", act="download"),
    ),
    "pages_recordings.delete": Line("POST", "/recordings/{recording}/delete", page(only(owner=303))),
    "pages_recordings.restore": Line("POST", "/recordings/{deleted}/restore", page(only(owner=303))),
    "pages_invites.mine": Line("GET", "/invites", page(logged_in(200))),
    "pages_invites.make": Line("POST", "/invites", page(logged_in(303))),
    "pages_invites.withdraw": Line("POST", "/invites/{invite}/withdraw", page(only(owner=303))),
    "pages_invites.show": Line("GET", "/invite/{invite}", everybody(200, friend=303, common_friend=303, blocked=404, owner=303)),
    "pages_invites.accept": Line("POST", "/invite/{invite}", page(logged_in(303, friend=409, blocked=404, owner=409))),
    "pages_avatars.show": Line("GET", "/avatars/{avatar}.webp", page(logged_in(200, blocked=404))),
    "pages_avatars.change": Line("POST", "/settings/avatar", page(logged_in(303)), upload(picture_file())),
    "pages_avatars.remove": Line("POST", "/settings/avatar/remove", page(logged_in(303))),
    "pages_preferences.appearance": Line("GET", "/settings/appearance", page(logged_in(200))),
    "pages_preferences.save_appearance": Line("POST", "/settings/appearance", page(logged_in(303)), form(theme="dark")),
    "pages_preferences.keyboard": Line("GET", "/settings/keyboard", page(logged_in(200))),
    "pages_preferences.save_keyboard": Line("POST", "/settings/keyboard", page(logged_in(303))),
    "pages_privacy.index": Line("GET", "/settings/privacy", page(logged_in(200))),
    "pages_privacy.save": Line("POST", "/settings/privacy", page(logged_in(303)), form(exact_name_only="on")),
    "pages_privacy.block": Line(
        "POST",
        "/settings/blocked",
        page(logged_in(303, blocked=404, owner=422)),
        form(username="alice"),
    ),
    "pages_privacy.unblock": Line("POST", "/settings/blocked/mallory/remove", page(only(owner=303))),
    "pages_privacy.download": Line("GET", "/settings/data.zip?recordings=1", page(logged_in(200))),
    "pages_privacy.confirm": Line("GET", "/settings/delete-account", page(logged_in(200))),
    "pages_privacy.delete": Line(  # Alice is on air, and no audio server says that she is not
        "POST",
        "/settings/delete-account",
        page(logged_in(303, owner=409)),
        form(successor="bob"),
    ),
    "pages_settings.profile": Line("GET", "/settings/", page(logged_in(200))),
    "pages_settings.save_profile": Line("POST", "/settings/", page(logged_in(303)), form(display_name="Somebody")),
    "pages_settings.recording": Line("GET", "/settings/recording", page(logged_in(200))),
    "pages_settings.save_recording": Line(
        "POST",
        "/settings/recording",
        page(logged_in(303)),
        form(keep_days="30", audience="nobody"),
    ),
    "pages_settings.sound": Line("GET", "/settings/sound", page(logged_in(200))),
    "pages_settings.save_sound": Line("POST", "/settings/sound", page(logged_in(303)), form(quality="music")),
    "pages_settings.password": Line("GET", "/settings/password", page(logged_in(200))),
    "pages_settings.save_password": Line(
        "POST",
        "/settings/password",
        page(logged_in(303)),
        form(old_password=PASSWORD, password="another battery"),
    ),
    "pages_language.choice": Line("GET", "/settings/language", page(logged_in(200))),
    "pages_language.choose": Line("POST", "/settings/language", page(logged_in(303)), form(language="de")),
    "pages_factors.index": Line("GET", "/settings/second-factor/", page(logged_in(200))),
    "pages_factors.begin_app": Line("POST", "/settings/second-factor/app/begin", page(logged_in(303))),
    "pages_factors.app": Line("GET", "/settings/second-factor/app", page(logged_in(303))),
    "pages_factors.add_app": Line("POST", "/settings/second-factor/app", page(logged_in(422)), form(code="000000")),
    "pages_factors.remove_app": Line("POST", "/settings/second-factor/app/remove", page(logged_in(303))),
    "pages_factors.add_passkey": Line("POST", "/settings/second-factor/passkeys", page(logged_in(422)), form(name="7")),
    "pages_factors.remove_passkey": Line("POST", "/settings/second-factor/passkeys/{passkey}/remove", page(only(owner=303))),
    "pages_factors.renew_codes": Line("POST", "/settings/second-factor/codes", page(logged_in(422, owner=201))),
    "pages_confirmation.ask": Line("GET", "/confirm", page(logged_in(200))),
    "pages_confirmation.confirm": Line("POST", "/confirm", page(logged_in(303))),
    "api_log_ins.log_ins": Line("GET", "/api/sessions", logged_in(200)),
    "api_log_ins.end": Line("DELETE", "/api/sessions/{log_in}", only(owner=204)),
    "pages_log_ins.index": Line("GET", "/settings/log-ins", page(logged_in(200))),
    "pages_log_ins.end": Line("POST", "/settings/log-ins/{log_in}/end", page(only(owner=303))),
    "pages_log_ins.end_others": Line("POST", "/settings/log-ins/end-others", page(logged_in(303))),
    "pages_log_ins.dismiss": Line("POST", "/settings/notices/{notice}/dismiss", page(only(owner=303))),
    "pages_tokens.mine": Line("GET", "/settings/tokens", page(logged_in(200))),
    "pages_tokens.make": Line("POST", "/settings/tokens", page(logged_in(201)), form(name="Script", scopes="read", days="30")),
    "pages_tokens.revoke": Line("POST", "/settings/tokens/{access_token}/revoke", page(only(owner=303))),
    "pages_notifications.index": Line("GET", "/settings/notifications", page(logged_in(200))),
    "pages_notifications.save": Line("POST", "/settings/notifications", page(logged_in(303)), form(shown="bob")),
    "pages_attendance.index": Line("GET", "/admin/attendance", page(only(admin=200))),
    "pages_settings.check": Line("GET", "/settings/check", page(logged_in(200))),
    "pages_settings.save_email": Line(
        "POST",
        "/settings/email",
        page(logged_in(303)),
        form(email="me@example.org"),
    ),
    "pages_admin.index": Line("GET", "/admin/", page(only(admin=200))),
    "pages_admin.live": Line("GET", "/admin/live", page(only(admin=200))),
    "pages_admin.end_stream": Line("POST", "/admin/live/{stream}/end", page(only(admin=303))),
    "pages_admin.storage": Line("GET", "/admin/storage", page(only(admin=200))),
    "pages_admin.who_may_register": Line("GET", "/admin/registration", page(only(admin=200))),
    "pages_admin.save_who_may_register": Line(
        "POST",
        "/admin/registration",
        page(only(admin=303)),
        form(registration="closed"),
    ),
    "pages_admin.who_needs_second_factor": Line("GET", "/admin/second-factor", page(only(admin=200))),
    "pages_admin.save_who_needs_second_factor": Line("POST", "/admin/second-factor", page(only(admin=303))),
    "pages_admin.log": Line("GET", "/admin/log", page(only(admin=200))),
    "pages_members.index": Line("GET", "/admin/people", page(only(admin=200))),
    "pages_members.person": Line("GET", "/admin/people/alice", page(only(admin=200))),
    "pages_members.suspend": Line("POST", "/admin/people/alice/suspend", page(only(admin=303))),
    "pages_members.restore": Line("POST", "/admin/people/alice/restore", page(only(admin=303))),
    "pages_members.make_admin": Line("POST", "/admin/people/alice/make-admin", page(only(admin=303))),
    "pages_members.unmake_admin": Line("POST", "/admin/people/alice/unmake-admin", page(only(admin=303))),
    "pages_members.save_limits": Line("POST", "/admin/people/alice/limits", page(only(admin=303)), form(quota_gb="5")),
    "pages_members.reset": Line("GET", "/admin/people/alice/reset", page(only(admin=200))),
    "pages_members.make_reset_link": Line("POST", "/admin/people/alice/reset", page(only(admin=201))),
    "pages_members.delete": Line("GET", "/admin/people/alice/delete", page(only(admin=200))),
    "pages_members.delete_for_good": Line(
        "POST",
        "/admin/people/alice/delete",
        page(only(admin=303)),
        form(username="alice"),
    ),
    "pages_resets.forgot": Line("GET", "/forgot", everybody(200)),
    "pages_resets.ask_for_link": Line("POST", "/forgot", everybody(404), form(username="alice")),
    "pages_resets.reset": Line("GET", "/reset/{token}", everybody(200)),
    "pages_resets.choose_password": Line("POST", "/reset/{token}", everybody(303), form(password="another battery")),
}


@dataclass(frozen=True)
class World:
    """Everybody's browsers in front of one app; its data can be brought back."""

    app: Flask
    people: dict[str, Person]
    ids: dict[str, str]
    tokens: dict[Scope, str]  # the owner's, one for each scope
    backup: Path
    cookies: dict[str, dict[Any, Any]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)  # acts since the data was last brought back

    def save(self) -> None:
        data = self.app.config["STILLAIR"].data
        with self.app.app_context():
            db.engine.dispose()
        shutil.copytree(data, self.backup)
        self.cookies.update({role: dict(person.client._cookies) for role, person in self.people.items()})

    def restore(self) -> None:
        """Most questions change nothing, and need no new world after them."""
        if self.changes:
            self._bring_back()
            self.changes.clear()
        with self.app.app_context():
            deleted = update(Recording).where(Recording.id == self.ids["deleted"])
            db.session.execute(deleted.values(deleted_at=now()))  # this moment, whenever the world was made
            db.session.execute(update(LoginSession).values(confirmed_at=now()))
            db.session.commit()

    def _bring_back(self) -> None:
        config = self.app.config["STILLAIR"]
        for folder in (config.recordings.name, "avatars"):
            shutil.copytree(self.backup / folder, config.data / folder, dirs_exist_ok=True)
        saved = sqlite.connect(self.backup / "stillair.db")
        with self.app.app_context():
            live = db.engine.raw_connection()
            saved.backup(live.driver_connection)
            live.close()
        saved.close()

    def ask(self, role: str, line: Line, **options: Any) -> TestResponse:
        person = self.people[role]
        person.client._cookies = dict(self.cookies[role])  # of before any log-out or log-in
        return self._closed(line, person.request(line.method, line.path.format(**self.ids), **{**line.sent, **options}))

    def ask_by_token(self, token: str, line: Line) -> TestResponse:
        """The owner's script: neither a cookie nor a CSRF token."""
        headers = {"Authorization": f"Bearer {token}"}
        client = self.app.test_client()
        return self._closed(line, client.open(line.path.format(**self.ids), method=line.method, headers=headers, **line.sent))

    def _closed(self, line: Line, response: TestResponse) -> TestResponse:
        response.close()
        if line.method != "GET" and response.status_code < 400:
            self.changes.append(line.path)
        return response


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[World]:
    data = tmp_path_factory.mktemp("world")
    shutil.copy(migrated_database, data / "stillair.db")
    app = create_app(make_config(data))
    app.testing = True
    people = {role: Person(app, name or "nobody") for role, name in ROLES.items()}
    for role in (
        "admin",
        "owner",
        "friend",
        "stranger",
        "ex_friend",
        "blocked",
        "pending",
        "common_friend",
        "suspended",
        "deleted",
    ):
        people[role].register()
    people["friend"].befriend(people["owner"])
    people["ex_friend"].befriend(people["owner"])
    assert people["owner"].delete("/api/friends/eve").status_code == 204
    people["blocked"].befriend(people["owner"])
    assert people["owner"].post("/settings/blocked", data={"username": "mallory"}).status_code == 303
    people["common_friend"].befriend(people["owner"])
    assert people["friend"].post("/settings/blocked", data={"username": "cora"}).status_code == 303
    _let_go(people)
    Person(app, "alice").log_in()  # with another browser, which makes a notice
    ids = {"request": people["pending"].ask(people["owner"])}
    ids["recording"], ids["deleted"] = (record(app.config["STILLAIR"].recordings, "alice") for _ in range(2))
    with app.app_context():
        ingest.ingest()
        db.session.add(stream := Stream(owner=accounts.find("alice"), title="Morning show", state="live", live_at=now()))
        db.session.flush()
        db.session.add(message := ChatMessage(stream=stream, author=accounts.find("bob"), text="Good morning"))
        said = chat_messages.Message("f" * 32, "bob", "bob", "Good morning", now())
        queries.folder().write_chat(ids["recording"], archive.ChatRecord((said,)).to_json())
        db.session.add(ChatMute(stream_id=stream.id, user=accounts.add("dan", PASSWORD)))
        db.session.commit()
        ids |= {"stream": stream.id, "message": message.id}
        ids["invite"] = invites.make(accounts.find("alice")).id
        tokens = {scope: access_tokens.make(accounts.find("alice"), scope, [scope], "") for scope in Scope}
        ids["access_token"] = access_tokens.tokens_of(accounts.find("alice"))[0].id
        ids["log_in"] = sessions.sessions_of(accounts.find("alice"))[0].public_id
        ids["notice"] = notices.notices_of(accounts.find("alice"))[0].id
        ids["token"] = password_resets.make(audit.COMMAND_LINE, accounts.find("alice")).rpartition("/")[2]
        avatars.change(accounts.find("alice"), picture_file())
        db.session.add(
            passkey := Passkey(
                user=accounts.find("alice"),
                name="7",
                credential_id=b"id",
                public_key=b"key",
                sign_count=0,
                challenged_at=now(),
            )
        )
        db.session.commit()
        ids["passkey"] = passkey.id
        ids["avatar"] = accounts.find("alice").avatar
    world = World(app, people, ids, tokens, tmp_path_factory.mktemp("backup") / "world")
    world.save()
    yield world
    with app.app_context():
        db.engine.dispose()


def _let_go(people: dict[str, Person]) -> None:
    """Suspend one friend and delete the account of another; each browser keeps the cookie that it had."""
    for role in ("suspended", "deleted"):
        people[role].befriend(people["owner"])
    assert people["admin"].post("/admin/people/sue/suspend").status_code == 303
    cookies = dict(people["deleted"].client._cookies)
    assert people["deleted"].post("/settings/delete-account").status_code == 303
    people["deleted"].client._cookies = cookies


@pytest.fixture
def world(made_world: World) -> World:
    made_world.restore()
    return made_world


def endpoints(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules()}


def test_every_route_has_its_line(app):
    assert endpoints(app) == MATRIX.keys()


def test_every_line_asks_for_the_route_it_names(app):
    router = app.url_map.bind("localhost")
    for endpoint, line in MATRIX.items():
        path = line.path.partition("?")[0].format_map(defaultdict(lambda: "x"))
        assert router.match(path, method=line.method)[0] == endpoint


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("endpoint", MATRIX)
def test_access(world, endpoint, role):
    line = MATRIX[endpoint]
    response = world.ask(role, line)
    assert response.status_code == line.statuses[role]
    check_headers(response)
    assert not (problem := problem_of(world.app, line.method, line.path, response, strict=True)), problem


WHOEVER_ASKS = {"pages_avatars.show", "pages_resets.reset", "pages_resets.choose_password"}
OPEN_TO_WHO_HAS_THE_LINK = {"pages_invites.show", "pages_invites.accept"} | WHOEVER_ASKS
OF_SOMEBODY = {endpoint for endpoint, line in MATRIX.items() if "{" in line.path or "/alice" in line.path}


@pytest.mark.parametrize("endpoint", sorted(OF_SOMEBODY - OPEN_TO_WHO_HAS_THE_LINK))
def test_a_stranger_sees_what_is_not_his_like_what_is_not_there(world, endpoint):
    line = MATRIX[endpoint]
    missing = replace(line, path=line.path.replace("/alice", "/nobody-here").format(**dict.fromkeys(world.ids, "f" * 32)))
    answers = [world.ask("stranger", asked) for asked in (line, missing)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert _without_address(answers[0], world) == _without_address(answers[1], world)


def _without_address(response: TestResponse, world: World) -> str:
    """A page may repeat the address that was asked for, and holds a fresh token and nonce."""
    text = response.get_data(as_text=True)
    for known in (*world.ids.values(), "alice", "nobody-here", "f" * 32):
        text = text.replace(known, "")
    return "\n".join(part for part in text.splitlines() if "csrf" not in part and "nonce" not in part)


NAMED_IN_THE_BODY = {"pages_friends.send", "api_friends.send"}


@pytest.mark.parametrize("endpoint", sorted((OF_SOMEBODY | NAMED_IN_THE_BODY) - WHOEVER_ASKS))
def test_for_whoever_is_blocked_the_other_is_like_a_name_that_nobody_has(world, endpoint):
    line = MATRIX[endpoint]
    path = line.path.replace("/alice", "/nobody-here").format(**dict.fromkeys(world.ids, "f" * 32))
    sent = {kind: {**fields, "username": "nobody-here"} for kind, fields in line.sent.items() if "username" in fields}
    missing = replace(line, path=path, sent=sent or line.sent)
    answers = [world.ask("blocked", asked) for asked in (line, missing)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert _without_address(answers[0], world) == _without_address(answers[1], world)


FILES = {"static", "pages_install.service_worker", "pages_avatars.show", "pages_privacy.download", "api_events.stream"} | {
    f"api_recordings.{sound}" for sound in ("audio", "clip", "opus_audio")
}
READ = sorted(endpoint for endpoint, line in MATRIX.items() if line.method == "GET" and endpoint not in FILES)


@pytest.mark.parametrize("endpoint", READ)
def test_in_the_company_of_a_common_friend_nobody_sees_whom_they_have_blocked(world, endpoint):
    seen = world.ask("common_friend", MATRIX[endpoint]).get_data(as_text=True)
    assert not re.search(r"\bbob\b|Good morning", seen, re.IGNORECASE)


@pytest.mark.parametrize("endpoint", ["api_chat.room", "api_chat.record", "pages_chat.index", "pages_listen.friend"])
@pytest.mark.parametrize("role", ["friend", "owner"])
def test_all_others_see_who_is_in_their_company(world, endpoint, role):
    if (line := MATRIX[endpoint]).statuses[role] == 200:
        assert "Good morning" in world.ask(role, line).get_data(as_text=True)


def test_only_the_webhook_works_without_a_csrf_token(world):
    unsafe = {endpoint: line for endpoint, line in MATRIX.items() if line.method != "GET"}
    answers = {endpoint: world.ask("owner", line, headers={"X-CSRF-Token": ""}) for endpoint, line in unsafe.items()}
    assert {endpoint for endpoint, answer in answers.items() if answer.status_code != 403} == {"webhook.receive"}


def test_a_csrf_token_of_somebody_else_does_not_work(world):
    line = MATRIX["api_friends.send"]
    others = {"X-CSRF-Token": world.people["friend"].csrf_token}
    assert world.ask("stranger", line, headers=others).status_code == 403
    assert world.ask("stranger", line).status_code == 201


def scopes(app: Flask) -> dict[str, Scope]:
    """Of the routes for which an access token counts."""
    return {rule.endpoint: operation.scope for rule, _, operation in operations.described(app) if operation.scope}


def test_an_access_token_opens_what_its_scope_names(world):
    wrong = {}
    for endpoint, scope in scopes(world.app).items():
        line = MATRIX[endpoint]
        world.restore()
        answer = world.ask_by_token(world.tokens[scope], line)
        if answer.status_code != line.statuses["owner"] or "Set-Cookie" in answer.headers:
            wrong[endpoint] = (answer.status_code, dict(answer.headers))
    assert not wrong


def test_an_access_token_without_the_scope_opens_nothing(world):
    answers = {
        (endpoint, other): world.ask_by_token(world.tokens[other], MATRIX[endpoint])
        for endpoint, scope in scopes(world.app).items()
        for other in Scope
        if other != scope
    }
    assert {answer.status_code for answer in answers.values()} == {403}
    assert {answer.json["error"]["code"] for answer in answers.values()} == {"scope"}


def test_for_all_other_routes_an_access_token_counts_for_nothing(world):
    statuses = {
        endpoint: world.ask_by_token(world.tokens[Scope.READ], line).status_code
        for endpoint, line in MATRIX.items()
        if endpoint not in scopes(world.app)
    }
    unsafe = {endpoint: 403 for endpoint, line in MATRIX.items() if line.method != "GET"} | {"webhook.receive": 401}
    assert statuses == {endpoint: unsafe.get(endpoint, MATRIX[endpoint].statuses["anonymous"]) for endpoint in statuses}


def test_nothing_but_the_webhook_is_exempt_from_csrf():
    assert not csrf._exempt_views
    assert {blueprint.name for blueprint in csrf._exempt_blueprints} == {"webhook"}


def test_a_route_takes_the_method_of_its_line_and_no_other(app):
    for rule in app.url_map.iter_rules():
        assert rule.methods - {"HEAD", "OPTIONS"} == {MATRIX[rule.endpoint].method}


def test_every_path_takes_a_trailing_slash(app):
    router = app.url_map.bind("localhost")
    for endpoint, line in MATRIX.items():
        path = line.path.partition("?")[0]
        if path != "/" and endpoint != "static":
            for written in (path.rstrip("/"), path.rstrip("/") + "/"):
                assert router.match(written, method=line.method)[0] == endpoint
