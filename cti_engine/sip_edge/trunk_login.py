"""Our log-in at carriers that know us by account (RFC 3261 10.2): registered, renewed in time, tried again, taken back.

The Contact carries a `line` that only the carrier learns, so that a call for it is the carrier's from any address.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cti_engine.sip_edge.config import EdgeConfig, TrunkAccount
from cti_engine.sip_edge.counters import Counters
from cti_engine.sip_edge.hop import Hop
from cti_engine.sip_edge.messages import SipResponse, split_commas
from cti_engine.sip_edge.names import resolve
from cti_engine.sip_edge.retransmission import TRANSACTION_LIFE, Retransmissions
from cti_engine.sip_edge.signatures import RouteSigner
from cti_engine.wire.sip_digest import answerable, authorization, ha1_of
from cti_engine.wire.tasks import spawn

LOG_OUT_WITHIN = 2.0
_MARK = "z9hG4bKreg."
_MAX_ASKS = 5  # a challenge, a stale nonce and an interval that is too brief, and one to spare
_EXPIRES = re.compile(r";\s*expires\s*=\s*(\d{1,9})", re.IGNORECASE)
_CREDENTIALS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}

_log = logging.getLogger("cti.edge.trunk_login")


def line_of(secret: bytes, trunk: str) -> str:
    """The same in each life of the edge, so that a new one renews the binding instead of adding one."""
    return hmac.digest(secret, b"trunk line " + trunk.encode(), hashlib.sha256).hex()[:16]


class Failed(Exception):
    """This try came to nothing; the text says why, in the carrier's words where it had any."""


@dataclass(slots=True)
class Standing:
    """`state`: `logging_in`, `registered`, `failing` or `logged_out`; `text` says more to a human."""

    state: str = "logging_in"
    text: str = ""


class TrunkLogins:
    """All trunks with an account at a carrier. `learned(trunk, host)`: where a registrar is, before it is asked.

    `changed()` is told when one's standing changed. Log-ins run from `start` to `log_out`.
    """

    def __init__(
        self,
        config: EdgeConfig,
        port: int,
        signer: RouteSigner,
        retransmissions: Retransmissions,
        counters: Counters,
        learned: Callable[[str, str], None],
    ) -> None:
        self.limits = config.limits
        self.counters = counters
        self._signer = signer
        self._retransmissions = retransmissions
        self.learned = learned
        self.changed: Callable[[], None] = lambda: None
        self._waiting: dict[str, asyncio.Future[SipResponse]] = {}
        here = f"{config.advertise}:{port}"
        self._logins = [
            _Login(self, trunk.name, trunk.register, f"{here};line={line_of(config.secret, trunk.name)}")
            for trunk in config.trunks
            if trunk.register is not None
        ]

    @property
    def standings(self) -> dict[str, Standing]:
        return {login.name: login.standing for login in self._logins}

    def start(self) -> None:
        for login in self._logins:
            login.start()

    async def log_out(self) -> None:
        """No more calls from carriers, please; those that go on do not need the registration. Harmless twice."""
        await asyncio.gather(*(login.log_out() for login in self._logins))

    def take(self, response: SipResponse) -> bool:
        """Whether this answers one of our REGISTERs."""
        branch = response.via.branch
        if not branch.startswith(_MARK):
            return False
        asked = self._waiting.get(branch)
        if response.code >= 200 and asked is not None and not asked.done():
            asked.set_result(response)
        return True

    async def ask(self, hop: Hop, write: Callable[[str], bytes]) -> SipResponse:
        """Send what `write(via)` makes; the final response. Raises Failed when there is none."""
        branch = f"{_MARK}{secrets.token_hex(8)}"
        asked: asyncio.Future[SipResponse] = asyncio.get_running_loop().create_future()

        def no_way() -> None:
            if not asked.done():
                asked.set_exception(Failed(f"{hop} cannot be reached"))

        self._waiting[branch] = asked
        data = write(self._signer.via(hop.transport, branch))
        self._retransmissions.start((branch, "REGISTER"), hop, data, no_way)
        try:
            return await asyncio.wait_for(asked, TRANSACTION_LIFE)
        except TimeoutError:
            raise Failed(f"{hop} does not answer") from None
        finally:
            del self._waiting[branch]
            self._retransmissions.answered((branch, "REGISTER"))


class _Login:
    def __init__(self, owner: TrunkLogins, name: str, account: TrunkAccount, contact: str) -> None:
        self._owner = owner
        self.name = name
        self._account = account
        self._where = account.registrar.partition(";")[0]
        self._contact = contact
        self._call_id = secrets.token_hex(16)
        self._tag = secrets.token_hex(6)
        self._cseq = 0
        self._expires = round(account.expires)
        self._running: asyncio.Task[None] | None = None
        self.standing = Standing()

    def start(self) -> None:
        self._running = spawn(self._run(), f"log-in of trunk {self.name}")

    async def _run(self) -> None:
        limits = self._owner.limits
        pause = limits.login_pause
        while True:
            try:
                granted = await self._register(self._expires)
            except (Failed, OSError) as problem:
                self._owner.counters.add("trunk_login.failed")
                self._stands("failing", f"not registered at {self._where}: {problem}")
                await asyncio.sleep(pause)
                pause = min(2 * pause, limits.login_longest_pause)
            else:
                self._owner.counters.add("trunk_login.registered")
                self._stands("registered", f"registered at {self._where} as {self._account.user}")
                pause = limits.login_pause
                # A try may fail and there is still time for the next.
                await asyncio.sleep(max(granted - 2 * pause, granted / 2, 1.0))

    async def log_out(self) -> None:
        if self._running is None:
            return
        self._running.cancel()
        self._running = None
        if self.standing.state == "registered":
            try:
                await asyncio.wait_for(self._register(0), LOG_OUT_WITHIN)
            except (Failed, OSError, TimeoutError) as problem:
                _log.warning(
                    "trunk %s: could not be un-registered: %s", self.name, str(problem) or "no answer"
                )
        self._stands("logged_out", f"logged out of {self._where}")

    def _stands(self, state: str, text: str) -> None:
        if (state, text) != (self.standing.state, self.standing.text):
            self.standing = Standing(state, text)
            (_log.warning if state == "failing" else _log.info)("trunk %s: %s", self.name, text)
            self._owner.changed()

    async def _register(self, expires: int) -> float:
        """Seconds granted. Raises Failed, OSError."""
        hop = await resolve(self._account.registrar)
        self._owner.learned(self.name, hop.host)
        challenge: dict[str, str] | None = None
        header, count = "", 0
        for _ in range(_MAX_ASKS):
            proof = ""
            if challenge is not None:
                count += 1
                user = self._account.user
                ha1 = ha1_of(challenge, user, self._account.password)
                answer = authorization(challenge, "REGISTER", self._uri, user, ha1, count)
                proof = f"{header}: {answer}\r\n"
            response = await self._ask(hop, expires, proof)
            if response.code in _CREDENTIALS:
                asked_in, answered_in = _CREDENTIALS[response.code]
                fresh = answerable(response.headers.getlist(asked_in))
                if fresh is None:
                    raise Failed(f"{response.start[8:]}, with no challenge that we know")
                stale = fresh.get("stale", "").lower() == "true"
                if challenge is not None and header == answered_in and not stale:
                    raise Failed(f"{response.start[8:]}: wrong user or password")
                challenge, header, count = fresh, answered_in, 0
            elif response.code == 423 and expires:
                least = response.headers.get("Min-Expires") or ""
                if not least.isdecimal() or int(least) <= expires:
                    raise Failed(f"{response.start[8:]}, without a Min-Expires above {expires}")
                expires = self._expires = min(int(least), 86_400)
            elif 200 <= response.code < 300:
                return self._granted(response, expires)
            else:
                raise Failed(response.start[8:])
        raise Failed(f"asked {_MAX_ASKS} times, the last answer was {response.start[8:]}")

    @property
    def _uri(self) -> str:
        return f"sip:{self._where}"

    async def _ask(self, hop: Hop, expires: int, proof: str) -> SipResponse:
        self._cseq += 1
        user = self._account.user
        aor = f"<sip:{user}@{self._where.partition(':')[0]}>"
        transport = ";transport=tcp" if hop.transport == "tcp" else ""

        def write(via: str) -> bytes:
            return (
                f"REGISTER {self._uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\n"
                f"From: {aor};tag={self._tag}\r\nTo: {aor}\r\nCall-ID: {self._call_id}\r\n"
                f"CSeq: {self._cseq} REGISTER\r\nContact: <sip:{user}@{self._contact}{transport}>\r\n"
                f"Expires: {expires}\r\nUser-Agent: cti-engine\r\n{proof}Content-Length: 0\r\n\r\n"
            ).encode()

        return await self._owner.ask(hop, write)

    def _granted(self, response: SipResponse, asked: int) -> float:
        """What the registrar says of our own Contact among all of the account's, else of all, else what we asked."""
        line = self._contact.partition(";")[2]
        for value in response.headers.getlist("Contact"):
            for one in split_commas(value):
                found = _EXPIRES.search(one.rpartition(">")[2])
                if line in one and found is not None:
                    return float(found[1])
        everybody = response.headers.get("Expires") or ""
        return float(everybody) if everybody.isdecimal() else float(asked)
