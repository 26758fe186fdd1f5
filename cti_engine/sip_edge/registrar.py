"""The registrar (RFC 3261 10.3): phones say where they are, with a password; the engine is told who is there."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cti_engine.core.signals import PhoneRegistered, PhoneUnregistered, Signal
from cti_engine.sip_edge.bindings import Binding, BindingFile, Change
from cti_engine.sip_edge.config import Limits
from cti_engine.sip_edge.digest import Digest, Verdict
from cti_engine.sip_edge.hop import reachable_at
from cti_engine.sip_edge.messages import Malformed, SipRequest, parse_address, split_commas
from cti_engine.wire.browser_phone import is_browser_phone


class Answer(Protocol):
    """How the registrar answers: refusals count against the source's rate, challenges against another."""

    def __call__(
        self, request: SipRequest, code: int, *headers: tuple[str, str], phrase: str = ""
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """One Contact value of a REGISTER."""

    contact: str
    expires: int
    instance: str


class Registrar:
    def __init__(
        self,
        digest: Digest,
        file: BindingFile,
        limits: Limits,
        clock: Callable[[], float],
        tell: Callable[[Signal], None],
        answer: Answer,
    ) -> None:
        self._digest = digest
        self._file = file
        self._limits = limits
        self._clock = clock
        self._tell = tell
        self._answer = answer
        self._bindings: dict[str, list[Binding]] = {}  # newest last
        self._expiries: list[tuple[float, str]] = []
        self._timer: asyncio.TimerHandle | None = None

    def load(self) -> None:
        """Take up the registrations of an earlier life."""
        for binding in self._file.load(self._clock()):
            self._bindings.setdefault(binding.user, []).append(binding)
            self._expect(binding)

    @property
    def users(self) -> list[str]:
        return sorted(self._bindings)

    def newest(self, user: str) -> Binding | None:
        """The phone that registered last, or None; the browser phone before all others, while its agent has one."""
        now = self._clock()
        living = [one for one in reversed(self._bindings.get(user, [])) if one.expires_at > now]
        chosen = (one for one in living if is_browser_phone(one.instance))
        return next(chosen, living[0] if living else None)

    # --- REGISTER ---------------------------------------------------------------------------------

    def register(self, request: SipRequest) -> None:
        """Raises Malformed."""
        user = parse_address(request.to).uri.user or ""
        verdict = self._digest.check(request, user, proxy=False)
        if verdict in (Verdict.ABSENT, Verdict.STALE):
            stale = verdict is Verdict.STALE
            self._answer(request, 401, self._digest.challenge(user, proxy=False, stale=stale))
            return
        if verdict is not Verdict.PASSED:
            self._answer(request, 403 if verdict is Verdict.WRONG else 400)
            return
        asked, all_gone = self._asked(request)
        if any(0 < one.expires < self._limits.min_expires for one in asked):
            self._answer(request, 423, ("Min-Expires", str(self._limits.min_expires)))
            return
        known = self._bindings.get(user, [])
        if any(one.call_id == request.call_id and one.cseq > request.cseq for one in known):
            self._answer(request, 500, phrase="CSeq Out Of Order")
            return
        self._apply(request, user, known, asked, all_gone)

    def _asked(self, request: SipRequest) -> tuple[list[_Asked], bool]:
        """The Contacts, and whether it is `*` with Expires 0 (all of them go)."""
        header = request.headers.get("Expires") or ""
        default = int(header) if header.isdecimal() else self._limits.max_expires
        values = [one for value in request.headers.getlist("Contact") for one in split_commas(value)]
        if "*" in values:
            if len(values) > 1 or header != "0":
                raise Malformed("Contact * needs Expires 0 and no other Contact")  # RFC 3261 10.3, step 6
            return [], True
        asked = []
        for value in values:
            address = parse_address(value)
            if address.uri.scheme != "sip":
                raise Malformed("only sip: contacts can be registered")
            given = address.parameters.get("expires") or ""
            expires = int(given) if given.isdecimal() else default
            instance = address.parameters.get("+sip.instance") or ""
            asked.append(
                _Asked(str(address.uri), min(expires, self._limits.max_expires), instance.strip('"'))
            )
        if len(asked) > self._limits.max_contacts:
            raise Malformed("too many contacts")
        return asked, False

    def _apply(
        self, request: SipRequest, user: str, known: list[Binding], asked: list[_Asked], all_gone: bool
    ) -> None:
        now = self._clock()
        kept = {one.contact: one for one in known if one.expires_at > now and not all_gone}
        changes = [Change(one, gone=True) for one in known if one.contact not in kept]
        for one in asked:
            # a phone that comes back with another address (RFC 5626 4.2.1) replaces itself
            instances = (b for b in kept.values() if one.instance and b.instance == one.instance)
            replaced = [b for b in instances if b.contact != one.contact]
            was = kept.pop(one.contact, None)
            if one.expires == 0 and was is not None:
                replaced.append(was)
            changes += [Change(b, gone=True) for b in replaced]
            for binding in replaced:
                kept.pop(binding.contact, None)
            if one.expires:
                hop = reachable_at(parse_address(f"<{one.contact}>").uri, request.source)
                binding = Binding(
                    user,
                    one.contact,
                    hop,
                    now + one.expires,
                    request.call_id,
                    request.cseq,
                    one.instance,
                    now,
                )
                kept[one.contact] = binding
                changes.append(Change(binding))
                self._expect(binding)
        bindings = list(kept.values())
        if len(bindings) > self._limits.max_contacts:  # the oldest go: a phone that changes its address often
            changes += [Change(one, gone=True) for one in bindings[: -self._limits.max_contacts]]
            bindings = bindings[-self._limits.max_contacts :]
        self._replace(user, bindings)
        if asked and bindings:
            newest = bindings[-1]
            self._tell(PhoneRegistered(user, newest.contact, newest.expires_at - now))
        contacts = [("Contact", f"<{one.contact}>;expires={round(one.expires_at - now)}") for one in bindings]
        if changes:
            written = self._file.write(changes)
            written.add_done_callback(lambda _: self._answer(request, 200, *contacts))
        else:
            self._answer(request, 200, *contacts)

    def _replace(self, user: str, bindings: list[Binding]) -> None:
        """The one place where a user's registrations change; says so when the last one is gone."""
        had = user in self._bindings
        if bindings:
            self._bindings[user] = bindings
        elif had:
            del self._bindings[user]
            self._tell(PhoneUnregistered(user))

    # --- expiry -----------------------------------------------------------------------------------

    def _expect(self, binding: Binding) -> None:
        heapq.heappush(self._expiries, (binding.expires_at, binding.user))
        if self._expiries[0][0] == binding.expires_at:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._expiries:
            wait = max(0.0, self._expiries[0][0] - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait, self._expire)

    def _expire(self) -> None:
        now = self._clock()
        while self._expiries and self._expiries[0][0] <= now:
            _, user = heapq.heappop(self._expiries)
            known = self._bindings.get(user, [])
            gone = [one for one in known if one.expires_at <= now]
            if gone:
                self._replace(user, [one for one in known if one.expires_at > now])
                self._file.write([Change(one, gone=True) for one in gone])
        self._arm()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
