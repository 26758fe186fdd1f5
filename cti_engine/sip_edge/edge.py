"""The edge: one SIP address in front of the workers. It decides what each message is and who takes it."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from typing import Any

from cti_engine.core.commands import EndDialog, SetDialledNumbers
from cti_engine.core.signals import Signal
from cti_engine.sip_edge.accounts import Accounts
from cti_engine.sip_edge.admission import Admission, Refused, TrunkRoutes, strip_untrusted
from cti_engine.sip_edge.bindings import BindingFile
from cti_engine.sip_edge.config import EdgeConfig
from cti_engine.sip_edge.counters import Counters
from cti_engine.sip_edge.dialog_ender import DialogEnder
from cti_engine.sip_edge.digest import Digest
from cti_engine.sip_edge.hop import Hop, reachable_at
from cti_engine.sip_edge.in_dialog import InDialog
from cti_engine.sip_edge.intake import Intake
from cti_engine.sip_edge.invites import Invites
from cti_engine.sip_edge.limits import Buckets
from cti_engine.sip_edge.messages import (
    ALLOW,
    Malformed,
    SipRequest,
    SipResponse,
    answer,
    answer_malformed,
    read,
    route_values,
)
from cti_engine.sip_edge.placement import Placement
from cti_engine.sip_edge.registrar import Registrar
from cti_engine.sip_edge.retransmission import Retransmissions
from cti_engine.sip_edge.signatures import PHONE, TRUNK, WORKER, RouteSigner, Side
from cti_engine.sip_edge.transports import Transports
from cti_engine.sip_edge.trunk_login import TrunkLogins
from cti_engine.wire.clock import Clock
from cti_engine.wire.link import LinkClient
from cti_engine.wire.tokens import (
    SIGNATURE_HEADER,
    SOURCE_HEADER,
    TOKEN_HEADER,
    TRUNK_HEADER,
    InvalidToken,
    edge_signature,
    verify_token,
)
from cti_engine.wire.vocabulary import command_from, to_plain

_KNOWN = frozenset(ALLOW.split(", "))
_EPISODE = 10.0  # seconds without a call refused for overload, until the next is told as news

_log = logging.getLogger("cti.edge")


class Edge:
    """Made, then `start`ed in a running loop. Raises OSError or sqlite3.Error if it cannot stand up."""

    def __init__(self, config: EdgeConfig) -> None:
        limits = config.limits
        self._config = config
        self.counters = Counters()
        self._wall = Clock().now
        self._accounts = Accounts(config.accounts_db, time.monotonic)
        self._digest = Digest(config.realm, config.digest, self._accounts, limits.nonce_life, time.monotonic)
        self._admission = Admission(
            config, self._digest, self._accounts, time.monotonic, lambda user: self.placement.worker_of(user)
        )
        self._refusals = Buckets(limits.refusals_per_source)
        self._answers = Buckets(limits.answers_per_source)
        self.trunks = TrunkRoutes(config)
        self._file = BindingFile(config.edge_db)
        self._intake = Intake(self._receive, limits.patience, self.counters, time.monotonic)
        self._behind_at = -_EPISODE
        self.transports = Transports(
            config.bind, config.sip_port, limits.max_connections, self._intake, self.counters
        )
        self.placement = Placement(limits, self.counters)
        self.registrar = Registrar(self._digest, self._file, limits, self._wall, self._tell, self._answer)
        self._used_tokens: OrderedDict[str, float] = OrderedDict()
        peer = config.peer or f"edge@{config.advertise}"
        self.link = LinkClient(
            config.engine_address,
            peer,
            "edge",
            hello_body=lambda: {"users": self.registrar.users},
            on_frame=self._command,
        )

    async def start(self) -> None:
        config, transports = self._config, self.transports
        self.registrar.load()
        transports.bind()
        self._signer = RouteSigner(config.secret, config.advertise, transports.port)
        self._retransmissions = Retransmissions(transports)
        self._in_dialog = InDialog(
            transports, self._signer, self._retransmissions, self.counters, self.trunks,
            self.registrar.newest, self._answer,
        )  # fmt: skip
        self._invites = Invites(
            transports, self._signer, self._retransmissions, self.placement, config.limits, self.counters
        )  # fmt: skip
        self._ender = DialogEnder(self._in_dialog, self._signer, self._retransmissions, self.counters)
        self.trunk_logins = TrunkLogins(
            config, transports.port, self._signer, self._retransmissions, self.counters,
            self._admission.registrar_is_at,
        )  # fmt: skip
        transports.lost = self._invites.lost
        await self.placement.start(config.placement_address)
        await transports.start()
        self.trunk_logins.start()

    async def close(self) -> None:
        """Leave the carriers, hear nothing new, refuse who waits, write and tell what is known, close."""
        await self.trunk_logins.log_out()
        self._intake.close()
        await self.placement.close()
        self._invites.close()
        self._retransmissions.close()
        self.registrar.close()
        await self._file.close()
        self.transports.close()
        await self.link.flush(1.0)
        self.link.close()
        self._accounts.close()

    # --- what comes in ------------------------------------------------------------------------------

    def _receive(self, data: bytes, source: Hop, late: bool = False) -> None:
        try:
            message = read(data, source)
            if isinstance(message, SipResponse):
                self._response(message)
            else:
                self._request(message, late)
        except Malformed as problem:
            self._malformed(data, source, problem)
        except Exception:  # what waits behind it must have its turn
            self.counters.add("fault")
            _log.exception("fault in a message from %s", source)

    def _malformed(self, data: bytes, source: Hop, problem: Malformed) -> None:
        self.counters.add("malformed")
        reply = answer_malformed(data, problem)
        if reply is not None and self._refusals.allow(source.host, time.monotonic()):
            self.transports.reply(source, reply)
        else:
            self.counters.add("dropped.malformed")

    def _response(self, response: SipResponse) -> None:
        if not self._signer.own_branch(response.via):
            self.counters.add("dropped.stray_response")
        elif (
            not self._invites.take(response)
            and not self._ender.take(response)
            and not self.trunk_logins.take(response)
        ):
            self._in_dialog.response(response)

    def _request(self, request: SipRequest, late: bool) -> None:
        method = request.method
        self.counters.add(f"request.{method if method in _KNOWN else 'other'}")
        if method == "ACK":
            if not self._invites.acknowledged(request) and not self._in_dialog.request(request):
                self.counters.add("dropped.ack")  # of a refusal that was sent without state
        elif method == "CANCEL":
            if not self._invites.cancel(request) and not self._in_dialog.request(request):
                self._answer(request, 481)
        elif request.to_tag and method != "REGISTER":
            if not self._in_dialog.request(request):
                self._answer(request, 403 if request.headers.getlist("Route") else 481)
        else:
            self._new_request(request, late)

    def _new_request(self, request: SipRequest, late: bool) -> None:
        method = request.method
        if method == "INVITE" and self._invites.absorb(request):
            return
        if late:
            self._overloaded(request)
            return
        required = request.headers.getlist("Proxy-Require")
        if required:
            self._answer(request, 420, ("Unsupported", ", ".join(required)))
        elif not self._at_home(request):
            self.counters.add("refused.foreign_route")
            self._answer(request, 403)
        elif method == "INVITE":
            self._invite(request)
        elif method == "REGISTER":
            self.registrar.register(request)
        elif method == "OPTIONS":
            if self._answers.allow(request.source.host, time.monotonic()):
                self._send_answer(request, 200, (("Allow", ALLOW), ("Accept", "application/sdp")))
        else:
            if method == "REFER":
                _log.warning("refused a REFER outside any call from %s", request.source)
            self._answer(request, 405, ("Allow", ALLOW))

    def _overloaded(self, request: SipRequest) -> None:
        """The edge is behind: refuse a new call with the least work (RFC 3261 21.5.4)."""
        now, host = time.monotonic(), request.source.host
        if now - self._behind_at > _EPISODE:
            _log.warning("behind with the work: new calls are refused with 503 until it is done")
        self._behind_at = now
        self.counters.add("refused.overload")
        if self._admission.is_trunk(host) or self._answers.allow(host, now):
            self._send_answer(request, 503, (("Retry-After", str(self._config.limits.retry_after)),))

    def _at_home(self, request: SipRequest) -> bool:
        """Take our own address off the Route (a phone's outbound proxy). False if it leads elsewhere."""
        routes = route_values(request)
        if not routes:
            return True
        if len(routes) > 1 or not self._signer.is_us(routes[0]):
            return False
        request.headers.remove("Route")
        return True

    # --- calls --------------------------------------------------------------------------------------

    def _invite(self, request: SipRequest) -> None:
        if request.max_forwards() == 0:
            self._answer(request, 483)
            return
        token = request.headers.get(TOKEN_HEADER)
        if token is not None:
            self._from_worker(request, token)
            return
        admitted = self._admission.admit(request)
        if isinstance(admitted, Refused):
            self.counters.add(f"refused.{admitted.why}")
            if admitted.known:
                self._send_answer(request, admitted.code, admitted.headers)
            else:
                self._answer(request, admitted.code, *admitted.headers)
            return
        strip_untrusted(request, asserted=admitted.side.kind != TRUNK)
        request.headers.remove("Proxy-Authorization")
        request.headers.add(SOURCE_HEADER, admitted.source)
        signature = edge_signature(self._config.secret, request.call_id, admitted.source)
        request.headers.add(SIGNATURE_HEADER, signature)
        if admitted.worker is None:
            self._invites.to_worker(request, admitted.side)
        else:
            self.counters.add("placement.second_line")
            self._invites.to_that_worker(request, admitted.side, admitted.worker)

    def _from_worker(self, request: SipRequest, token: str) -> None:
        """A worker dials: a phone that is registered here, or a number through a trunk."""
        now = self._wall()
        user = request.uri.user or ""
        try:
            claim = verify_token(self._config.secret, token, now)
            if claim.target != user:
                raise InvalidToken("dial token for another target")
            if token in self._used_tokens:
                raise InvalidToken("dial token used before")
        except InvalidToken as error:
            self.counters.add("refused.token")
            _log.warning("refused an INVITE from %s: %s", request.source, error)
            self._answer(request, 403)
            return
        trunk = request.headers.get(TRUNK_HEADER)
        far, uri = self._trunk_target(trunk, user) if trunk is not None else self._phone_target(user)
        self._use_token(token, claim.expires_at, now)
        if far is None:
            self.counters.add("refused.not_reachable")
            self._send_answer(request, 480 if trunk is None else 503)
            return
        strip_untrusted(request, asserted=False)
        near = Side(WORKER, reachable_at(request.contact(), request.source))
        self._invites.to_hop(request, near, far, uri, lambda: self._release_token(token))

    def _phone_target(self, user: str) -> tuple[Side | None, str]:
        binding = self.registrar.newest(user)
        if binding is None:
            return None, ""
        return Side(PHONE, self._in_dialog.phone_hop(binding), user), binding.contact

    def _trunk_target(self, trunk: str, number: str) -> tuple[Side | None, str]:
        hop = self.trunks.destination(trunk)
        if hop is None:
            return None, ""
        transport = ";transport=tcp" if hop.transport == "tcp" else ""
        return Side(TRUNK, hop, trunk), f"sip:{number}@{hop.host}:{hop.port}{transport}"

    def _use_token(self, token: str, expires_at: float, now: float) -> None:
        self._used_tokens[token] = expires_at
        while self._used_tokens:
            oldest = next(iter(self._used_tokens))
            if self._used_tokens[oldest] >= now:
                break
            del self._used_tokens[oldest]

    def _release_token(self, token: str) -> None:
        """The trunk asked for credentials: the worker comes again with the same token."""
        self._used_tokens.pop(token, None)

    # --- answers ------------------------------------------------------------------------------------

    def _answer(self, request: SipRequest, code: int, *headers: tuple[str, str], phrase: str = "") -> None:
        """Answer without state. Refusals above the source's rate are silence."""
        now, host = time.monotonic(), request.source.host
        allowed = code < 300 or (self._answers if code in (401, 407) else self._refusals).allow(host, now)
        if allowed:
            self._send_answer(request, code, headers, phrase)
        else:
            self.counters.add("silence")

    def _send_answer(
        self, request: SipRequest, code: int, headers: tuple[tuple[str, str], ...] = (), phrase: str = ""
    ) -> None:
        self.counters.add(f"answer.{code}")
        data = answer(request, code, self._invites.tag(request), headers, phrase)
        self.transports.reply(request.via.answer_to, data)

    # --- the engine -----------------------------------------------------------------------------------

    def _tell(self, signal: Signal) -> None:
        try:
            self.link.send(*to_plain(signal))
        except OverflowError:  # the engine has been away for very long; its hello gets all users anyway
            self.counters.add("dropped.signal")

    def _command(self, type_: str, body: dict[str, Any]) -> None:
        try:
            command = command_from(type_, body)
        except (KeyError, ValueError) as error:
            self.counters.add("dropped.command")
            _log.error("the engine sent %s that cannot be read: %s", type_, error)
            return
        if isinstance(command, EndDialog):
            self._ender.end(command)
        elif isinstance(command, SetDialledNumbers):
            self._admission.set_dialled_numbers(frozenset(command.numbers))
        else:
            self.counters.add("dropped.command")
            _log.error("the engine sent %s, which is not for an edge", type_)
