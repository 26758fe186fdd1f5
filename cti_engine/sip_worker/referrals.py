"""Transfers that an agent's phone asks for by REFER: taken or refused at once, told to the engine, reported back.

The engine decides whether and to whom. What no engine need look at is refused here with 603, 400 or 503, and nothing
happens: no agent's phone, a target that is not ours, a dialog that is none of this call, a second before the first is
over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from ipaddress import ip_address

import pjsua2.pjsua2 as pj

from cti_engine.core.signals import Signal, TransferAsked
from cti_engine.sip_worker import refer
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.sip_worker.pj_leg import LegState, PjLeg
from cti_engine.sip_worker.refer import Unacceptable
from cti_engine.sip_worker.sip_text import Headers

MOST, WITHIN = 5, 5.0
"""So many transfers of one phone in so many seconds are looked at: one gone mad keeps nobody else from work."""
TOLD_REFUSALS = 5
"""Of one leg; the rest is refused without a line in the log."""
_log = logging.getLogger("cti.worker")


class Referrals:
    """`legs` are the worker's own; `send(signal)` tells the engine, `alone()` whether it is away."""

    def __init__(
        self,
        config: WorkerConfig,
        legs: Mapping[str, PjLeg],
        send: Callable[[Signal], None],
        alone: Callable[[], bool],
    ) -> None:
        self._name = config.name
        self._domains = {config.realm, config.edge_host, config.bind, config.media_address, "localhost"}
        self._domains |= set(config.domains)
        self._anywhere = config.bind in ("0.0.0.0", "::")
        self._legs = legs
        self._send = send
        self._alone = alone
        self._open: dict[str, str] = {}  # by leg: what its NOTIFYs name
        self._taken_at: dict[str, list[float]] = {}
        self._refused: dict[str, int] = {}

    def asked(self, leg: PjLeg, headers: Headers, answer: Callable[[int], bool]) -> None:
        """A REFER on `leg`: answered here, before the engine hears of it."""
        now = asyncio.get_running_loop().time()
        try:
            referral, replaces = self._accepted(leg, headers, now)
        except Unacceptable as refused:
            answer(refused.code)
            self._tell_refusal(leg.name, headers, refused)
            return
        if not answer(202):
            _log.error("%s: a REFER could not be answered", leg.name)
            return
        self._open[leg.name] = referral.id
        self._send(TransferAsked(self._name, leg.name, referral.target, replaces))
        asyncio.get_running_loop().call_soon(self.report, leg.name, 100)  # behind the 202

    def _accepted(self, leg: PjLeg, headers: Headers, now: float) -> tuple[refer.Referral, str]:
        """What is asked for, and the leg that is to be replaced, if any. Raises Unacceptable."""
        if not leg.agent:
            raise Unacceptable(603, "it is no agent's phone")
        if leg.state is not LegState.CONNECTED or leg.ended_by_us:
            raise Unacceptable(603, "the call is not established")
        if leg.name in self._open:
            raise Unacceptable(603, "one transfer at a time")
        recent = [at for at in self._taken_at.get(leg.name, ()) if now - at < WITHIN]
        if len(recent) >= MOST:
            raise Unacceptable(603, "too many transfers")
        referral = refer.read(headers, self._is_ours)
        replaces = self._leg_of(referral.replaced) if referral.replaced is not None else ""
        if replaces in (None, leg.name):
            raise Unacceptable(603, "Replaces names no other line of this call")
        if self._alone():
            raise Unacceptable(503, "the engine is away")
        self._taken_at[leg.name] = [*recent, now]
        return referral, replaces or ""

    def _is_ours(self, host: str) -> bool:
        if host in self._domains:
            return True
        if not self._anywhere:
            return False
        try:
            return bool(ip_address(host.strip("[]")))
        except ValueError:
            return False

    def _leg_of(self, replaced: refer.Replaced) -> str | None:
        for name, leg in self._legs.items():
            dialog = leg.dialog()
            if dialog.call_id == replaced.call_id and {dialog.local_tag, dialog.remote_tag} == replaced.tags:
                return name
        return None

    def _tell_refusal(self, leg: str, headers: Headers, refused: Unacceptable) -> None:
        times = self._refused[leg] = self._refused.get(leg, 0) + 1
        if times <= TOLD_REFUSALS:
            target = headers.get("refer-to")[:200]
            _log.warning("%s: REFER to %r refused with %d: %s", leg, target, refused.code, refused)

    def report(self, leg: str, sip_code: int) -> None:
        """How it stands, or (from 200 on) how it came out. Nobody is told twice, nor who has not asked."""
        referral = self._open.get(leg)
        if referral is None or leg not in self._legs:
            return
        if sip_code >= 200:
            del self._open[leg]
        try:
            self._legs[leg].notify(referral, sip_code)
        except pj.Error as error:
            _log.warning("%s cannot be told of its transfer: %s", leg, error.reason)

    def over(self, leg: str) -> None:
        self._open.pop(leg, None)
        self._taken_at.pop(leg, None)
        self._refused.pop(leg, None)
