"""Requests inside a dialog, and all responses: forwarded without state, by what the edge signed earlier.

re-INVITE, ACK, CANCEL of a re-INVITE, UPDATE, PRACK, INFO, REFER, NOTIFY, MESSAGE, BYE: both ways alike
(RFC 3261 16.11 and 16.12). Only what comes by TCP and leaves by UDP is kept, to be retransmitted.
"""

from __future__ import annotations

from collections.abc import Callable

from cti_engine.sip_edge.admission import TrunkRoutes, strip_untrusted
from cti_engine.sip_edge.bindings import Binding
from cti_engine.sip_edge.counters import Counters
from cti_engine.sip_edge.hop import Hop
from cti_engine.sip_edge.messages import SipRequest, SipResponse, route_values
from cti_engine.sip_edge.retransmission import Retransmissions
from cti_engine.sip_edge.signatures import PHONE, TRUNK, RouteSigner, Side
from cti_engine.sip_edge.transports import Transports


class InDialog:
    def __init__(
        self,
        transports: Transports,
        signer: RouteSigner,
        retransmissions: Retransmissions,
        counters: Counters,
        trunks: TrunkRoutes,
        newest: Callable[[str], Binding | None],
        refuse: Callable[[SipRequest, int], None],
    ) -> None:
        self._transports = transports
        self._signer = signer
        self._retransmissions = retransmissions
        self._counters = counters
        self._trunks = trunks
        self._newest = newest
        self._refuse = refuse

    def request(self, request: SipRequest) -> bool:
        """Forward it if its Route is ours and signed for this call. False: it is none of our dialogs'."""
        routes = route_values(request)
        if len(routes) < 2:
            return False
        near = self._signer.side(routes[0], request.call_id)
        far = self._signer.side(routes[1], request.call_id)
        if near is None or far is None:
            return False
        forwards = request.max_forwards()
        if forwards == 0:
            self._refuse(request, 483)
            return True
        headers = request.headers
        rest = routes[2:]
        hop = self.hop_to(far, rest[0] if rest else f"<{request.uri_text}>")
        headers.setlist("Route", rest)
        headers.set("Max-Forwards", str(forwards - 1))
        strip_untrusted(request, asserted=near.kind == PHONE)
        branch = self._signer.branch(request)
        headers.setlist("Via", [self._signer.via(hop.transport, branch), *headers.getlist("Via")])
        self._counters.add("forwarded.in_dialog")
        self._send(request, branch, hop)
        return True

    def _send(self, request: SipRequest, branch: str, hop: Hop) -> None:
        data = request.write()
        if request.method == "ACK":
            self._transports.send(hop, data)
        elif request.source.transport == "tcp" and hop.transport == "udp":
            self._retransmissions.start((branch, request.method), hop, data)
        else:
            self._transports.send(hop, data, lambda: self._unreachable(request))

    def _unreachable(self, request: SipRequest) -> None:
        request.headers.setlist("Via", request.headers.getlist("Via")[1:])
        self._refuse(request, 503)

    def hop_to(self, far: Side, target: str) -> Hop:
        """Where a side is now. `target` is the next Route, else the Request-URI.

        A trunk may move a dialog within its networks; a phone whose connection is gone may have another.
        """
        if far.kind == TRUNK and f"@{far.hop.host}:{far.hop.port}" not in target:  # there already
            return self._trunks.within(far.name, target) or far.hop
        if self._transports.connected(far.hop) or not far.name:
            return far.hop
        binding = self._newest(far.name)
        return self.phone_hop(binding) if binding is not None else far.hop

    def phone_hop(self, binding: Binding) -> Hop:
        """The way a phone was heard; when that connection is gone, where its Contact says it listens."""
        if self._transports.connected(binding.hop):
            return binding.hop
        return binding.contact_hop or binding.hop

    def response(self, response: SipResponse) -> bytes:
        """Send it back the way its request came; what answers nothing we forwarded is dropped (empty bytes)."""
        back = self._signer.way_back(response)
        if back is None:
            self._counters.add("dropped.stray_response")
            return b""
        if response.code >= 200 or response.method == "INVITE":
            self._retransmissions.answered((response.via.branch, response.method))
        response.headers.setlist("Via", response.headers.getlist("Via")[1:])
        data = response.write()
        self._transports.reply(back, data)
        return data
