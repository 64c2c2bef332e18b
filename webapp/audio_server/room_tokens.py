"""LiveKit tokens for people; nothing else in the web app makes them.

A token is a signed list of what its holder may do in one room, and nothing else keeps listeners away from the raw microphone. So
there are few kinds, each grants as little as possible, and no argument grants more:

    studio    the broadcaster: publish a microphone, hear the noise remover, send data (RPC needs it)
    stage     a friend: listen
    monitor   the broadcaster's own ear on the stage, unseen by the listeners
    check     a speaker and a listener in an empty room, with which one person tries the connection to the audio server
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from livekit import api

TOKEN_TTL = timedelta(minutes=2)
"""How long a token can be used for the first time. The audio server then refreshes it as long as its holder is connected."""


class WebhookRefused(Exception):
    """The webhook is not signed by the audio server, is signed for another body, has expired, or cannot be read."""


@dataclass(frozen=True)
class TokenMint:
    """Signs tokens with the audio server's key pair, and checks what the audio server has signed."""

    api_key: str
    api_secret: str = field(repr=False)

    def studio(self, room: str, username: str, display_name: str) -> str:
        """Make a broadcaster's token. The identity is fixed, so a second tab takes over from the first."""
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
        """Make a listener's token, with the name and picture that the broadcaster sees."""
        return self._sign(page_identity(username), display_name, _listen_only(room), avatar=avatar_url)

    def monitor(self, room: str, username: str, display_name: str) -> str:
        """Make a token for broadcasters who want to hear what friends hear."""
        grants = _listen_only(room)
        grants.hidden = True
        return self._sign(page_identity(username), display_name, grants)

    def check_speaker(self, room: str, username: str) -> str:
        """Make a token with which a page that tries its connection publishes a microphone."""
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
        """Make a token with which that page hears what it publishes."""
        return self._sign(f"{username}.listener", "", _listen_only(room))

    def read_webhook(self, body: str, signature: str) -> api.WebhookEvent:
        """Read a webhook, whose hash the audio server signs with the same key pair. Raises WebhookRefused."""
        receiver = api.WebhookReceiver(api.TokenVerifier(self.api_key, self.api_secret))
        try:
            return receiver.receive(body, signature)
        except Exception as error:  # it raises Exception itself, and errors of jwt, base64 and protobuf
            raise WebhookRefused(str(error)) from error

    def _sign(self, identity: str, name: str, grants: api.VideoGrants, *, avatar: str | None = None) -> str:
        token = api.AccessToken(self.api_key, self.api_secret)
        token.with_identity(identity).with_name(name).with_ttl(TOKEN_TTL).with_grants(grants)
        if avatar:
            token.with_attributes({"avatar": avatar})
        return token.to_jwt()


def page_identity(username: str) -> str:
    """Make an identity on the stage for one page of this person. User names contain no dot, so `username_of` can undo it."""
    return f"{username}.{secrets.token_hex(4)}"


def username_of(identity: str) -> str:
    """Return the user name of an identity in a studio or on a stage."""
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
