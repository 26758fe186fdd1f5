"""One interaction at a time: its legs come, go, and tell as signals what happened to them.

Commands are carried out in `orders`. Decides nothing while the engine is connected; what it may do alone stands in
`away`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import pjsua2.pjsua2 as pj

from cti_engine.core import signals
from cti_engine.core.line_quality import LineChanged
from cti_engine.core.signals import Dialog
from cti_engine.sip_worker import away, line_watch, sip_text
from cti_engine.sip_worker.account import Account
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.sip_worker.endpoint import SipEndpoint, account_settings
from cti_engine.sip_worker.flood import FloodBrake
from cti_engine.sip_worker.guard import Faults
from cti_engine.sip_worker.line_watch import LineWatch
from cti_engine.sip_worker.media import Media
from cti_engine.sip_worker.media_watch import MediaWatch
from cti_engine.sip_worker.pj_leg import LegState, PjLeg
from cti_engine.sip_worker.recorder import PartsFolder
from cti_engine.sip_worker.referrals import Referrals
from cti_engine.wire.worker_frames import PlayFiles

APOLOGY = "apology"
SETTLE_TIME = 3.0
"""Seconds after the last leg within which everything native must be gone, else the worker is dirty."""

_log = logging.getLogger("cti.worker")


class Worker:
    """`send(signal)` goes to the engine; `on_change()` is told when `state` or `legs` changed.

    `away_since()` gives `time.monotonic()` of the moment when the engine went away, None while it is there.
    """

    def __init__(
        self,
        config: WorkerConfig,
        endpoint: SipEndpoint,
        brake: FloodBrake,
        parts: PartsFolder,
        *,
        send: Callable[[signals.Signal], None],
        away_since: Callable[[], float | None],
        on_change: Callable[[], None],
    ) -> None:
        self._config = config
        self._endpoint = endpoint
        self._send = send
        self._away_since = away_since
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self.legs: dict[str, PjLeg] = {}
        self.interactions = 0
        self.draining = False
        self._closing = False
        self._dirty = False
        self._begun_for = ""  # the contact for whose phones a worker without a call is used
        self._idle = asyncio.Event()
        self._idle.set()
        self._releasing: set[str] = set()
        self._vanished: set[str] = set()
        self._media_watch = MediaWatch(config.media_timeout)
        self._media_timer: asyncio.TimerHandle | None = None
        self._line_watch = LineWatch()
        self._line_timer: asyncio.TimerHandle | None = None
        self._number = 0
        self.partners = away.Partners()
        self.media = Media(config, endpoint, parts, self.legs, send=send, playback_ended=self._playback_ended)
        self.referrals = Referrals(config, self.legs, send, lambda: away_since() is not None)
        self._account = Account(config.secret, self._takes, self._invited, brake.rejected)
        self._account.create(account_settings(config), True)

    # --- what others see -------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """`draining`, `dirty` (to be replaced), `busy` or `ready`."""
        if self.draining:
            return "draining"
        if not self.idle:
            return "busy"
        return "dirty" if self._dirty else "ready"

    @property
    def free(self) -> bool:
        """Whether an INVITE may be placed here."""
        return self.state == "ready"

    @property
    def agents(self) -> tuple[str, ...]:
        """Whose phones are in this call: an INVITE of theirs to no number of ours is placed here."""
        connected = {leg.agent for leg in self.legs.values() if leg.state is LegState.CONNECTED}
        return tuple(sorted(connected - {""}))

    @property
    def idle(self) -> bool:
        """No interaction; what it left behind is gone, or given up."""
        return self._idle.is_set()

    @property
    def calm(self) -> bool:
        """Nothing but SIP is awaited: no interaction, or everybody talks. Who hears a menu may press a key."""
        talking = self.media.talking
        return self.idle or (bool(talking) and self.legs.keys() <= talking)

    def drain(self) -> None:
        self.draining = True
        self._on_change()

    # --- legs come and go ------------------------------------------------------------------------

    def _takes(self, source: str) -> bool:
        """Whether an INVITE may come in: a new call while free, or a second line of an agent in the call."""
        second = self._second_line(source)
        return self.free or (bool(second) and len(self.legs) < self._config.calls_max)

    def _second_line(self, source: str) -> str:
        """Of which agent in the call, if of any."""
        user = source.removeprefix("account:") if source.startswith("account:") else ""
        return user if user in self.agents else ""

    def _invited(self, number: int, headers: sip_text.Headers, source: str) -> None:
        """A placed INVITE: answer 180, then tell the engine (or keep it for the engine)."""
        self._number += 1
        agent = self._second_line(source)
        self._begun_for = self._begun_for if agent else ""
        name = f"{self._config.name}/{self._number}"
        leg = PjLeg(self._account, name, self, time.monotonic(), number, headers, agent)
        self._begin(leg)
        leg.ring()
        told = sip_text.headers_for_core(headers, trusted=source.startswith("trunk:"))
        name, uri, _ = sip_text.split_address(told.get("P-Asserted-Identity") or headers.get("from"))
        self._send(
            signals.InviteReceived(
                worker=self._config.name,
                leg=leg.name,
                ani=sip_text.user_of(uri),
                dnis=sip_text.user_of(headers.request_uri),
                name=name,
                source=source,
                call_id=headers.get("call-id"),
                headers=told,
            )
        )

    def serves(self, contact: str) -> bool:
        """Whether a first leg for this contact may be dialled: the worker is free, or was begun for it."""
        return self.free or bool(self.legs and self._begun_for == contact)

    def dial(
        self, name: str, contact: str, target: str, caller: str, headers: dict[str, str], agent: str = ""
    ) -> None:
        """A leg to `target`, the phone of `agent` if it is one's; `contact` when it is one that no caller has come
        for. Raises pj.Error.
        """
        self._begun_for = contact or self._begun_for
        leg = PjLeg(self._account, name, self, time.monotonic(), agent=agent)
        self._begin(leg)
        try:
            leg.dial(target, caller, headers)
        except pj.Error:
            self._forget(leg)
            raise

    def _begin(self, leg: PjLeg) -> None:
        self._idle.clear()
        self.legs[leg.name] = leg
        self.media.begin(leg)
        if self._media_timer is None and self._config.media_timeout:
            self._media_timer = self._loop.call_later(self._media_watch.interval, self._check_media)
        if self._line_timer is None:
            self._line_timer = self._loop.call_later(line_watch.INTERVAL, self._check_lines)
        self._on_change()

    def _forget(self, leg: PjLeg) -> None:
        """Drop the leg, but its native object only after the callback that we may be in."""
        del self.legs[leg.name]
        self._releasing.discard(leg.name)
        self._vanished.discard(leg.name)
        self.partners.over(leg.name)
        self.media.forget(leg.name)
        self.referrals.over(leg.name)
        self._loop.call_soon(lambda kept: None, leg)
        if not self.legs:
            self.interactions += 1
            self._settle(self._loop.time() + SETTLE_TIME)
        self._on_change()

    def _settle(self, deadline: float) -> None:
        """After the last leg: is everything gone? Ask until it is, or call the worker dirty."""
        if self.legs:
            return  # the next command came first; its last leg asks again
        left = self.media.left_behind()
        if left:
            if self._loop.time() < deadline:
                self._loop.call_later(0.05, self._settle, deadline)
                return
            _log.error("the interaction left %s behind; this worker is to be replaced", " and ".join(left))
            self._dirty = True
        if Faults.count or self.interactions >= self._config.reuse_limit:
            self._dirty = True
        self._idle.set()
        self._on_change()

    # --- what legs tell (LegOwner) ---------------------------------------------------------------

    def on_ringing(self, leg: PjLeg, sip_code: int, dialog: Dialog) -> None:
        self._send(signals.LegRinging(self._config.name, leg.name, sip_code, dialog))

    def on_connected(self, leg: PjLeg, dialog: Dialog) -> None:
        self._send(signals.LegAnswered(self._config.name, leg.name, dialog))
        self.media.listen_for_keys()
        self._on_change()

    def on_over(self, leg: PjLeg, was: LegState, sip_code: int, reason: str) -> None:
        if leg.name not in self.legs:
            return  # makeCall itself failed: the command was refused
        legs = self._legs_now()
        self.media.prompts.stop(leg.name)
        if was is LegState.DIALLING:
            self._send(signals.LegFailed(self._config.name, leg.name, sip_code, reason))
        elif leg.name not in self._vanished:  # of which the engine knows
            by = ("shut_down" if self._closing else "local") if leg.ended_by_us else "remote"
            self._send(signals.LegEnded(self._config.name, leg.name, by, sip_code, reason))
        self._forget(leg)
        self._leave_behind(leg.name, legs)

    def _leave_behind(self, over: str, legs: dict[str, away.LegNow]) -> None:
        """`over` of these legs is over: while the engine is away we end whom that leaves alone."""
        if self._away_since() is not None:
            del legs[over]
            for name in away.left_behind(over, legs):
                if not self.legs[name].ended_by_us:
                    self._end(self.legs[name], 0, "engine away")

    def on_audio(self, leg: PjLeg) -> None:
        self.media.renewed(leg.name)

    def on_held(self, leg: PjLeg, held: bool) -> None:
        self._send(signals.LegHeld(self._config.name, leg.name, held))

    def on_digit(self, leg: PjLeg, digit: str, method: str) -> None:
        self.media.pressed(leg.name, digit, method)

    def on_refer(self, leg: PjLeg, headers: sip_text.Headers, answer: Callable[[int], bool]) -> None:
        self.referrals.asked(leg, headers, answer)

    # --- what media tell -------------------------------------------------------------------------

    def _playback_ended(self, leg: str, playback: str, completed: bool) -> None:
        if playback != APOLOGY:
            self._send(signals.PlaybackEnded(self._config.name, leg, playback, completed))
        elif completed and self._away_since() is not None:
            self._end(self.legs[leg], 0, "engine away")

    def _check_media(self) -> None:
        """A phone that sends nothing any more has vanished: told at once, for its BYE waits 32 s for an answer."""
        self._media_timer = None
        for name in self._media_watch.silent({name: leg.packets() for name, leg in self.legs.items()}):
            _log.warning("%s is ended: no RTP for %g s", name, self._config.media_timeout)
            self._vanished.add(name)
            self.media.prompts.stop(name)
            self._send(signals.LegEnded(self._config.name, name, "media_timeout"))
            self._end(self.legs[name], 0, "media timeout")
            self._leave_behind(name, self._legs_now())
        if self.legs:
            self._media_timer = self._loop.call_later(self._media_watch.interval, self._check_media)

    def _check_lines(self) -> None:
        """Of callers and of whom we have called; an agent's own phone tells its page."""
        self._line_timer = None
        lines = {name: leg.line() for name, leg in self.legs.items() if not leg.agent}
        for name, line in self._line_watch.changed(lines):
            self._send(
                LineChanged(self._config.name, name, line.poor, line.mos, line.loss, line.jitter, line.delay)
            )
        if self.legs:
            self._line_timer = self._loop.call_later(line_watch.INTERVAL, self._check_lines)

    # --- alone -----------------------------------------------------------------------------------

    def _legs_now(self) -> dict[str, away.LegNow]:
        return {
            name: away.LegNow(
                incoming=leg.incoming,
                answered=leg.state is LegState.CONNECTED,
                since=leg.started,
                partners=self.partners.of(name),
            )
            for name, leg in self.legs.items()
        }

    def check_away(self) -> None:
        """Once a second: release whom the engine has left alone for too long."""
        since = self._away_since()
        if since is None:
            return
        wait, longest = self._config.engine_away_release, self._config.max_length
        for release in away.due(self._legs_now(), since, time.monotonic(), wait, longest):
            if release.leg not in self._releasing:
                self._releasing.add(release.leg)
                self._release(release)

    def _release(self, release: away.Release) -> None:
        _log.warning("%s is released: %s", release.leg, release.reason)
        if release.apology and self._config.apology:
            try:
                self.media.prompts.play(PlayFiles(release.leg, APOLOGY, self._config.apology))
                return
            except ValueError as error:
                _log.error("the apology cannot be played: %s", error)
        self._end(self.legs[release.leg], 503, release.reason)

    def _end(self, leg: PjLeg, sip_code: int, reason: str) -> None:
        """End a leg by our own decision: there is nobody to refuse to."""
        try:
            leg.end(sip_code, reason)
        except pj.Error as error:
            _log.error("%s cannot be ended: %s", leg.name, error.reason)

    def engine_back(self) -> None:
        """The engine decides again; an apology that has begun is cut off."""
        for leg in self._releasing:
            self.media.prompts.stop(leg, APOLOGY)
        self._releasing.clear()

    # --- the end ---------------------------------------------------------------------------------

    async def close(self, timeout: float) -> None:
        """End every leg, wait until they are gone (at most `timeout` seconds), let go of the account."""
        self.draining = self._closing = True
        for leg in list(self.legs.values()):
            self._end(leg, 503, "shut down")
        try:
            await asyncio.wait_for(self._idle.wait(), timeout)
        except TimeoutError:
            _log.warning("%d legs did not answer the BYE in time", len(self.legs))
        await self.media.recordings.joined()
        self._account.shutdown()
