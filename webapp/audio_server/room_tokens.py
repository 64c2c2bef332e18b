"""LiveKit tokens for people: the only place of the web app that mints them.

A token is a signed list of what its holder may do in one room, and nothing else keeps a listener away from the raw
microphone. So there are few kinds, each as narrow as it can be, and no argument widens one:

    studio    the broadcaster: publish a microphone, hear the noise remover, send data (RPC needs it)
    stage     a friend: listen
    monitor   the broadcaster's own ear on the stage, unseen by the listeners
    check     one person's own speaker and listener in an empty room, to try the way to the audio server
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from livekit import api

TOKEN_TTL = timedelta(minutes=2)
"""Time to use a token for the first time; the audio server then refreshes it by itself for as long as its holder is connected."""


class WebhookRefused(Exception):
    """Not signed by the audio server, signed for another body, expired, or not readable."""


@dataclass(frozen=True)
class TokenMint:
    """Signs with the audio server's key pair, and checks what it has signed."""

    api_key: str
    api_secret: str = field(repr=False)

    def studio(self, room: str, username: str, display_name: str) -> str:
        """For the broadcaster. The identity is fixed: a second tab takes over from the first."""
        return self._sign(
            username,
            display_name,
            api.VideoGrants(
                room_join=True,
                room=room,
                can_subscribe=True,
                can_publish=True,
                can_publish_sources=["microphone"],
                can_publish_data=True,
                can_update_own_metadata=False,
            ),
        )

    def stage(self, room: str, username: str, display_name: str, avatar_url: str | None = None) -> str:
        """For a listener, whose name and picture the broadcaster sees."""
        return self._sign(page_identity(username), display_name, _listen_only(room), avatar=avatar_url)

    def monitor(self, room: str, username: str, display_name: str) -> str:
        """For the broadcaster who wants to hear what friends hear."""
        grants = _listen_only(room)
        grants.hidden = True
        return self._sign(page_identity(username), display_name, grants)

    def check_speaker(self, room: str, username: str) -> str:
        """For a page that tries its way to the audio server: publish a microphone."""
        return self._sign(
            f"{username}.speaker",
            "",
            api.VideoGrants(
                room_join=True,
                room=room,
                can_subscribe=False,
                can_publish=True,
                can_publish_sources=["microphone"],
                can_publish_data=False,
                can_update_own_metadata=False,
            ),
        )

    def check_listener(self, room: str, username: str) -> str:
        """For the same page: hear what it has published."""
        return self._sign(f"{username}.listener", "", _listen_only(room))

    def read_webhook(self, body: str, signature: str) -> api.WebhookEvent:
        """A call from the audio server, which signs the body's hash with the same key pair. Raises WebhookRefused."""
        receiver = api.WebhookReceiver(api.TokenVerifier(self.api_key, self.api_secret))
        try:
            return receiver.receive(body, signature)
        except Exception as error:  # it raises Exception itself, and what jwt, base64 and protobuf raise
            raise WebhookRefused(str(error)) from error

    def _sign(self, identity: str, name: str, grants: api.VideoGrants, *, avatar: str | None = None) -> str:
        token = api.AccessToken(self.api_key, self.api_secret)
        token.with_identity(identity).with_name(name).with_ttl(TOKEN_TTL).with_grants(grants)
        if avatar:
            token.with_attributes({"avatar": avatar})
        return token.to_jwt()


def page_identity(username: str) -> str:
    """A new identity for one page of this person on the stage. User names hold no dot, so `username_of` can undo it."""
    return f"{username}.{secrets.token_hex(4)}"


def username_of(identity: str) -> str:
    """The person behind an identity in a studio or on a stage."""
    return identity.partition(".")[0]


def _listen_only(room: str) -> api.VideoGrants:
    return api.VideoGrants(
        room_join=True,
        room=room,
        can_subscribe=True,
        can_publish=False,
        can_publish_data=False,
        can_update_own_metadata=False,
    )
