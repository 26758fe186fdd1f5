"""What a page and the console say to each other on the WebSocket `/live`; all JSON, tagged by `type`.

A page that says anything else is told so and closed: only our own pages speak here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from cti_engine.wire import envelope
from cti_engine.wire.browser_phone import PhoneSays
from cti_engine.wire.envelope import Envelope, ReplyError, ReplyMessage

MAX_PAGE_MESSAGE = 32 * 1024  # bytes; a browser's offer (SDP) is the longest thing a page says


class Hello(msgspec.Struct, tag="hello", frozen=True):
    """First words of a page. `since`: the last event it has seen, None when it has just been loaded."""

    since: int | None = None


class Desk(msgspec.Struct, tag="desk", frozen=True):
    """Whether an agent's desk is in front of a human now, so that a pop would be painted there."""

    visible: bool


class Ask(msgspec.Struct, tag="ask", frozen=True):
    """A request to the engine. `agent` is who it is for; empty: whoever is logged in."""

    id: str
    name: str
    args: dict[str, Any] = {}
    agent: str = ""
    contact: str = ""
    state_version: int = 0


class Active(msgspec.Struct, tag="active", frozen=True):
    """A human touched key or pointer, so the session is not idle."""


PageMessage = Hello | Desk | Ask | Active
_page_messages = msgspec.json.Decoder(PageMessage)


def decode(text: str) -> PageMessage:
    """Raises msgspec.MsgspecError."""
    message: PageMessage = _page_messages.decode(text)
    return message


# --- console -> page ---------------------------------------------------------------------------


def _text(**fields: Any) -> str:
    return envelope.encode(fields).decode()


def snapshot(
    now: float,
    seq: int | None,
    engine: bool,
    states: dict[str, dict[str, Any]],
    trends: dict[str, list[tuple[float, int]]],
    skipped: bool,
) -> str:
    """All a page needs to paint itself. `seq`: the state of the event log; `states`: kind to id to view.

    `skipped`: the page was away so long that the events in between are not replayed.
    """
    return _text(
        type="snapshot", now=now, seq=seq, engine=engine, states=states, trends=trends, skipped=skipped
    )


def event(message: Envelope, *, replay: bool) -> str:
    """One fact, live or made up for after a break."""
    return _text(
        type="event",
        seq=message.seq,
        at=envelope.wall_seconds(message.at),
        event=message.event,
        contact=message.contact,
        data=message.data,
        replay=replay,
    )


def state(kind: str, id_: str, data: dict[str, Any] | None) -> str:
    """A view that changed; None: it is gone."""
    return _text(type="state", kind=kind, id=id_, data=data)


def colleagues(here: dict[str, dict[str, str]], gone: list[str], *, all_: bool) -> str:
    """By id the `name` of each and whether they are `free`, `busy` or `away`; with `all_` nobody else is here."""
    return _text(type="colleagues", here=here, gone=gone, all=all_)


def ticket(kind: str, rung: str, shown: dict[str, Any]) -> str:
    """Something to know of a ticket: what was done to it (`give`, `comment`, `reopen` ...), its `follow_up`, or that it
    is late (`escalated`, with the rung of the ladder).
    """
    return _text(type="ticket", kind=kind, rung=rung, ticket=shown)


def engine(up: bool) -> str:
    return _text(type="engine", up=up)


def mark(now: float, seq: int | None) -> str:
    """The pulse: the page knows that it is connected, what time it is, and how far the events are."""
    return _text(type="mark", now=now, seq=seq)


def phone(up: bool, says: PhoneSays | None = None) -> str:
    """Whether there are browser phones now, and how this page's is; None: nobody knows yet."""
    fields = {} if says is None else msgspec.to_builtins(says)
    return _text(**{**fields, "type": "phone", "up": up})


def reply(ask_id: str, message: ReplyMessage) -> str:
    return _text(type="reply", id=ask_id, ok=message.ok, error=message.error, result=message.result)


def refusal(ask_id: str, code: str, text: str) -> str:
    """A request that the console itself refuses."""
    return reply(ask_id, ReplyMessage(ask_id, False, ReplyError(code, text)))
