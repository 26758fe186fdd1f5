"""What travels on the bus, and under which topic: event and state envelopes, requests and replies.

Every time on the bus is RFC 3339 text in UTC with milliseconds; in memory it is wall seconds. A request's
name stands in its topic only. What does not parse raises BadMessage with one line that says why.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

VERSION = 1
MAX_PAYLOAD = 256 * 1024
REQUEST_LIFE = 3.0  # seconds from asking to refusal as expired (architecture decision 13)

ROOT = "cti/v1"
EVENT_TOPICS = f"{ROOT}/event/+"
STATE_TOPICS = f"{ROOT}/state/+/+"
REQUEST_TOPICS = f"{ROOT}/request/+"


_T = TypeVar("_T")


class BadMessage(ValueError):
    """A payload or topic that is not what the catalogue says. `code` goes into the reply."""

    def __init__(self, text: str, code: str = "bad_request") -> None:
        super().__init__(text)
        self.code = code


def event_topic(event: str) -> str:
    return f"{ROOT}/event/{event}"


def state_topic(kind: str, id_: str) -> str:
    """`kind` is `agent`, `queue` or `supervisor` (who has taken a call over)."""
    return f"{ROOT}/state/{kind}/{id_}"


def request_topic(name: str) -> str:
    return f"{ROOT}/request/{name}"


def reply_topic(client: str) -> str:
    """The `reply_to` of everything that one console process asks."""
    return f"{ROOT}/reply/{client}"


def state_of_topic(topic: str) -> tuple[str, str]:
    """(kind, id) of a state topic."""
    parts = topic.split("/")
    if len(parts) != 5 or topic != state_topic(parts[3], parts[4]):
        raise BadMessage(f"{topic!r} is not a state topic")
    return parts[3], parts[4]


def rfc3339(seconds: float) -> str:
    """Wall seconds since the epoch as `2026-11-22T08:30:00.125Z`."""
    milliseconds = math.floor(seconds * 1000)
    return f"{_to_the_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(16)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def wall_seconds(text: str) -> float:
    """The inverse of `rfc3339`; takes any offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadMessage(f"{text[:40]!r} is not an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise BadMessage(f"{text[:40]!r} has no offset from UTC")
    return moment.timestamp()


class Envelope(msgspec.Struct, frozen=True):
    """One event. `seq` is global and gap-free; `contact` is empty when the event is about no contact.

    `audience` says whose pages it is for (`catalogue.Audience`), `data` holds the event's other fields.
    """

    seq: int
    at: str
    event: str
    contact: str
    audience: tuple[str, ...]
    data: dict[str, Any]
    v: int = VERSION


class StateMessage(msgspec.Struct, frozen=True):
    """A retained view of one agent or queue: `data` holds the fields of `core.views`."""

    at: str
    data: dict[str, Any]
    v: int = VERSION


class Request(msgspec.Struct, frozen=True):
    """What `by` (the authenticated account) asks for; the engine answers at the topic `reply_to`.

    `contact` and `state_version` are what the page saw, for requests about a contact.
    """

    name: str
    id: str
    reply_to: str
    by: str
    expires_at: str
    args: dict[str, Any]
    contact: str = ""
    state_version: int = 0

    def expired(self, now: float) -> bool:
        """`now` in wall seconds. Raises BadMessage when the time does not parse."""
        return now > wall_seconds(self.expires_at)


class ReplyError(msgspec.Struct, frozen=True):
    code: str
    text: str


class ReplyMessage(msgspec.Struct, frozen=True):
    """The answer to the request `id`: `error` is None when `ok`."""

    id: str
    ok: bool
    error: ReplyError | None = None
    result: dict[str, Any] = {}


encode = msgspec.json.Encoder().encode
_envelopes = msgspec.json.Decoder(Envelope)
_states = msgspec.json.Decoder(StateMessage)
_replies = msgspec.json.Decoder(ReplyMessage)


def encode_request(request: Request) -> bytes:
    """The payload for `request_topic(request.name)`."""
    fields = msgspec.to_builtins(request)
    del fields["name"]
    return encode(fields)


def decode_request(topic: str, payload: bytes) -> Request:
    name = topic.removeprefix(request_topic(""))
    if not name or name == topic:
        raise BadMessage(f"{topic!r} is not a request topic")
    try:
        return msgspec.convert({**_fields(payload), "name": name}, Request)
    except msgspec.MsgspecError as error:
        raise BadMessage(f"request {name}: {error}") from error


def request_sender(payload: bytes) -> tuple[str, str] | None:
    """(id, reply_to) of a request too broken to decode, so that it can still be refused; else None."""
    try:
        fields = _fields(payload)
    except BadMessage:
        return None
    id_, reply_to = fields.get("id"), fields.get("reply_to")
    if isinstance(id_, str) and isinstance(reply_to, str) and id_ and reply_to:
        return id_, reply_to
    return None


def _fields(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_PAYLOAD:
        raise BadMessage(f"{len(payload)} bytes are over the limit of {MAX_PAYLOAD}")
    try:
        return msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadMessage(str(error)) from error


def decode_envelope(payload: bytes) -> Envelope:
    return _decode(_envelopes, payload, "event")


def decode_state(payload: bytes) -> StateMessage:
    """Not for an empty payload, which says that a retained state has been taken away."""
    return _decode(_states, payload, "state")


def decode_reply(payload: bytes) -> ReplyMessage:
    return _decode(_replies, payload, "reply")


def _decode(decoder: msgspec.json.Decoder[_T], payload: bytes, what: str) -> _T:
    if len(payload) > MAX_PAYLOAD:
        raise BadMessage(f"{what} of {len(payload)} bytes is over the limit of {MAX_PAYLOAD}")
    try:
        return decoder.decode(payload)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadMessage(f"{what}: {error}") from error
