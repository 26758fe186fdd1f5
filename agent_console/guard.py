"""Who may talk to the console at all: security headers on every answer, same origin, session and CSRF token."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from agent_console.accounts import Account, AccountsUnavailable
from agent_console.console import CONSOLE
from agent_console.sessions import Session

COOKIE = "cti_session"
CSRF_HEADER = "X-CSRF-Token"
_SAFE_METHODS = ("GET", "HEAD")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "media-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), speaker-selection=(self)",
}

_log = logging.getLogger("cti.console")


class Refused(Exception):
    """An answer other than success, as the page gets it: `{"error": {"code", "text"}}`, with `details` beside them."""

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        headers: dict[str, str] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.headers = headers
        self.details = details or {}

    def response(self) -> web.Response:
        body = {"error": {**self.details, "code": self.code, "text": str(self)}}
        return web.json_response(body, status=self.status, headers=self.headers)


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turns every fault into a clear JSON answer; nothing of the inside is told."""
    try:
        return await handler(request)
    except Refused as refused:
        return refused.response()
    except AccountsUnavailable as error:
        _log.error("cannot read accounts: %s", error)
        return Refused(503, "accounts_unavailable", "accounts cannot be read now").response()
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kept = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return Refused(error.status, error.reason.lower().replace(" ", "_"), error.reason, kept).response()
    except Exception:
        _log.exception("%s %s failed", request.method, request.path)
        return Refused(500, "internal_error", "a fault of ours; it has been noted").response()


def bearer(request: web.Request) -> str:
    """The token of a program, which sends it on purpose; empty for a page, whose browser sends its cookie by itself."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`, so that static files and WebSockets get them too."""
    response.headers.update(_HEADERS)
    if request.app[CONSOLE].config.cookie_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers.setdefault(
        "Cache-Control", "no-store" if request.path.startswith("/api/") else "no-cache"
    )


def check_origin(request: web.Request) -> None:
    """Only our own pages may change anything or open the WebSocket; a browser always says whose page asks."""
    origin = request.headers.get("Origin", "")
    expected = request.app[CONSOLE].config.public_origin
    same = origin == expected if expected else urlsplit(origin).netloc == request.host
    if not origin or not same:
        raise Refused(403, "wrong_origin", "this page is not of this console")


async def authenticate(request: web.Request) -> tuple[Account, Session]:
    """The account and session behind token or cookie. Raises Refused 401.

    What a browser sends by itself has to come from our own page: 403 for another origin or a wrong CSRF token.
    """
    console, token = request.app[CONSOLE], bearer(request)
    session = console.sessions.find(token or request.cookies.get(COOKIE, ""), console.now())
    account = await console.accounts.find(session.user) if session is not None else None
    if session is None or account is None:
        raise Refused(401, "logged_out", "log in first", {"WWW-Authenticate": "Bearer"})
    if request.method not in _SAFE_METHODS:
        if not token:
            check_origin(request)
            csrf = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(csrf.encode(), session.csrf.encode()):
                raise Refused(403, "wrong_csrf_token", "load the page again")
        console.sessions.touch(session, console.now())
    return account, session


def public_face(account: Account, session: Session) -> dict[str, Any]:
    """What a page knows of its own account."""
    return {
        "user": account.user,
        "role": account.role,
        "display": account.display,
        "agent": account.agent,
        "permissions": sorted(account.permissions),
        "csrf": session.csrf,
    }
