from __future__ import annotations

import logging

import pytest
from sqlalchemy import text

from webapp.core.database import db

PASSWORD = "canary-in-the-password"


@pytest.mark.parametrize("broken", [False, True])
def test_no_secret_and_nobodys_name_is_logged(app, visit, caplog, broken):
    """Also not by the traceback of a failure in the middle of a log-in."""
    caplog.set_level(logging.DEBUG)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    ana = visit("canary-ana")
    assert ana.enter("/api/register", PASSWORD).status_code == 201
    if broken:
        with app.app_context():
            db.session.execute(text("ALTER TABLE login_session RENAME TO elsewhere"))
            db.session.commit()
    again = visit("canary-ana")
    assert again.enter("/api/login", PASSWORD).status_code == (500 if broken else 200)
    assert again.enter("/api/login", f"{PASSWORD}-not").status_code == 401
    again.post("/api/login", {"username": "canary\r\nana", "password": PASSWORD})
    again.get("/api/friends?canary=1")
    logged = "\n".join(logging.Formatter("%(message)s").format(record) for record in caplog.records)
    assert ("request failed" in logged) is broken
    assert "canary" not in logged
    for browser in (ana, again):
        assert browser.csrf_token not in logged
        assert browser.client.get_cookie("stillair_8000").value not in logged
