"""INVITEs that open a call: transaction-stateful, so that workers can be tried in turn (RFC 3261 16 and 17).

    placing --> calling --> proceeding --> accepted (2xx)
       \\           |            |
        `----------+------------+--------> refused (300-699)

100 is sent at once, retransmissions end here, CANCEL and the ACK of a refusal follow hop by hop. What comes
later in the dialog needs none of this: see in_dialog.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache, partial

from sipmessage import URI

from cti_engine.sip_edge.config import Limits
from cti_engine.sip_edge.counters import Counters
from cti_engine.sip_edge.hop import Hop
from cti_engine.sip_edge.messages import SipRequest, SipResponse, answer
from cti_engine.sip_edge.placement import Placement, Waiting
from cti_engine.sip_edge.retransmission import TRANSACTION_LIFE, Retransmissions
from cti_engine.sip_edge.signatures import WORKER, RouteSigner, Side
from cti_engine.sip_edge.transports import Transports

_TIMER_C = 185.0  # RFC 3261 16.6: more than three minutes without news from a ringing phone
_MAX_ATTEMPTS = 5

_log = logging.getLogger("cti.edge.invites")


class State(Enum):
    PLACING = auto()
    CALLING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    REFUSED = auto()


_OVER = (State.ACCEPTED, State.REFUSED)


@lru_cache(maxsize=4096)
def _uri(user: str, hop: Hop) -> str:
    """What a worker is called by."""
    return str(URI(scheme="sip", host=hop.host, port=hop.port, user=user))


@dataclass(slots=True)
class Attempt:
    """One client transaction for an INVITE: where it was sent, and with which Request-URI."""

    invite: Invite
    branch: str
    hop: Hop
    uri: str


class Invite:
    """One INVITE on its way. `near` is who calls; `dnis` is set when it goes to whichever worker is free."""

    __slots__ = (
        "attempts", "cancel_wanted", "dnis", "last_answer", "near", "on_challenge", "reason", "request",
        "state", "timer", "waiting",
    )  # fmt: skip

    def __init__(self, request: SipRequest, near: Side) -> None:
        self.request = request
        self.near = near
        self.state = State.PLACING
        self.dnis = ""
        self.attempts: list[Attempt] = []
        self.last_answer = b""
        self.cancel_wanted = False
        self.reason = ""
        self.timer: asyncio.TimerHandle | None = None
        self.waiting: Waiting | None = None
        self.on_challenge: Callable[[], None] | None = None


class Invites:
    """All INVITE transactions, by what their sender and what their receiver calls them."""

    def __init__(
        self,
        transports: Transports,
        signer: RouteSigner,
        retransmissions: Retransmissions,
        placement: Placement,
        limits: Limits,
        counters: Counters,
    ) -> None:
        self._transports = transports
        self._signer = signer
        self._retransmissions = retransmissions
        self._placement = placement
        self._limits = limits
        self._counters = counters
        self._by_key: dict[str, Invite | None] = {}  # None: accepted, and all that is left is its key
        self._by_branch: dict[str, Attempt] = {}
        self._ended: deque[tuple[float, str, list[Attempt]]] = deque()
        self._sweep_timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._by_key)

    # --- from the sender of the INVITE --------------------------------------------------------------

    def absorb(self, request: SipRequest) -> bool:
        """Whether this INVITE is known already; then it gets the last answer again (17.2.1)."""
        if request.key not in self._by_key:
            return False
        self._counters.add("retransmission.absorbed")
        invite = self._by_key[request.key]
        if invite is not None and invite.last_answer:
            self._transports.reply(request.source, invite.last_answer)
        return True

    def to_worker(self, request: SipRequest, near: Side) -> None:
        """Place a call from outside on a free worker, trying others if one does not answer."""
        invite = self._open(request, near)
        invite.dnis = request.uri.user or ""
        self._place(invite)

    def to_that_worker(self, request: SipRequest, near: Side, worker: Hop) -> None:
        """A second line: no other worker will do, whatever this one answers."""
        self._try(self._open(request, near), Side(WORKER, worker), _uri(request.uri.user or "", worker))

    def to_hop(
        self, request: SipRequest, near: Side, far: Side, uri: str, on_challenge: Callable[[], None]
    ) -> None:
        """Forward a worker's call to a phone or trunk. `on_challenge` is called if it asks for credentials."""
        invite = self._open(request, near)
        invite.on_challenge = on_challenge
        self._try(invite, far, uri)

    def _open(self, request: SipRequest, near: Side) -> Invite:
        invite = Invite(request, near)
        self._by_key[request.key] = invite
        invite.last_answer = answer(request, 100)
        self._transports.reply(request.source, invite.last_answer)
        request.headers.set("Max-Forwards", str(request.max_forwards() - 1))
        return invite

    def _place(self, invite: Invite) -> None:
        invite.state = State.PLACING
        invite.waiting = Waiting(
            placed=lambda hop: self._placed(invite, hop), refused=lambda: self._none_free(invite)
        )
        self._placement.place(invite.waiting)

    def _placed(self, invite: Invite, hop: Hop) -> None:
        invite.waiting = None
        self._try(invite, Side(WORKER, hop), _uri(invite.dnis, hop))

    def _none_free(self, invite: Invite) -> None:
        self._refuse(invite, 503, ("Retry-After", str(self._limits.retry_after)))

    def _try(self, invite: Invite, far: Side, uri: str) -> None:
        """One client transaction (17.1.1): over UDP to a phone with timers A and B, to a worker only once."""
        request = invite.request
        invite.state = State.CALLING
        branch = self._signer.branch(request, len(invite.attempts))
        attempt = Attempt(invite, branch, far.hop, uri)
        invite.attempts.append(attempt)
        self._by_branch[branch] = attempt
        headers = request.headers
        vias, routes = headers.getlist("Via"), headers.getlist("Record-Route")
        via = self._signer.via(far.hop.transport, branch)
        call_id = request.call_id
        headers.setlist("Via", [via, *vias])
        headers.setlist(
            "Record-Route",
            [
                self._signer.record_route(far, call_id),
                self._signer.record_route(invite.near, call_id),
                *routes,
            ],
        )
        request.start = f"INVITE {uri} SIP/2.0"
        data = request.write()
        headers.setlist("Via", vias)
        headers.setlist("Record-Route", routes)
        loop = asyncio.get_running_loop()
        if invite.dnis:
            self._transports.send(far.hop, data)
            silent = partial(self._worker_silent, attempt)
            self._arm(invite, loop.call_later(self._limits.worker_answer, self._transports.when_read, silent))
        else:
            key = (branch, "INVITE")
            self._retransmissions.start(key, far.hop, data, lambda: self._unreachable(attempt))
            self._arm(invite, loop.call_later(TRANSACTION_LIFE, self._no_answer, attempt))

    def cancel(self, request: SipRequest) -> bool:
        """Whether this CANCEL is for an INVITE here; then it is answered, and passed on when it may be (9.1)."""
        if request.key not in self._by_key:
            return False
        self._transports.reply(request.source, answer(request, 200, self.tag(request)))
        invite = self._by_key[request.key]
        if invite is None or invite.cancel_wanted or invite.state in _OVER:
            return True
        invite.cancel_wanted = True
        invite.reason = request.headers.get("Reason") or ""
        if invite.state is State.PLACING:
            if invite.waiting is not None:
                self._placement.withdraw(invite.waiting)
            self._refuse(invite, 487)
        elif invite.state is State.PROCEEDING:
            self._send_cancel(invite.attempts[-1])
        return True

    def acknowledged(self, request: SipRequest) -> bool:
        """Whether this ACK ends a refusal that was sent from here (17.2.1)."""
        invite = self._by_key.get(request.key)
        if invite is None or invite.state is not State.REFUSED:
            return False
        self._retransmissions.answered((request.key, "refusal"))
        return True

    # --- from the receiver of the INVITE ------------------------------------------------------------

    def take(self, response: SipResponse) -> bool:
        """Whether this response answers an INVITE (or its CANCEL) that was sent from here."""
        branch = response.via.branch
        attempt = self._by_branch.get(branch)
        if attempt is None:
            return False
        if response.method == "CANCEL":
            self._retransmissions.answered((branch, "CANCEL"))
        elif response.method == "INVITE":
            self._retransmissions.answered((branch, "INVITE"))
            self._invite_answered(attempt, response)
        return True

    def _invite_answered(self, attempt: Attempt, response: SipResponse) -> None:
        invite, code = attempt.invite, response.code
        latest = attempt is invite.attempts[-1]
        if code >= 300:
            self._retransmissions.answered((attempt.branch, "CANCEL"))
            self._transports.send(attempt.hop, self._same_transaction(attempt, "ACK", response.to))
            if latest and invite.state not in _OVER:
                self._refused(invite, response)
        elif code >= 200:
            self._retransmissions.answered((attempt.branch, "CANCEL"))
            if invite.state not in _OVER:
                self._end(invite, State.ACCEPTED)
            self._pass_back(invite, response)  # every 2xx, and every time (16.7, step 5)
        elif not latest:
            self._send_cancel(attempt)  # a worker that woke up after its call went to another
        elif invite.state not in _OVER:
            self._rings(attempt, response)

    def _rings(self, attempt: Attempt, response: SipResponse) -> None:
        invite = attempt.invite
        first = invite.state is State.CALLING
        invite.state = State.PROCEEDING
        if first and invite.cancel_wanted:
            self._send_cancel(attempt)
            return
        if not invite.cancel_wanted:
            loop = asyncio.get_running_loop()
            self._arm(invite, loop.call_later(_TIMER_C, self._rang_too_long, attempt))
        if response.code > 100:
            invite.last_answer = self._pass_back(invite, response)

    def _pass_back(self, invite: Invite, response: SipResponse) -> bytes:
        data = self._written_for(invite, response)
        self._transports.reply(invite.request.via.answer_to, data)
        return data

    def _written_for(self, invite: Invite, response: SipResponse) -> bytes:
        """The response as the INVITE's sender must get it: with its own Via values (8.2.6.2), whatever came back."""
        response.headers.setlist("Via", invite.request.headers.getlist("Via"))
        return response.write()

    def _refused(self, invite: Invite, response: SipResponse) -> None:
        if response.code == 503 and invite.dnis and not invite.cancel_wanted:
            self._counters.add("placement.worker_refused")
            self._next_worker(invite)
            return
        if response.code in (401, 407) and invite.on_challenge is not None:
            invite.on_challenge()
        self._send_refusal(invite, self._written_for(invite, response))

    def _worker_silent(self, attempt: Attempt) -> None:
        """Unless its answer had only not been read."""
        invite = attempt.invite
        if invite.state is State.CALLING and attempt is invite.attempts[-1]:
            self._no_answer(attempt)

    def _no_answer(self, attempt: Attempt) -> None:
        invite = attempt.invite
        self._retransmissions.answered((attempt.branch, "INVITE"))
        if invite.cancel_wanted:
            self._refuse(invite, 487)
        elif invite.dnis:
            self._counters.add("placement.worker_silent")
            _log.warning("worker at %s did not answer an INVITE", attempt.hop)
            self._next_worker(invite)
        else:
            self._refuse(invite, 408)

    def _next_worker(self, invite: Invite) -> None:
        self._disarm(invite)
        if len(invite.attempts) >= _MAX_ATTEMPTS:
            self._none_free(invite)
        else:
            self._place(invite)

    def lost(self, hop: Hop) -> None:
        """A connection has ended: a phone that was called by it can no longer answer."""
        for attempt in [one for one in self._by_branch.values() if one.hop == hop]:
            self._unreachable(attempt)

    def _unreachable(self, attempt: Attempt) -> None:
        self._retransmissions.answered((attempt.branch, "INVITE"))
        if attempt.invite.state not in _OVER:
            self._refuse(attempt.invite, 503)

    def _rang_too_long(self, attempt: Attempt) -> None:
        attempt.invite.cancel_wanted = True
        self._send_cancel(attempt)

    # --- what is sent in our own name ---------------------------------------------------------------

    def _send_cancel(self, attempt: Attempt) -> None:
        invite = attempt.invite
        reason = f"Reason: {invite.reason}\r\n" if invite.reason else ""
        data = self._same_transaction(attempt, "CANCEL", invite.request.to, reason)
        self._retransmissions.start((attempt.branch, "CANCEL"), attempt.hop, data)
        if attempt is invite.attempts[-1]:
            loop = asyncio.get_running_loop()
            self._arm(invite, loop.call_later(TRANSACTION_LIFE, self._no_answer, attempt))

    def _same_transaction(self, attempt: Attempt, method: str, to: str, more: str = "") -> bytes:
        """A request on the path of the INVITE: CANCEL (9.1) or the ACK of a refusal (17.1.1.3)."""
        request = attempt.invite.request
        return (
            f"{method} {attempt.uri} SIP/2.0\r\n"
            f"Via: {self._signer.via(attempt.hop.transport, attempt.branch)}\r\nMax-Forwards: 70\r\n"
            f"From: {request.headers['From']}\r\nTo: {to}\r\nCall-ID: {request.call_id}\r\n"
            f"CSeq: {request.cseq} {method}\r\n{more}Content-Length: 0\r\n\r\n"
        ).encode()

    def _refuse(self, invite: Invite, code: int, *headers: tuple[str, str]) -> None:
        self._counters.add(f"invite.refused_{code}")
        self._send_refusal(invite, answer(invite.request, code, self.tag(invite.request), headers))

    def _send_refusal(self, invite: Invite, data: bytes) -> None:
        """Timer G: over UDP again and again until the ACK comes."""
        invite.last_answer = data
        source = invite.request.source
        if self._transports.connected(source):
            self._retransmissions.start((invite.request.key, "refusal"), source, data)
        self._end(invite, State.REFUSED)

    def tag(self, request: SipRequest) -> str:
        """The To tag of whatever the edge itself answers; the same for each retransmission (RFC 3261 8.2.7)."""
        return self._signer.branch(request)[-12:]

    # --- the end ------------------------------------------------------------------------------------

    def _end(self, invite: Invite, state: State) -> None:
        """Keep it for 32 s, so that what is still on the way finds it (RFC 6026 timers L and M)."""
        self._disarm(invite)
        invite.state = state
        invite.on_challenge = None
        attempts, key = invite.attempts, invite.request.key
        if state is State.ACCEPTED and len(attempts) == 1:
            # nothing is left to do that a signed branch does not do; at 600 calls/s this saves 100 MB
            del self._by_branch[attempts[0].branch]
            self._by_key[key] = None
            attempts = []
        loop = asyncio.get_running_loop()
        self._ended.append((loop.time() + TRANSACTION_LIFE, key, attempts))
        if self._sweep_timer is None:
            self._sweep_timer = loop.call_later(TRANSACTION_LIFE, self._sweep)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while self._ended and self._ended[0][0] <= loop.time():
            _, key, attempts = self._ended.popleft()
            del self._by_key[key]
            for attempt in attempts:
                del self._by_branch[attempt.branch]
        self._sweep_timer = loop.call_later(1.0, self._sweep) if self._ended else None

    def _arm(self, invite: Invite, timer: asyncio.TimerHandle) -> None:
        self._disarm(invite)
        invite.timer = timer

    def _disarm(self, invite: Invite) -> None:
        if invite.timer is not None:
            invite.timer.cancel()
            invite.timer = None

    def close(self) -> None:
        for invite in self._by_key.values():
            if invite is not None:
                self._disarm(invite)
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
