"""Who may call in, and as whom: trunks by address, by our log-in there or by digest; accounts by digest; guests.

Everybody else gets 403. Nobody is believed about headers that only the edge or a trunk may set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cti_engine.sip_edge.accounts import Accounts
from cti_engine.sip_edge.config import EdgeConfig
from cti_engine.sip_edge.digest import Digest, Verdict
from cti_engine.sip_edge.hop import Hop, hop_of, is_address, is_in, networks, reachable_at
from cti_engine.sip_edge.limits import Buckets
from cti_engine.sip_edge.messages import SipRequest, parse_address
from cti_engine.sip_edge.signatures import PHONE, TRUNK, Side
from cti_engine.sip_edge.trunk_login import line_of

_ASSERTED = frozenset({"p-asserted-identity", "p-preferred-identity", "diversion", "remote-party-id"})


@dataclass(frozen=True, slots=True)
class Admitted:
    """`source` is what the edge vouches for: `trunk:NAME`, `account:USER` or `guest`. `worker`: the only one that may
    take it, for it is the second line of an agent in a call there.
    """

    source: str
    side: Side
    worker: Hop | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """`known`: the caller has proved who it is, so it always gets an answer."""

    code: int
    why: str
    headers: tuple[tuple[str, str], ...] = ()
    known: bool = False


class Admission:
    def __init__(
        self,
        config: EdgeConfig,
        digest: Digest,
        accounts: Accounts,
        clock: Callable[[], float],
        worker_of: Callable[[str], Hop | None],
    ) -> None:
        """`worker_of(user)`: where this agent is in a call."""
        self._worker_of = worker_of
        self._digest = digest
        self._accounts = accounts
        self._clock = clock
        self._dialled = config.dialled_numbers
        self._trunks = [(trunk, networks(trunk.networks)) for trunk in config.trunks]
        self._trunk_accounts = {trunk.account: trunk.name for trunk in config.trunks if trunk.account}
        registered = [trunk.name for trunk in config.trunks if trunk.register is not None]
        self._lines = {line_of(config.secret, name): name for name in registered}
        self._registrars: dict[str, str] = {}
        self._guests = config.guests
        self._guest_networks = networks(config.guests.networks)
        self._guest_rate = Buckets(config.guests.rate)
        self._anywhere = config.bind in ("0.0.0.0", "::")
        self._domains = {config.bind, config.advertise, config.realm, "localhost", *config.domains}

    def set_dialled_numbers(self, numbers: frozenset[str]) -> None:
        """The engine's word after the files have changed."""
        self._dialled = numbers

    def registrar_is_at(self, trunk: str, host: str) -> None:
        """The carrier where we log in has this address now: its calls may come from there."""
        self._registrars[trunk] = host

    def admit(self, request: SipRequest) -> Admitted | Refused:
        """Judge a new INVITE. Raises Malformed."""
        judged = self._identify(request)
        if isinstance(judged, Refused):
            return judged
        if judged.side.kind != TRUNK and not self._is_ours(request.uri.host):
            return Refused(403, "foreign_domain")  # we relay for nobody (RFC 3261 16.5)
        if self._dialled is not None and request.uri.user not in self._dialled:
            return self._second_line(judged) or Refused(404, "not_dialled", known=judged.source != "guest")
        if judged.source == "guest" and not self._guest_rate.allow(request.source.host, self._clock()):
            return Refused(503, "guest_rate", (("Retry-After", "1"),))
        return judged

    def _second_line(self, caller: Admitted) -> Admitted | None:
        """What callers may not dial an agent may, while in a call: the engine judges whom."""
        kind, _, user = caller.source.partition(":")
        worker = self._worker_of(user) if kind == "account" else None
        return replace(caller, worker=worker) if worker is not None else None

    def is_trunk(self, host: str) -> bool:
        """Whether calls from this address need no further proof."""
        return any(is_in(host, nets) for _, nets in self._trunks)

    def _identify(self, request: SipRequest) -> Admitted | Refused:
        source = request.source
        for trunk, nets in self._trunks:
            if is_in(source.host, nets):
                return Admitted(f"trunk:{trunk.name}", self._side(TRUNK, request, trunk.name))
        carrier = self._carrier(request)
        if carrier:
            return Admitted(f"trunk:{carrier}", self._side(TRUNK, request, carrier))
        user = parse_address(request.headers["From"]).uri.user or ""
        if self._accounts.get(user) is not None:
            return self._by_password(request, user)
        if self._guests.enabled and is_in(source.host, self._guest_networks):
            return Admitted("guest", self._side(PHONE, request))
        return Refused(403, "unknown_source")

    def _carrier(self, request: SipRequest) -> str:
        """The trunk where we have logged in: it calls the Contact that only it knows, or from its registrar."""
        if not self._lines:
            return ""
        line = self._lines.get(request.uri.parameters.get("line") or "")
        return line or next(
            (trunk for trunk, host in self._registrars.items() if host == request.source.host), ""
        )

    def _by_password(self, request: SipRequest, user: str) -> Admitted | Refused:
        verdict = self._digest.check(request, user, proxy=True)
        if verdict in (Verdict.ABSENT, Verdict.STALE):
            challenge = self._digest.challenge(user, proxy=True, stale=verdict is Verdict.STALE)
            return Refused(407, "challenged", (challenge,))
        if verdict is not Verdict.PASSED:
            return Refused(*((403, "wrong_password") if verdict is Verdict.WRONG else (400, "credentials")))
        trunk = self._trunk_accounts.get(user)
        if trunk is not None:
            return Admitted(f"trunk:{trunk}", self._side(TRUNK, request, trunk))
        return Admitted(f"account:{user}", self._side(PHONE, request, user))

    def _side(self, kind: str, request: SipRequest, name: str = "") -> Side:
        return Side(kind, reachable_at(request.contact(), request.source), name)

    def _is_ours(self, host: str) -> bool:
        return host in self._domains or (self._anywhere and is_address(host))


class TrunkRoutes:
    """Where calls to a trunk go: its destination, or inside a dialog any address in its networks."""

    def __init__(self, config: EdgeConfig) -> None:
        self._networks = {trunk.name: networks(trunk.networks) for trunk in config.trunks}
        self.destinations = {t.name: t.destination for t in config.trunks if t.destination}
        self._hops: dict[str, Hop] = {}

    def resolved(self, name: str, hop: Hop) -> None:
        self._hops[name] = hop

    def destination(self, name: str) -> Hop | None:
        return self._hops.get(name)

    def within(self, name: str, route: str) -> Hop | None:
        """The hop that a Route or Contact URI names, if it belongs to the trunk (RFC 3261 16.6 with a fence)."""
        hop = hop_of(parse_address(route).uri)
        return hop if hop is not None and is_in(hop.host, self._networks.get(name, ())) else None


def strip_untrusted(request: SipRequest, *, asserted: bool) -> None:
    """Take off X-CTI-* headers, and with `asserted` those that only a trunk may assert."""
    for name in request.headers.names():
        if name.startswith("x-cti-") or (asserted and name in _ASSERTED):
            request.headers.remove(name)
