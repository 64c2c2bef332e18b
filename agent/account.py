"""A person's account in a running Stillair, over its JSON API: for `publish` and `listen` on the command line."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from contract import USUAL_QUALITY

TIMEOUT_S = 15.0


class AccountError(Exception):
    """Stillair cannot be reached, or says no. The message is for a person."""


@dataclass(frozen=True)
class Ticket:
    """A way into a room of the audio server."""

    stream: dict[str, Any]
    url: str
    token: str


class Account:
    """Logged in. Every method raises AccountError."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._csrf_token = ""

    async def log_in(self, username: str, password: str) -> None:
        self._csrf_token = (await self._ask("GET", "/api/session"))["csrf_token"]
        answer = await self._ask("POST", "/api/login", {"username": username, "password": password})
        self._csrf_token = answer["csrf_token"]

    async def start(self, title: str, strength_db: float) -> Ticket:
        asked = {"title": title, "strength_db": strength_db, "quality": USUAL_QUALITY}
        return _ticket(await self._ask("POST", "/api/stream/start", asked))

    async def stop(self) -> None:
        await self._ask("POST", "/api/stream/stop", {})

    async def listen(self, username: str) -> Ticket | None:
        """None when this person is not live, or no friend: the server does not say which."""
        try:
            return _ticket(await self._ask("POST", f"/api/stream/listen/{username}", {}))
        except _NotThere:
            return None

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"X-CSRF-Token": self._csrf_token} if self._csrf_token else {}
        try:
            async with self._session.request(method, self._url + path, json=body, headers=headers) as answer:
                data: dict[str, Any] = await answer.json()
        except (aiohttp.ContentTypeError, ValueError) as error:
            raise AccountError(f"What answers at {self._url} is no Stillair. Give its address with --url.") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AccountError(f"{self._url} cannot be reached: {error or 'no answer'}. Is Stillair started there?") from error
        if answer.status == 404:
            raise _NotThere(f"{self._url} knows nothing of {path}.")
        if answer.status >= 400:
            raise AccountError(str(data.get("error", {}).get("message") or f"{self._url} answered {answer.status}."))
        return data


class _NotThere(AccountError):
    pass


def _ticket(answer: dict[str, Any]) -> Ticket:
    return Ticket(answer["stream"], answer["url"], answer["token"])


@contextlib.asynccontextmanager
async def account(url: str, username: str, password: str) -> AsyncIterator[Account]:
    """Logs in. Raises AccountError."""
    jar = aiohttp.CookieJar(unsafe=True)        # cookies of hosts that are IP addresses, too
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
        logged_in = Account(session, url.rstrip("/"))
        await logged_in.log_in(username, password)
        yield logged_in
