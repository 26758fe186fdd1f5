"""BYE in the name of a worker that is gone, so that its phones do not stay busy (interfaces.md, Link)."""

from __future__ import annotations

import logging
import secrets

from cti_engine.core.commands import EndDialog
from cti_engine.sip_edge.counters import Counters
from cti_engine.sip_edge.hop import Hop, hop_of
from cti_engine.sip_edge.in_dialog import InDialog
from cti_engine.sip_edge.messages import Malformed, SipResponse, parse_address, split_commas
from cti_engine.sip_edge.retransmission import Retransmissions
from cti_engine.sip_edge.signatures import RouteSigner

_MARK = "z9hG4bKend."
# The worker may have sent requests after it told its CSeq; gaps are allowed, going back is not (RFC 3261 12.2.1.1)
_CSEQ_LEAP = 1000

_log = logging.getLogger("cti.edge.dialog_ender")


class DialogEnder:
    def __init__(
        self, in_dialog: InDialog, signer: RouteSigner, retransmissions: Retransmissions, counters: Counters
    ) -> None:
        self._in_dialog = in_dialog
        self._signer = signer
        self._retransmissions = retransmissions
        self._counters = counters

    def end(self, command: EndDialog) -> None:
        """Send the BYE, until it is answered or 32 s are over. A second one is answered 481: harmless."""
        dialog = command.dialog
        routes = [one for value in dialog.route_set for one in split_commas(value)]
        try:
            hop, rest = self._next_hop(routes, dialog.call_id, dialog.remote_target)
        except Malformed as error:
            self._counters.add("end_dialog.impossible")
            _log.error("cannot send BYE for leg %s: %s", command.leg, error)
            return
        branch = f"{_MARK}{secrets.token_hex(8)}"
        data = (
            f"BYE {_bare(dialog.remote_target)} SIP/2.0\r\nVia: {self._signer.via(hop.transport, branch)}\r\n"
            + "".join(f"Route: {route}\r\n" for route in rest)
            + f"Max-Forwards: 70\r\nFrom: {_tagged(dialog.local_uri, dialog.local_tag)}\r\n"
            f"To: {_tagged(dialog.remote_uri, dialog.remote_tag)}\r\nCall-ID: {dialog.call_id}\r\n"
            f"CSeq: {dialog.local_cseq + _CSEQ_LEAP} BYE\r\n"
            'Reason: Q.850;cause=41;text="worker lost"\r\nContent-Length: 0\r\n\r\n'
        ).encode()
        self._counters.add("end_dialog.sent")
        self._retransmissions.start((branch, "BYE"), hop, data)

    def take(self, response: SipResponse) -> bool:
        """Whether this answers one of our BYEs."""
        if not response.via.branch.startswith(_MARK):
            return False
        if response.code >= 200:
            self._retransmissions.answered((response.via.branch, "BYE"))
        return True

    def _next_hop(self, routes: list[str], call_id: str, remote_target: str) -> tuple[Hop, list[str]]:
        """The worker's own route set leads through us: past our two Routes stands the phone."""
        far = self._signer.side(routes[1], call_id) if len(routes) > 1 else None
        if far is not None:
            rest = routes[2:]
            return self._in_dialog.hop_to(far, rest[0] if rest else f"<{_bare(remote_target)}>"), rest
        hop = hop_of(parse_address(routes[0] if routes else f"<{_bare(remote_target)}>").uri)
        if hop is None:
            raise Malformed("the dialog names no address")
        return hop, routes


def _bare(uri: str) -> str:
    """The URI without name and angle brackets."""
    return uri.partition("<")[2].partition(">")[0] if "<" in uri else uri


def _tagged(uri: str, tag: str) -> str:
    return f"{uri if '<' in uri else f'<{uri}>'};tag={tag}"
