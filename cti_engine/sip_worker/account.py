"""The account through which every INVITE comes in: only the edge's are taken, and only one interaction's."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pjsua2.pjsua2 as pj

from cti_engine.sip_worker.guard import survives
from cti_engine.sip_worker.sip_text import Headers
from cti_engine.wire.tokens import SIGNATURE_HEADER, SOURCE_HEADER, verify_edge_signature

_log = logging.getLogger("cti.worker")


class Account(pj.Account):  # type: ignore[misc]  # the wheel has no types
    """`on_invite(native call id, headers, source)` is told of an INVITE that is to be answered 180.

    `takes(source)` says whether it may come in; `on_rejected()` counts towards the flood brake.
    """

    def __init__(
        self,
        secret: bytes,
        takes: Callable[[str], bool],
        on_invite: Callable[[int, Headers, str], None],
        on_rejected: Callable[[], None],
    ) -> None:
        super().__init__()
        self._secret = secret
        self._takes = takes
        self._on_invite = on_invite
        self._on_rejected = on_rejected

    @survives
    def onIncomingCall(self, prm: Any) -> None:
        number, text = int(prm.callId), str(prm.rdata.wholeMsg)  # `prm` is freed when this returns
        try:
            self._incoming(number, Headers(text))
        except Exception:
            self._reject(number, 500)
            raise

    def _incoming(self, number: int, headers: Headers) -> None:
        source = headers.get(SOURCE_HEADER)
        call_id = headers.get("call-id")
        if not verify_edge_signature(self._secret, call_id, source, headers.get(SIGNATURE_HEADER)):
            _log.warning("refused an INVITE that the edge did not place, Call-ID %r", call_id)
            self._reject(number, 403)
        elif not self._takes(source):
            self._reject(number, 503)  # the edge tries another worker
        else:
            self._on_invite(number, headers, source)

    def _reject(self, number: int, code: int) -> None:
        answer = pj.CallOpParam()
        answer.statusCode = code
        pj.Call(self, number).hangup(answer)
        self._on_rejected()
