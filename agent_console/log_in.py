"""The check of a password, for pages and programs alike: the same limits, the same answer to all that is wrong."""

from __future__ import annotations

import logging
import math

from aiohttp import web

from agent_console.accounts import Account
from agent_console.answers import LogIn
from agent_console.console import CONSOLE
from agent_console.guard import Refused

_log = logging.getLogger("cti.console")


async def check_password(request: web.Request, asked: LogIn) -> Account:
    """The account. Raises Refused: 401 for a wrong password, 429 after too many of them."""
    console = request.app[CONSOLE]
    address = request.remote or ""
    wait = console.limits.wait(asked.user, address, console.now())
    if wait > 0:
        seconds = math.ceil(wait)
        raise Refused(
            429,
            "too_many",
            f"too many wrong passwords: try again in {seconds} s",
            {"Retry-After": str(seconds)},
        )
    account = await console.accounts.log_in(asked.user, asked.password)
    if account is None:
        console.limits.failed(asked.user, address, console.now())
        _log.warning("wrong password for %r from %s", asked.user[:64], address)
        raise Refused(401, "wrong_credentials", "user or password is wrong")
    return account
