"""HTTP to services and webhooks. Its library is 5 MB and a quarter of a second: read when somebody first needs it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp


class OutsideHttp:
    """One session, without cookies, proxies, unpacking, or time-outs but our own."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            await asyncio.to_thread(_read_library)  # calls must not wait for it
        if self._session is None:  # nor has anybody made it meanwhile
            self._session = _session()
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _read_library() -> None:
    import aiohttp  # noqa: F401


def _session() -> aiohttp.ClientSession:
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        auto_decompress=False,
    )
