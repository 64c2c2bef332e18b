"""A person's account in a running Stillair, over its JSON API: for `publish` and `listen` on the command line."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from contract.messages import USUAL_QUALITY

TIMEOUT_S = 15.0


class AccountError(Exception):
    """Stillair cannot be reached, or says no. The message is for a person."""


@dataclass(frozen=True)
class Ticket:
    """A way into a room of the audio server."""

    stream: dict[str, Any]
    url: str
    token: str


@dataclass(frozen=True)
class Login:
    """Shows who somebody is: an access token, or a user name and a password."""

    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)


class Account:
    """Logged in. Every method raises AccountError."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._headers: dict[str, str] = {}

    async def log_in(self, login: Login) -> None:
        if login.token:
            self._headers = {"Authorization": f"Bearer {login.token}"}
            return
        await self._ask_for_csrf_token("GET", "/api/session")
        await self._ask_for_csrf_token("POST", "/api/login", {"username": login.username, "password": login.password})

    async def _ask_for_csrf_token(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        self._headers = {"X-CSRF-Token": (await self._ask(method, path, body))["csrf_token"]}

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
        try:
            async with self._session.request(method, self._url + path, json=body, headers=self._headers) as answer:
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
async def account(url: str, login: Login) -> AsyncIterator[Account]:
    """Logs in. Raises AccountError."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of hosts that are IP addresses, too
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
        logged_in = Account(session, url.rstrip("/"))
        await logged_in.log_in(login)
        yield logged_in
