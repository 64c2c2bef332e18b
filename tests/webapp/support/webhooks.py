"""Webhooks as the audio server sends them, and as somebody else would."""

import base64
import hashlib
import json
from datetime import timedelta

from flask import Flask
from livekit import api
from werkzeug.test import TestResponse


def hint(event: str, delivery_id: str, room: str) -> str:
    return json.dumps({"event": event, "id": delivery_id, "room": {"name": room}})


def deliver(
    app: Flask,
    body: str,
    *,
    secret: str | None = None,
    ttl_s: int = 300,
    signed_body: str | None = None,
) -> TestResponse:
    """`secret`, `ttl_s`, `signed_body`: what is wrong with the signature."""
    config = app.config["STILLAIR"]
    digest = base64.b64encode(hashlib.sha256((signed_body or body).encode()).digest()).decode()
    token = api.AccessToken(config.livekit_api_key, secret or config.livekit_api_secret)
    signature = token.with_sha256(digest).with_ttl(timedelta(seconds=ttl_s)).to_jwt()
    headers = {"Authorization": signature, "Content-Type": "application/webhook+json"}
    return app.test_client().post("/livekit/webhook", data=body, headers=headers)
