"""Acts for somebody through the JSON API of a running Stillair, without a browser."""

import re

import aiohttp


class Page:
    """Keeps the session of somebody, at first not logged in."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._csrf_token = ""

    async def __aenter__(self):
        self._csrf_token = (await self.ask("GET", "/api/session"))["csrf_token"]
        return self

    async def __aexit__(self, *_):
        await self._session.close()

    async def ask(self, method: str, path: str, **body):
        headers = {"X-CSRF-Token": self._csrf_token}
        async with self._session.request(method, self._url + path, json=body or None, headers=headers) as answer:
            assert answer.status < 300, f"{path}: {answer.status} {await answer.text()}"
            told = await answer.json() if answer.content_type == "application/json" else {}
        self._csrf_token = told.get("csrf_token", self._csrf_token)
        return told

    async def make_token(self, *scopes: str) -> str:
        """Makes an access token, which the settings page shows once."""
        fields = [("csrf_token", self._csrf_token), ("name", "Script"), *(("scopes", scope) for scope in scopes)]
        async with self._session.post(f"{self._url}/settings/tokens", data=aiohttp.FormData(fields)) as answer:
            return re.search(r'value="(stillair_[^"]+)"', await answer.text())[1]


async def make_friends(url: str, *names: str, password: str) -> None:
    """Makes accounts, all friends of each other."""
    for number, name in enumerate(names):
        async with Page(url) as page:
            await page.ask("POST", "/api/register", username=name, password=password)
            for before in names[:number]:
                await page.ask("POST", "/api/friend-request/send", username=before)
    for number, name in enumerate(names):
        async with Page(url) as page:
            await page.ask("POST", "/api/login", username=name, password=password)
            for after in names[number + 1 :]:
                await page.ask("POST", "/api/friend-request/send", username=after)
