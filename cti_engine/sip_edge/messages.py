"""SIP messages as the edge reads and writes them: parsed once by sipmessage, checked once, written once.

What cannot be used raises Malformed; `answer_malformed` makes the 400 for it where RFC 3261 lets one be made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from sipmessage import URI, Address, Message, Request, Response

from cti_engine.sip_edge.hop import Hop

PHRASES = {
    100: "Trying", 200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 407: "Proxy Authentication Required", 408: "Request Timeout",
    416: "Unsupported URI Scheme", 420: "Bad Extension", 423: "Interval Too Brief",
    480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 483: "Too Many Hops",
    487: "Request Terminated", 500: "Server Internal Error", 503: "Service Unavailable",
    505: "Version Not Supported",
}  # fmt: skip
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE"
MAX_HEADER_BYTES = 16_384

_FOLD = re.compile(rb"[ \t]*\r\n[ \t]+")
_SPACE_BEFORE_COLON = re.compile(rb"(\r\n[^:\s]+)[ \t]+:")
_TAG = re.compile(r";\s*tag\s*=\s*([^;\s,]+)", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_REQUEST_LINE = re.compile(rb"([A-Za-z0-9\-.!%*_+`'~]+) [^\r\n]+ SIP/(\d+\.\d+)\r\n", re.IGNORECASE)
_NEEDED = {
    "Via": re.compile(rb"\r\n(?:Via|v)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
    "From": re.compile(rb"\r\n(?:From|f)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
    "To": re.compile(rb"\r\n(?:To|t)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
    "Call-ID": re.compile(rb"\r\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
    "CSeq": re.compile(rb"\r\nCSeq[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
}


class Malformed(ValueError):
    """The message breaks RFC 3261; the text says how, `code` what a request deserves for it."""

    def __init__(self, text: str, code: int = 400) -> None:
        super().__init__(text)
        self.code = code


class Via(NamedTuple):
    """One Via value. `port` 0 when it names none; `rport` "" when given without a value, None when absent."""

    transport: str
    host: str
    port: int
    branch: str
    received: str
    rport: str | None

    @property
    def sent_by(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def answer_to(self) -> Hop:
        """Where a response goes by this Via (RFC 3261 18.2.2, RFC 3581 4)."""
        port = int(self.rport) if self.rport else self.port or 5060
        return Hop(self.transport, self.received or self.host, port)


def parse_via(value: str) -> Via:
    """By hand, because each message needs one or two and sipmessage's takes 12 µs. Raises Malformed."""
    pieces = [piece.strip() for piece in value.split(";")]
    protocol, _, sent_by = pieces[0].rpartition(" ")
    transport = protocol.replace(" ", "").upper()
    if not transport.startswith("SIP/2.0/"):
        # "SIP / 2.0 / UDP host : port" is legal too (RFC 3261 25.1), and rare
        words = pieces[0].replace(" :", ":").replace(": ", ":").replace(" /", "/").replace("/ ", "/").split()
        if len(words) != 2 or not words[0].upper().startswith("SIP/2.0/"):
            raise Malformed("Via is not a SIP/2.0 Via")
        transport, sent_by = words[0].upper(), words[1]
    host, colon, port = sent_by.rpartition(":") if not sent_by.endswith("]") else (sent_by, "", "")
    if not colon:
        host, port = sent_by, "0"
    branch, received, rport = "", "", None
    for piece in pieces[1:]:
        name, equals, given = piece.partition("=")
        match name.strip().lower():
            case "branch":
                branch = given.strip()
            case "received":
                received = given.strip()
            case "rport":
                rport = given.strip() if equals else ""
    if not host or not port.isdecimal() or int(port) > 65535 or (rport and not _is_port(rport)):
        raise Malformed("Via names no usable address")
    return Via(transport[8:].lower(), host, int(port), branch, received, rport)


def _is_stamp(via_piece: str) -> bool:
    return via_piece.partition("=")[0].strip().lower() in ("rport", "received")


def _is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text) < 65536


class SipMessage:
    """What requests and responses share. `via` is the topmost Via; header lists hold one value an entry."""

    __slots__ = ("call_id", "cseq", "headers", "message", "method", "source", "start", "to", "via")

    def __init__(self, message: Message, start: str, source: Hop) -> None:
        headers = message.headers
        self.message = message
        self.headers = headers
        self.start = start
        self.source = source
        _split_commas(message, "Via")
        call_id, cseq, to = headers.get("Call-ID"), headers.get("CSeq"), headers.get("To")
        via = headers.get("Via")
        if not (via and call_id and cseq and to and headers.get("From")):
            raise Malformed("Via, From, To, Call-ID or CSeq is missing")
        number, _, method = cseq.partition(" ")
        if not number.isdecimal() or int(number) >= 1 << 31:
            raise Malformed("CSeq is not a number below 2**31 and a method")
        self.via = parse_via(via)
        self.call_id = call_id
        self.cseq = int(number)
        self.method = method.strip()
        self.to = to
        _check_length(message)

    @property
    def to_tag(self) -> str:
        return tag_of(self.to)

    def write(self) -> bytes:
        """The message with its headers as they now are, and the start line as it was or has been set."""
        return f"{self.start}\r\n{self.headers}".encode() + self.message.body


class SipRequest(SipMessage):
    """A request; `via` is stamped with `received` and `rport`, so that `answer_to` leads back to its sender."""

    __slots__ = ("key",)

    def __init__(self, message: Request, start: str, source: Hop) -> None:
        super().__init__(message, start, source)
        if self.method != message.method:
            raise Malformed("CSeq names another method than the request line")
        # RFC 3261 17.2.3; a branch without the magic cookie is not unique alone (RFC 2543)
        branch = self.via.branch
        self.key = f"{branch} {self.via.sent_by}"
        if not branch.startswith("z9hG4bK"):
            self.key += f" {self.call_id} {self.cseq} {tag_of(self.headers['From'])}"
        self._stamp()

    def _stamp(self) -> None:
        """RFC 3261 18.2.1 and RFC 3581 4. On TCP the port is noted always: it names the connection."""
        via, source = self.via, self.source
        if via.transport != source.transport:
            raise Malformed("Via names another transport than the one it came by")
        port_wanted = via.rport is not None or source.transport == "tcp"
        vias = self.headers.getlist("Via")
        kept = [piece for piece in vias[0].split(";") if not _is_stamp(piece)]
        rport = f";rport={source.port}" if port_wanted else ""
        vias[0] = ";".join(kept) + f";received={source.host}{rport}"
        self.via = via._replace(received=source.host, rport=str(source.port) if port_wanted else None)

    @property
    def uri(self) -> URI:
        assert isinstance(self.message, Request)
        return self.message.uri

    @property
    def uri_text(self) -> str:
        """The Request-URI as it was written."""
        return self.start.split(" ", 2)[1]

    def contact(self) -> URI | None:
        """The URI of the first Contact. Raises Malformed."""
        value = self.headers.get("Contact")
        return parse_address(value).uri if value and value != "*" else None

    def max_forwards(self) -> int:
        """Raises Malformed. 70 when there is none (RFC 3261 16.6)."""
        text = self.headers.get("Max-Forwards", "70") or ""
        if not text.isdecimal() or int(text) > 255:
            raise Malformed("Max-Forwards is not a number from 0 to 255")
        return int(text)


class SipResponse(SipMessage):
    __slots__ = ("code",)

    def __init__(self, message: Response, start: str, source: Hop) -> None:
        super().__init__(message, start, source)
        self.code = message.code
        if not 100 <= self.code <= 699:
            raise Malformed("the status code is not between 100 and 699")


def read(data: bytes, source: Hop) -> SipRequest | SipResponse:
    """Parse and check one whole message. Raises Malformed."""
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0 or head_end > MAX_HEADER_BYTES:
        raise Malformed("the header part has no end or is too long")
    head = data[:head_end]
    if b"\0" in head:
        raise Malformed("a NUL stands in the header part")
    if b"\r\n " in head or b"\r\n\t" in head or b" :" in head or b"\t:" in head:
        head = _SPACE_BEFORE_COLON.sub(rb"\1:", _FOLD.sub(b" ", head))
        data = head + data[head_end:]
    start_bytes = data[: data.index(b"\r\n")]
    if not (start_bytes.startswith(b"SIP/2.0 ") or start_bytes.endswith(b" SIP/2.0")):
        version = _REQUEST_LINE.match(data)
        raise Malformed("not SIP/2.0", 505 if version and version[2] != b"2.0" else 400)
    if start_bytes.endswith(b" SIP/2.0") and not _sip_scheme(start_bytes):
        raise Malformed("the Request-URI is neither sip, sips nor tel", 416)
    try:
        message = Message.parse(data)
    except (ValueError, TypeError, OverflowError) as error:  # TypeError: two parameters of one name
        raise Malformed(f"cannot be parsed: {error}") from error
    start = start_bytes.decode()
    if isinstance(message, Response):
        return SipResponse(message, start, source)
    if not _TOKEN.fullmatch(message.method):
        raise Malformed("the method is not a token")
    return SipRequest(message, start, source)


def _sip_scheme(start: bytes) -> bool:
    words = start.split(b" ")
    scheme = words[1].partition(b":")[0].lower() if len(words) == 3 else b"sip"
    return scheme in (b"sip", b"sips", b"tel") or not scheme.isalpha()


def _check_length(message: Message) -> None:
    """RFC 3261 18.3: cut what follows the body, refuse a body that is too short; and always say a length."""
    text = message.headers.get("Content-Length")
    if text is None:
        message.headers.add("Content-Length", str(len(message.body)))
        return
    if not text.isdecimal() or int(text) > len(message.body):
        raise Malformed("the body is not as long as Content-Length says")
    if int(text) < len(message.body):
        message.body = message.body[: int(text)]


def split_commas(value: str) -> list[str]:
    """The values of a comma-joined header; commas in quotes and angle brackets do not separate."""
    if "," not in value:
        return [value]
    values, begin, quoted, bracket, escaped = [], 0, False, False, False
    for position, char in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            quoted, escaped = char != '"', char == "\\"
        elif char == '"':
            quoted = True
        elif char in "<>":
            bracket = char == "<"
        elif char == "," and not bracket:
            values.append(value[begin:position].strip())
            begin = position + 1
    values.append(value[begin:].strip())
    return [value for value in values if value]


def _split_commas(message: Message, name: str) -> None:
    values = message.headers.getlist(name)
    if any("," in value for value in values):
        message.headers.setlist(name, [one for value in values for one in split_commas(value)])


def route_values(message: SipMessage) -> list[str]:
    return [one for value in message.headers.getlist("Route") for one in split_commas(value)]


def tag_of(address: str) -> str:
    """The tag of a From or To value, "" without one."""
    found = _TAG.search(address, address.rfind(">") + 1)
    return found[1] if found else ""


def parse_address(value: str) -> Address:
    """Raises Malformed."""
    try:
        return Address.parse(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed(f"not an address: {error}") from error


def answer(
    request: SipRequest, code: int, tag: str = "", headers: Iterable[tuple[str, str]] = (), phrase: str = ""
) -> bytes:
    """A response to `request` (RFC 3261 8.2.6). `tag` is put on To if it has none."""
    lines = [f"SIP/2.0 {code} {phrase or PHRASES[code]}"]
    lines += [f"Via: {via}" for via in request.headers.getlist("Via")]
    to = f"{request.to};tag={tag}" if tag and code > 100 and not request.to_tag else request.to
    lines += [
        f"From: {request.headers['From']}", f"To: {to}", f"Call-ID: {request.call_id}",
        f"CSeq: {request.cseq} {request.method}",
    ]  # fmt: skip
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n").encode()


def answer_malformed(data: bytes, problem: Malformed) -> bytes | None:
    """The answer to a request that could not be read; None if it is no request, an ACK, or has no way back."""
    start = _REQUEST_LINE.match(data)
    if start is None or start[1].upper() == b"ACK":
        return None
    head = _FOLD.sub(b" ", data.partition(b"\r\n\r\n")[0][:MAX_HEADER_BYTES])
    found = {name: pattern.findall(head) for name, pattern in _NEEDED.items()}
    if not all(found.values()) or b"\0" in head:
        return None
    lines = [f"SIP/2.0 {problem.code} {PHRASES[problem.code]}".encode()]
    lines += [b"Via: " + via for via in found.pop("Via")]
    lines += [name.encode() + b": " + values[0] for name, values in found.items()]
    reason = str(problem).encode("ascii", "replace").replace(b"\r", b" ").replace(b"\n", b" ")[:120]
    return b"\r\n".join([*lines, b'Warning: 399 cti-engine "' + reason.replace(b'"', b"'") + b'"',
                         b"Content-Length: 0", b"", b""])  # fmt: skip
