"""LiveKit tokens for people; nothing else in the web app makes them.

A token is a signed list of what its holder may do in one room, and nothing else keeps listeners away from the raw microphone. So
there are few kinds, each grants as little as possible, and no argument grants more. None says who holds it: a stage is full of
people who need not know of each other, and the audio server writes identities into its log.

    studio    the broadcaster: publish a microphone, hear the noise remover, send data (RPC needs it)
    stage     a listener, unseen by the others: a friend, or the broadcaster who wants to hear what friends hear
    check     a speaker and a listener in an empty room, with which one person tries the connection to the audio server
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from livekit import api

from contract import messages

TOKEN_TTL = timedelta(minutes=2)
"""How long a token can be used for the first time. The audio server then refreshes it as long as its holder is connected."""


LOGIN = "login"
"""Attribute of the broadcaster in the studio: which log-in has got the ticket (webapp.accounts.sessions.login_mark)."""


class WebhookRefused(Exception):
    """The webhook is not signed by the audio server, is signed for another body, has expired, or cannot be read."""


@dataclass(frozen=True)
class TokenMint:
    """Signs tokens with the audio server's key pair, and checks what the audio server has signed."""

    api_key: str
    api_secret: str = field(repr=False)

    def studio(self, room: str, login: str = "") -> str:
        """Make a broadcaster's token. The identity is fixed, so a second tab takes over from the first.

        `login`: the mark of the log-in that asks. The studio moves away from whoever has none that counts.
        """
        return self._sign(
            messages.BROADCASTER,
            api.VideoGrants(
                room_join=True,
                room=room,
                can_subscribe=True,
                can_publish=True,
                can_publish_sources=["microphone"],
                can_publish_data=True,
                can_update_own_metadata=False,
            ),
            {LOGIN: login} if login else None,
        )

    def stage(self, room: str, seat: str) -> str:
        """Make a listener's token. `seat`: the identity, which means something to webapp.streams.seats only."""
        grants = _listen_only(room)
        grants.hidden = True
        return self._sign(seat, grants)

    def check_speaker(self, room: str) -> str:
        """Make a token with which a page that tries its connection publishes a microphone."""
        return self._sign(
            "speaker",
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

    def check_listener(self, room: str) -> str:
        """Make a token with which that page hears what it publishes."""
        return self._sign("listener", _listen_only(room))

    def read_webhook(self, body: str, signature: str) -> api.WebhookEvent:
        """Read a webhook, whose hash the audio server signs with the same key pair. Raises WebhookRefused."""
        receiver = api.WebhookReceiver(api.TokenVerifier(self.api_key, self.api_secret))
        try:
            return receiver.receive(body, signature)
        except Exception as error:  # it raises Exception itself, and errors of jwt, base64 and protobuf
            raise WebhookRefused(str(error)) from error

    def _sign(self, identity: str, grants: api.VideoGrants, attributes: Mapping[str, str] | None = None) -> str:
        token = api.AccessToken(self.api_key, self.api_secret)
        if attributes:
            token.with_attributes(dict(attributes))
        return token.with_identity(identity).with_ttl(TOKEN_TTL).with_grants(grants).to_jwt()


def _listen_only(room: str) -> api.VideoGrants:
    return api.VideoGrants(
        room_join=True,
        room=room,
        can_subscribe=True,
        can_publish=False,
        can_publish_data=False,
        can_update_own_metadata=False,
    )
