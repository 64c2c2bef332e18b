from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from tests.webapp.support.headers import check_headers, directives
from webapp.core.database import db
from webapp.security.headers import local_path


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/api/session", {}, 200),
        ("GET", "/api/friends", {}, 401),
        ("GET", "/api/nothing-here", {}, 404),
        ("GET", "/nothing-here", {}, 404),
        ("DELETE", "/api/session", {}, 405),
        ("POST", "/api/login", {"data": b"{"}, 400),
        ("POST", "/api/login", {"headers": {"X-CSRF-Token": "wrong"}}, 403),
        ("POST", "/api/login", {"data": b"x" * 70_000}, 413),
        ("GET", "/api/session", {"headers": {"Host": "evil.example"}}, 400),
        ("GET", "/nothing-here", {"headers": {"Host": "evil.example"}}, 400),
        ("GET", "/api/session", {"headers": {"Host": "[::1"}}, 400),
        ("GET", "/api/session", {"headers": {"Host": "a b;script-src *"}}, 400),
        ("GET", "/static/../config.py", {}, 404),
        ("GET", "/static/%2e%2e/config.py", {}, 404),
        ("GET", "/api/session?x=%ff%fe%00", {}, 200),
        ("GET", "/api/recordings/al%00ice", {}, 404),
        ("GET", "/reset/%00", {}, 404),
    ],
)
def test_every_answer_has_the_headers(anonymous, method, path, options, status):
    response = anonymous.request(method, path, **options)
    assert response.status_code == status
    check_headers(response)
    assert response.is_json == path.startswith("/api/")


@pytest.mark.parametrize("path", ["/api/friends", "/settings/"])
def test_a_failure_of_ours_says_nothing_about_itself(app, alice, path):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        db.session.execute(text("ALTER TABLE login_session RENAME TO gone"))
        db.session.commit()
    response = alice.get(path)
    assert response.status_code == 500
    check_headers(response)
    assert not re.search(r"sql|table|Traceback|login_session|\.py", response.get_data(as_text=True), re.IGNORECASE)
    assert response.is_json == path.startswith("/api/")


def test_pages_may_talk_to_the_audio_server_they_are_told_of(anonymous, make_app, visit_app):
    assert directives(anonymous.get("/api/session"))["connect-src"] == [
        "'self'",
        "ws://localhost:18249",
        "http://localhost:18249",
    ]
    tls = visit_app(make_app(public_url="https://air.example.org", audio_url="wss://audio.example.org"), "ana")
    response = tls.get("/api/session")
    assert directives(response)["connect-src"] == ["'self'", "wss://audio.example.org", "https://audio.example.org"]


def test_a_style_nonce_is_allowed_only_on_the_page_that_asks_for_it(app):
    browser = app.test_client()
    app.add_url_rule("/styled", view_func=lambda: app.jinja_env.from_string("{{ csp_nonce() }}").render())
    nonces = set()
    for _ in range(2):
        response = browser.get("/styled")
        nonces.add(response.get_data(as_text=True))
        assert directives(response)["style-src"] == ["'self'", f"'nonce-{response.get_data(as_text=True)}'"]
    assert len(nonces) == 2
    assert directives(browser.get("/api/session"))["style-src"] == ["'self'"]


def set_cookie(app, base_url: str) -> str:
    return app.test_client().get("/api/session", base_url=base_url).headers["Set-Cookie"]


def test_the_cookie_is_for_http_only_and_this_site(app):
    cookie = set_cookie(app, "http://127.0.0.1:8000")
    assert cookie.startswith("stillair_8000=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_with_tls_the_cookie_never_leaves_it_and_browsers_remember(make_app):
    app = make_app(public_url="https://air.example.org")
    cookie = set_cookie(app, "https://air.example.org")
    assert cookie.startswith("__Host-stillair_8000=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    response = app.test_client().get("/api/session", base_url="https://air.example.org")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_without_tls_browsers_are_not_told_to_use_it(anonymous):
    assert "Strict-Transport-Security" not in anonymous.get("/api/session").headers


def test_two_servers_on_one_machine_have_cookies_of_their_own(make_app):
    names = {set_cookie(make_app(port=port), "http://127.0.0.1").split("=")[0] for port in (8000, 9000)}
    assert len(names) == 2


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.0.0.1", "localhost:8000"])
def test_a_server_answers_to_its_names(anonymous, host):
    assert anonymous.get("/api/session", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.2", ""])
def test_a_server_does_not_answer_to_other_names(anonymous, host):
    response = anonymous.get("/api/session", headers={"Host": host})
    assert response.status_code == 400
    assert "evil" not in response.get_data(as_text=True)


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "https:evil.example",
        "https:/evil.example",
        "HTTPS:evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "evil",
        "./friends",
        "../friends",
        "?next=/",
        "#x",
        " /friends",
        "/ /evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "/friends\r\nSet-Cookie: a=b",
        "/\x00/evil.example",
        "\x00/friends",
        "/a\x7fb",
        "//[::1",
    ],
)
def test_next_never_leads_elsewhere(target):
    assert local_path(target) == "/"


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/friends",
        "/listen/alice?x=1&y=2#part",
        "/%09/evil.example",
        "/%5cevil.example",
        "/a//b",
        "/search?q=https://evil.example",
        "/search?q=örj",
    ],
)
def test_next_may_be_a_path_of_ours(target):
    assert local_path(target) == target
