"""Signed Record-Routes and branches: the edge keeps no dialog table and yet relays for nobody.

Each dialog gets two Record-Route values (RFC 5658), one facing each side, and each holds the hop of its side,
signed together with the Call-ID. A request in a dialog brings both back: the first is the side it came from,
the second says where it goes. A Via branch signs the way back in the same manner, so a response that answers
nothing we forwarded goes nowhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache

from cti_engine.sip_edge.hop import Hop
from cti_engine.sip_edge.messages import SipRequest, SipResponse, read_via
from cti_engine.sip_edge.via import Via

WORKER, PHONE, TRUNK = "w", "p", "t"
_ROUTE = re.compile(r"^\s*<sip:[^>]*;cti=([A-Za-z0-9_\-]+)\.([A-Za-z0-9_\-]+)[^>]*>")
_COOKIE = "z9hG4bK"


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a dialog: `kind` WORKER, PHONE or TRUNK; `name` the user or the trunk, if there is one."""

    kind: str
    hop: Hop
    name: str = ""


class RouteSigner:
    """Makes and checks what only this edge (or another with its secret) can have made."""

    def __init__(self, secret: bytes, host: str, port: int) -> None:
        self._route_key = hmac.digest(secret, b"record-route", "sha256")
        self._via_key = hmac.digest(secret, b"via", "sha256")
        self._sent_by = f"{host}:{port}"

    def record_route(self, side: Side, call_id: str) -> str:
        """The Record-Route value that faces `side`, with the transport that this side uses."""
        claim = _claim(side)
        transport = ";transport=tcp" if side.hop.transport == "tcp" else ""
        return f"<sip:{self._sent_by}{transport};lr;cti={claim}.{self._route_mac(claim, call_id)}>"

    def side(self, route: str, call_id: str) -> Side | None:
        """The side that a Route value faces; None if the value is not ours or not of this call."""
        found = _ROUTE.match(route)
        if found is None:
            return None
        claim, mac = found.groups()
        return _side(claim) if hmac.compare_digest(mac, self._route_mac(claim, call_id)) else None

    def is_us(self, route: str) -> bool:
        """Whether a Route value without our signature names this edge (a phone's outbound proxy setting)."""
        return f"sip:{self._sent_by}" in re.split("[;>]", route, maxsplit=1)[0]

    def _route_mac(self, claim: str, call_id: str) -> str:
        signed = f"{claim} {call_id}".encode()
        return _text(hashlib.blake2b(signed, digest_size=12, key=self._route_key).digest())

    def branch(self, request: SipRequest, attempt: int = 0) -> str:
        """The same for a request, its retransmissions, its CANCEL and its ACK (RFC 3261 16.11)."""
        return self._branch(request.via, request.call_id, request.cseq, attempt)

    def _branch(self, previous: Via, call_id: str, cseq: int, attempt: int) -> str:
        transport, host, port, branch, received, rport = previous
        # NUL stands in no header, so no text can be cut into other fields than those that were signed
        claim = f"{attempt}\0{transport}\0{host}\0{port}\0{branch}\0{received}\0{rport}\0{call_id}\0{cseq}"
        return f"{_COOKIE}{attempt}.{hashlib.blake2b(claim.encode(), digest_size=12, key=self._via_key).hexdigest()}"

    def via(self, transport: str, branch: str) -> str:
        return f"SIP/2.0/{transport.upper()} {self._sent_by};rport;branch={branch}"

    def own_branch(self, via: Via) -> str:
        """The branch of a Via that we put on; "" if it is another's."""
        return via.branch if via.sent_by == self._sent_by and via.branch.startswith(_COOKIE) else ""

    def way_back(self, response: SipResponse) -> Hop | None:
        """Where a response goes when our Via is off it; None unless it answers a request that we forwarded."""
        vias = response.headers.getlist("Via")
        attempt = response.via.branch[len(_COOKIE) :].partition(".")[0]
        if len(vias) < 2 or not attempt.isdecimal() or len(attempt) > 4:
            return None
        previous = read_via(vias[1])
        signed = self._branch(previous, response.call_id, response.cseq, int(attempt))
        if not hmac.compare_digest(signed.encode(), response.via.branch.encode()):
            return None
        return previous.answer_to


@lru_cache(maxsize=4096)
def _claim(side: Side) -> str:
    return _text(f"{side.kind}{side.hop}/{side.name}".encode())


@lru_cache(maxsize=4096)
def _side(claim: str) -> Side:
    """The inverse; only for a claim whose signature is good."""
    text = base64.urlsafe_b64decode(claim + "=" * (-len(claim) % 4)).decode()
    hop, _, name = text.partition("/")
    return Side(hop[0], Hop.parse(hop[1:]), name)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
