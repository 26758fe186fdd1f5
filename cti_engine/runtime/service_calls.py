"""Flows' questions to HTTP services: each is answered by its deadline, whatever the service does.

A slow service holds up its own questions only (`at_once`), one that fails again and again is left in peace for a while.
Neither arguments nor addresses nor secrets are logged.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
from yarl import URL

from cti_engine.core.commands import CallService
from cti_engine.core.expressions.values import print_number
from cti_engine.core.services import Secret, Service
from cti_engine.core.signals import ServiceAnswered
from cti_engine.runtime.outside_http import OutsideHttp
from cti_engine.wire.tasks import spawn

if TYPE_CHECKING:
    import aiohttp

MOST_BYTES = 64 * 1024
FIRST_PAUSE = 0.1
"""Seconds between the first two tries; doubled each time."""
FAILURES = 5
"""Questions in a row that a service fails until it is left in peace for REST seconds; then one more opens it again."""
REST = 10.0

_log = logging.getLogger("cti.services")


class _Failed(Exception):
    """`error` is one of ServiceAnswered's; `down`: the service is in trouble, another try may help."""

    def __init__(self, error: str, why: str, *, down: bool = False) -> None:
        super().__init__(why)
        self.error = error
        self.down = down


@dataclass(slots=True)
class _Health:
    """`down`: questions in a row that found the service in trouble; `failed`: that failed for whatever reason."""

    asking: int = 0
    down: int = 0
    failed: int = 0
    rests_until: float = 0.0


class ServiceCalls:
    """`deliver` gets one ServiceAnswered for every CallService. Secrets' files are relative to `home`."""

    def __init__(
        self,
        home: Path,
        deliver: Callable[[ServiceAnswered], None],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._home = home
        self._deliver = deliver
        self._environment = environment
        self._health: dict[str, _Health] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = OutsideHttp()

    def start(self, call: CallService, services: Mapping[str, Service]) -> None:
        """Ask; `services` are those in force now."""
        task = spawn(self._run(call, services.get(call.service)), "service call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, call: CallService, service: Service | None) -> None:
        health = self._health.setdefault(call.service, _Health())
        values: dict[str, object] = {}
        error = ""
        try:
            values = await self._ask(call, service, health)
        except _Failed as failed:
            error = failed.error
            self._count(call.service, health, failed)
        else:
            if health.failed:
                _log.warning("service %s is well again", call.service)
            health.down = health.failed = 0
            health.rests_until = 0.0
        self._deliver(ServiceAnswered(call.contact, call.request, values, error))

    def _count(self, name: str, health: _Health, failed: _Failed) -> None:
        """Tell the 1st, 2nd, 4th, 8th ... failure in a row: a service that is away must not fill the log."""
        match failed.error:
            case "resting" | "overloaded" | "not_set_up":
                pass  # it was not asked
            case _ if failed.down:
                health.down += 1
                if health.down >= FAILURES:
                    health.rests_until = asyncio.get_running_loop().time() + REST
            case _:
                health.down, health.rests_until = 0, 0.0
        if failed.error not in ("resting", "not_found"):
            health.failed += 1
            if health.failed.bit_count() == 1:
                _log.warning("service %s, %d so far: %s, %s", name, health.failed, failed.error, failed)

    async def _ask(self, call: CallService, service: Service | None, health: _Health) -> dict[str, object]:
        if service is None:
            raise _Failed("not_set_up", "there is no such service")
        if asyncio.get_running_loop().time() < health.rests_until:
            raise _Failed("resting", "it has failed too often")
        if health.asking >= service.at_once:
            raise _Failed("overloaded", f"{health.asking} ask it already")
        url, body = address(service, call.arguments)
        headers = {name: self._header(value) for name, value in service.headers.items()}
        health.asking += 1
        if (
            health.down >= FAILURES
        ):  # after its rest one question tries, and the others wait for what comes of it
            health.rests_until = asyncio.get_running_loop().time() + REST
        deadline = min(call.deadline, service.deadline)
        try:
            async with asyncio.timeout(deadline):
                answer = await self._tries(service, url, headers, body)
        except TimeoutError:
            why = f"no answer within {print_number(deadline)} s"
            raise _Failed("deadline", why, down=True) from None
        finally:
            health.asking -= 1
        values = service.values_of(answer)
        if values is None:
            raise _Failed("bad_answer", "it is not as `answer:` declares")
        return values

    def _header(self, value: str | Secret) -> str:
        if isinstance(value, str):
            return value
        try:
            return read_secret(value, self._home, self._environment)
        except ValueError as error:
            raise _Failed("not_set_up", str(error)) from None

    async def _tries(self, service: Service, url: URL, headers: dict[str, str], body: bytes | None) -> object:
        pause = FIRST_PAUSE
        for _ in range(service.tries - 1):
            try:
                return await self._once(service, url, headers, body)
            except _Failed as failed:
                if not failed.down:
                    raise
            await asyncio.sleep(pause)
            pause *= 2
        return await self._once(service, url, headers, body)

    async def _once(self, service: Service, url: URL, headers: dict[str, str], body: bytes | None) -> object:
        sent = {"Accept": "application/json", **headers, "Accept-Encoding": "identity"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        session = await self._http.session()
        import aiohttp  # which is there by now

        try:
            async with session.request(
                service.method, url, headers=sent, data=body, allow_redirects=False
            ) as response:
                return await _read(response)
        except (aiohttp.ClientError, OSError) as error:  # its text may hold the address
            raise _Failed("unreachable", type(error).__name__, down=True) from None
        except ValueError as error:  # a header that may not be sent
            raise _Failed("not_set_up", type(error).__name__) from None

    async def close(self) -> None:
        """Questions that are open stay unanswered: flows ask again after a restart."""
        for task in self._tasks:
            task.cancel()
        await self._http.close()


def read_secret(secret: Secret, home: Path, environment: Mapping[str, str]) -> str:
    """As it is now, so that a new one is taken at once. Raises ValueError, without the secret, when it is not there."""
    if secret.env:
        value = environment.get(secret.env, "").strip()
        place = f"the variable {secret.env}"
    else:
        place = secret.file
        try:
            value = (home / secret.file).read_text(encoding="utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError):
            value = ""
    if not value.isprintable() or not value:
        raise ValueError(f"no secret in {place}")
    return value


def address(service: Service, arguments: Mapping[str, object]) -> tuple[URL, bytes | None]:
    """The address with its arguments, and the body. An argument never changes which path it is."""
    if set(arguments) != set(service.arguments) or None in arguments.values():
        raise _Failed("not_set_up", f"it wants the arguments {', '.join(service.arguments) or 'none'}")
    url = service.url
    rest = dict(arguments)
    for name, value in arguments.items():
        if f"{{{name}}}" in url:
            text = _text(value)
            if text.strip(".") == "":  # empty, or a step up the path
                raise _Failed("not_set_up", f"{name} is no value for the address")
            url = url.replace(f"{{{name}}}", quote(text, safe=""))
            del rest[name]
    if service.method == "POST":
        return URL(url, encoded=True), msgspec.json.encode(rest)
    query = "&".join(f"{quote(name, safe='')}={quote(_text(value), safe='')}" for name, value in rest.items())
    return URL(url + (("&" if "?" in url else "?") + query if query else ""), encoded=True), None


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return print_number(value) if isinstance(value, int | float) else str(value)


async def _read(response: aiohttp.ClientResponse) -> object:
    """The JSON of a 2xx answer. A redirect is not followed: the headers' secrets are for this host."""
    if response.status == 404:
        raise _Failed("not_found", "404")
    if not 200 <= response.status < 300:
        raise _Failed("failed", str(response.status), down=response.status in (429, 500, 502, 503, 504))
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _Failed("bad_answer", "it is packed")
    content = bytearray()
    while chunk := await response.content.read(MOST_BYTES + 1 - len(content)):
        content += chunk
        if len(content) > MOST_BYTES:
            response.close()
            raise _Failed("bad_answer", f"it is larger than {MOST_BYTES // 1024} KiB")
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        raise _Failed("bad_answer", "it is no JSON") from None
