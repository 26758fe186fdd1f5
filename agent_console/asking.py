"""Requests to the engine over the bus, and the replies that belong to them (architecture decision 13)."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from agent_console.accounts import Account
from cti_engine.wire import envelope
from cti_engine.wire.catalogue import REQUESTS, may_ask
from cti_engine.wire.envelope import REQUEST_LIFE, BadMessage, ReplyError, ReplyMessage, Request

_log = logging.getLogger("cti.console")

_AWAY = ReplyError("engine_away", "the engine does not answer")
_PHONE_AWAY = ReplyError("phone_away", "the gateway of browser phones does not answer")
OURS = frozenset(
    {"PageOpened", "PageClosed"}
)  # told by the console, which sees pages come and go; never by a page
_FIELDS = {name: {f.name for f in fields(entry.signal)} for name, entry in REQUESTS.items()}
PHONE_LIFE = 10.0  # seconds; a browser's line takes longer to make than an answer of the engine

ToPhone = Callable[[str, str, str, dict[str, Any]], bool]  # page, id, request, arguments


class Asking:
    """Sends requests as `client` and waits for their replies.

    `publish(topic, payload)` never blocks and is False when it cannot be sent. `reachable()`
    says whether the engine is known to be there. `to_phone` is how requests get to the gateway, False likewise.
    """

    def __init__(
        self,
        client: str,
        publish: Callable[[str, bytes], bool],
        reachable: Callable[[], bool],
        now: Callable[[], float],
        to_phone: ToPhone = lambda page, id_, name, args: False,
    ) -> None:
        self._client = client
        self._to_phone = to_phone
        self._publish = publish
        self._reachable = reachable
        self._now = now
        self._ids = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[ReplyMessage]] = {}
        self.reply_topic = envelope.reply_topic(client)
        self.malformed = 0

    async def ask(
        self,
        account: Account,
        name: str,
        args: dict[str, Any],
        *,
        agent: str = "",
        contact: str = "",
        state_version: int = 0,
        page: str = "",
    ) -> ReplyMessage:
        """Ask in the name of `agent` (default: of the account itself); what nobody answers is `engine_away`.

        Requests whose signal has no reply (OfferShown, PageOpened ...) are `ok` as soon as they are sent.
        """
        agent = agent or account.user
        if name not in REQUESTS or name in OURS:
            return _refused("unknown_request", "no such request")
        if not may_ask(name, agent, account.permissions, account.agent):
            return _refused("forbidden", "not permitted")
        id_ = f"{self._client}-{next(self._ids)}"
        args = {**args, "agent": agent} if "agent" in _FIELDS[name] else args
        if REQUESTS[name].to == "gateway":
            sent, away, life = self._to_phone(page, id_, name, args), _PHONE_AWAY, PHONE_LIFE
        else:
            sent = self._send(account.user, id_, name, args, contact, state_version)
            away, life = _AWAY, REQUEST_LIFE
        if not sent or "request" not in _FIELDS[name]:
            return ReplyMessage(id_, sent, None if sent else away)
        reply = self._waiting[id_] = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(reply, life)
        except TimeoutError:
            return ReplyMessage(id_, False, away)
        finally:
            del self._waiting[id_]

    def tell(self, agent: str, name: str, args: dict[str, Any]) -> None:
        """Send a request that has no reply, in the name of `agent`."""
        self._send(agent, f"{self._client}-{next(self._ids)}", name, {**args, "agent": agent}, "", 0)

    def _send(
        self, by: str, id_: str, name: str, args: dict[str, Any], contact: str, state_version: int
    ) -> bool:
        """False when nobody would answer it."""
        if not self._reachable():
            return False
        request = Request(
            name=name,
            id=id_,
            reply_to=self.reply_topic,
            by=by,
            expires_at=envelope.rfc3339(self._now() + REQUEST_LIFE),
            args=args,
            contact=contact,
            state_version=state_version,
        )
        return self._publish(envelope.request_topic(name), envelope.encode_request(request))

    def on_reply(self, payload: bytes) -> None:
        """A message on `reply_topic`."""
        try:
            reply = envelope.decode_reply(payload)
        except BadMessage as error:
            self.malformed += 1
            _log.warning("dropped a reply: %s", error)
            return
        self.answered(reply)

    def answered(self, reply: ReplyMessage) -> None:
        """By the engine or the gateway. What comes too late belongs to nobody any more."""
        waiting = self._waiting.get(reply.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)


def _refused(code: str, text: str) -> ReplyMessage:
    return ReplyMessage("", False, ReplyError(code, text))
