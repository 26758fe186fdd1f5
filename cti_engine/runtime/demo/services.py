"""The demo's services on loopback, as config/services.yaml names them: balance and order status, each for its PIN."""

from __future__ import annotations

import asyncio
import hmac
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import web
from rich.console import Console

from cti_engine.definitions.demo_accounts import DemoAccounts, DemoRecord, load_demo_accounts
from cti_engine.definitions.problems import Problem
from cti_engine.definitions.yaml_source import read_yaml

FILE = "config/demo_accounts.yaml"
PORT = 18090
"""As in config/services.yaml."""


class _Asked(msgspec.Struct):
    pin: str
    account: str = ""
    order: str = ""


def read_accounts(home: Path) -> tuple[DemoAccounts, list[Problem]]:
    """Raises OSError when the file cannot be read."""
    document = read_yaml(FILE, (home / FILE).read_bytes())
    return load_demo_accounts(document), document.problems


def application(known: DemoAccounts) -> web.Application:
    """A wrong PIN and an unknown number have the same answer, so that nobody learns which numbers there are."""

    async def balance(request: web.Request) -> web.Response:
        asked = await _asked(request)
        return _answer("account", known.accounts.get(asked.account), asked.pin)

    async def order(request: web.Request) -> web.Response:
        asked = await _asked(request)
        return _answer("order", known.orders.get(asked.order), asked.pin)

    app = web.Application(client_max_size=4096)
    app.router.add_post("/balance", balance)
    app.router.add_post("/order", order)
    return app


async def _asked(request: web.Request) -> _Asked:
    try:
        return msgspec.json.decode(await request.read(), type=_Asked)
    except msgspec.DecodeError as error:
        raise web.HTTPBadRequest(text=type(error).__name__) from None


def _answer(what: str, record: DemoRecord | None, pin: str) -> web.Response:
    if record is None or not hmac.compare_digest(record.pin.encode(), pin.encode()):
        return web.json_response({"accepted": False})
    return web.json_response({"accepted": True, what: record.told})


@asynccontextmanager
async def serving(home: Path, port: int = PORT) -> AsyncIterator[int]:
    """Gives the port (0 takes any free one). Raises OSError: no file, or a port that is taken; ValueError: problems."""
    known, problems = await asyncio.to_thread(read_accounts, home)
    if problems:
        raise ValueError("\n".join(str(problem) for problem in problems))
    runner = web.AppRunner(application(known), access_log=None)  # a PIN must not stand in a log
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def run_services(home: Path, port: int, console: Console) -> int:
    """Until Ctrl-C. Returns the exit code: 1 for problems in the file, 3 when there is none or the port is taken."""
    try:
        asyncio.run(_serve(home, port, console))
    except (OSError, ValueError) as error:
        console.print(str(error), markup=False)
        return 1 if isinstance(error, ValueError) else 3
    return 0


async def _serve(home: Path, port: int, console: Console) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(home, port) as actual:
        console.print(
            f"Balance and order status answer at http://127.0.0.1:{actual}, until Ctrl-C.", markup=False
        )
        await stop.wait()
