"""An agent's phone in the browser: what its page may ask of the gateway, and how console and gateway speak.

A Unix socket, a line of JSON per message. Offers and answers (SDP) pass here; audio goes from browser to gateway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from cti_engine.wire.envelope import ReplyMessage

INSTANCE = "<urn:x-cti:browser-phone:{agent}>"
"""+sip.instance (RFC 5626 4.1) of a browser phone. One is registered only while its agent has chosen it, so the edge
rings it before any other phone."""
MAX_LINE = 64 * 1024  # bytes


def is_browser_phone(instance: str) -> bool:
    return instance.strip('"').startswith(INSTANCE.partition("{")[0])


@dataclass(frozen=True, slots=True)
class ConnectPhone:
    """The page is the agent's phone from now on. `sdp` is the browser's offer, the reply has the answer and a `line`.

    Without `sdp` the page has only its WebSocket anew and goes on with its `line`. `tab` is the browser's tab: the
    same one may come back after a reload; another is refused (`phone_elsewhere`) unless it may `take_over`.
    """

    agent: str
    request: str
    tab: str
    sdp: str = ""
    line: str = ""
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class DisconnectPhone:
    """The agent has chosen the desk phone. Refused (`in_call`) while the browser phone has a call."""

    agent: str
    request: str


@dataclass(frozen=True, slots=True)
class AnswerPhone:
    """Pick up the call that rings."""

    agent: str
    request: str


@dataclass(frozen=True, slots=True)
class HangUpPhone:
    """Decline the call that rings, or put the receiver down."""

    agent: str
    request: str


@dataclass(frozen=True, slots=True)
class TestEcho:
    """Hear yourself a second later, without a call; ends with `on` false or when a call comes."""

    __test__ = False  # pytest takes the name for a test's

    agent: str
    request: str
    on: bool


PhoneRequest = ConnectPhone | DisconnectPhone | AnswerPhone | HangUpPhone | TestEcho


# --- console -> gateway ------------------------------------------------------------------------


class PageAsks(msgspec.Struct, tag="ask", frozen=True):
    """A request of `page`; the console has checked that it may ask this. `args` are the fields of the dataclass."""

    page: str
    id: str
    name: str
    args: dict[str, Any]


class PageGone(msgspec.Struct, tag="gone", frozen=True):
    page: str


# --- gateway -> console ------------------------------------------------------------------------


class Reply(msgspec.Struct, tag="reply", frozen=True):
    message: ReplyMessage


class PhoneSays(msgspec.Struct, tag="phone", frozen=True):
    """How the phone of `page` is. `call`: none, ringing or talking, with the caller's `number` and `name`.

    `elsewhere`: another page has it now.
    """

    page: str
    registered: bool = False
    call: str = "none"
    number: str = ""
    name: str = ""
    echo: bool = False
    elsewhere: bool = False


ToGateway = PageAsks | PageGone
ToConsole = Reply | PhoneSays
_encoder = msgspec.json.Encoder()
_to_gateway = msgspec.json.Decoder(ToGateway)
_to_console = msgspec.json.Decoder(ToConsole)


def line_of(message: ToGateway | ToConsole) -> bytes:
    return _encoder.encode(message) + b"\n"


def read_to_gateway(line: bytes) -> ToGateway:
    """Raises msgspec.MsgspecError."""
    message: ToGateway = _to_gateway.decode(line)
    return message


def read_to_console(line: bytes) -> ToConsole:
    """Raises msgspec.MsgspecError."""
    message: ToConsole = _to_console.decode(line)
    return message
