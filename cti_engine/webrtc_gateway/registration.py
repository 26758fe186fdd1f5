"""The gateway registers at the edge as the agent (RFC 3261 10.2), with the HA1 that stands in accounts.db.

No password is needed for that, and nothing of it ever goes to a browser.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cti_engine.adapters.account_store import AccountProblem, AccountStore
from cti_engine.webrtc_gateway.config import GatewayConfig
from cti_engine.webrtc_gateway.sip_endpoint import Endpoint, NoAnswer
from cti_engine.wire.browser_phone import INSTANCE
from cti_engine.wire.sip_digest import answerable, authorization
from cti_engine.wire.tasks import spawn

AGAIN_AFTER = 1.0  # seconds, when the edge did not take it
FAREWELL = 2.0

_log = logging.getLogger("cti.gateway.sip")


class Refused(Exception):
    """The edge does not take our registration; the text says why."""


@dataclass(slots=True)
class Line:
    """Our side of the SIP socket: what stands in Via and Contact."""

    endpoint: Endpoint
    host: str
    port: int

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def contact(self, agent: str) -> str:
        return f"<sip:{agent}@{self.address}>"

    def via(self, branch: str) -> str:
        return f"SIP/2.0/UDP {self.address};branch={branch};rport"


class Registration:
    """One agent's. `on_change(registered)` is told when the edge took it, or does not any more."""

    def __init__(
        self, config: GatewayConfig, line: Line, agent: str, on_change: Callable[[bool], None]
    ) -> None:
        self._config = config
        self._line = line
        self._agent = agent
        self._on_change = on_change
        self._call_id = secrets.token_hex(12)
        self._tag = secrets.token_hex(6)
        self._cseq = 0
        self.registered = False
        self._renewing = spawn(self._renew(), f"registration of {agent}")

    async def _renew(self) -> None:
        while True:
            try:
                await self._register(self._config.expires)
            except (NoAnswer, Refused, AccountProblem, OSError) as problem:
                _log.warning("%s cannot be registered: %s", self._agent, str(problem) or "no answer")
                self._stands(False)
                await asyncio.sleep(AGAIN_AFTER)
            else:
                self._stands(True)
                await asyncio.sleep(self._config.expires / 2)

    def _stands(self, registered: bool) -> None:
        if registered != self.registered:
            self.registered = registered
            self._on_change(registered)

    async def end(self) -> None:
        """Un-register. A dead edge does not hold us: the registration runs out by itself."""
        self._renewing.cancel()
        try:
            async with asyncio.timeout(FAREWELL):
                await self._register(0)
        except (NoAnswer, Refused, AccountProblem, OSError, TimeoutError) as problem:
            _log.warning("%s could not be un-registered: %s", self._agent, str(problem) or "no answer")
        self.registered = False

    async def _register(self, expires: int) -> None:
        """Raises NoAnswer, Refused, AccountProblem, OSError."""
        proof = ""
        for _ in range(3):
            response = await self._line.endpoint.ask(partial(self._request, expires, proof))
            if 200 <= response.code < 300:
                return
            if response.code != 401:
                break
            challenge = answerable(response.headers.getlist("WWW-Authenticate"))
            if challenge is None:
                break
            answer = authorization(challenge, "REGISTER", self._uri, self._agent, self._ha1())
            proof = f"Authorization: {answer}\r\n"
        raise Refused(f"{response.code} {response.phrase}")

    def _ha1(self) -> str:
        """Read each time: an admin may have renewed the password or disabled the account."""
        store = AccountStore(self._config.accounts_db, self._config.realm, read_only=True)
        try:
            account = store.get(self._agent)
        finally:
            store.close()
        if account is None or account.disabled:
            raise AccountProblem(f"there is no account {self._agent!r} that may register")
        return account.ha1

    @property
    def _uri(self) -> str:
        return f"sip:{self._config.edge_host}:{self._config.edge_port}"

    def _request(self, expires: int, proof: str, branch: str) -> bytes:
        self._cseq += 1
        aor = f"<sip:{self._agent}@{self._config.edge_host}>"
        instance = INSTANCE.format(agent=self._agent)
        return (
            f"REGISTER {self._uri} SIP/2.0\r\nVia: {self._line.via(branch)}\r\nMax-Forwards: 70\r\n"
            f"From: {aor};tag={self._tag}\r\nTo: {aor}\r\nCall-ID: {self._call_id}\r\n"
            f"CSeq: {self._cseq} REGISTER\r\n"
            f'Contact: {self._line.contact(self._agent)};+sip.instance="{instance}"\r\n'
            f"Expires: {expires}\r\nUser-Agent: cti-engine browser phone\r\n{proof}Content-Length: 0\r\n\r\n"
        ).encode()
