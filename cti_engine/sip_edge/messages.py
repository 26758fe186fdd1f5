"""SIP messages as the edge reads and writes them: read once, checked once, written once.

What cannot be used raises Malformed; `answer_malformed` makes the 400 for it where RFC 3261 lets one be made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from sipmessage import URI, Address

from cti_engine.sip_edge.header_fields import HeaderFields
from cti_engine.sip_edge.hop import Hop
from cti_engine.sip_edge.via import Via, parse_via, stamped

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
_VERSION = re.compile(r"SIP/\d+\.\d+", re.IGNORECASE)
_VALUE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,])+')
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_GOOD_REQUEST_LINE = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+ (?i:sips?|tel):[^ ]+ SIP/2\.0")
_REQUEST_LINE = re.compile(rb"([A-Za-z0-9\-.!%*_+`'~]+) [^\r\n]+ SIP/(\d+\.\d+)\r\n", re.IGNORECASE)
_NEEDED = {
    "Via": re.compile(rb"\r\n(?:Via|v)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
    "From": re.compile(rb"\r\n(?:From|f)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
    "To": re.compile(rb"\r\n(?:To|t)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
    "Call-ID": re.compile(rb"\r\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
    "CSeq": re.compile(rb"\r\nCSeq[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE),
}


_parse_uri = lru_cache(maxsize=1024)(URI.parse)  # callers dial the same few numbers


class Malformed(ValueError):
    """The message breaks RFC 3261; the text says how, `code` what a request deserves for it."""

    def __init__(self, text: str, code: int = 400) -> None:
        super().__init__(text)
        self.code = code


class SipMessage:
    """What requests and responses share. `via` is the topmost Via; Via and Route hold one value an entry."""

    __slots__ = ("body", "call_id", "cseq", "headers", "method", "source", "start", "to", "via")

    def __init__(self, start: str, headers: HeaderFields, body: bytes, source: Hop) -> None:
        self.start = start
        self.headers = headers
        self.body = body
        self.source = source
        vias = _one_each(headers, "Via")
        call_id, cseq, to = headers.get("Call-ID"), headers.get("CSeq"), headers.get("To")
        if not (vias and vias[0] and call_id and cseq and to and headers.get("From")):
            raise Malformed("Via, From, To, Call-ID or CSeq is missing")
        number, _, method = cseq.partition(" ")
        if not number.isdecimal() or int(number) >= 1 << 31:
            raise Malformed("CSeq is not a number below 2**31 and a method")
        self.via = read_via(vias[0])
        self.call_id = call_id
        self.cseq = int(number)
        self.method = method.strip()
        self.to = to
        self._check_length()

    def _check_length(self) -> None:
        """RFC 3261 18.3: cut what follows the body, refuse a body that is too short; always say a length."""
        text = self.headers.get("Content-Length")
        if text is None:
            self.headers.set("Content-Length", str(len(self.body)))
        elif not text.isdecimal() or int(text) > len(self.body):
            raise Malformed("the body is not as long as Content-Length says")
        elif int(text) < len(self.body):
            self.body = self.body[: int(text)]

    @property
    def to_tag(self) -> str:
        return tag_of(self.to)

    def write(self) -> bytes:
        """The message with its headers as they now are, and the start line as it was or has been set."""
        return f"{self.start}\r\n{self.headers}\r\n".encode() + self.body


class SipRequest(SipMessage):
    """A request; `via` is stamped with `received` and `rport`, so that `answer_to` leads back to its sender."""

    __slots__ = ("_uri", "key")

    def __init__(self, start: str, headers: HeaderFields, body: bytes, source: Hop) -> None:
        super().__init__(start, headers, body, source)
        if self.method != start.partition(" ")[0]:
            raise Malformed("CSeq names another method than the request line")
        # RFC 3261 17.2.3; a branch without the magic cookie is not unique alone (RFC 2543)
        via = self.via
        self.key = f"{via.branch} {via.sent_by}"
        if not via.branch.startswith("z9hG4bK"):
            self.key += f" {self.call_id} {self.cseq} {tag_of(headers['From'])}"
        self._uri: URI | None = None
        self._stamp()

    def _stamp(self) -> None:
        """On TCP the port is noted whether asked for or not: it names the connection."""
        via, source = self.via, self.source
        if via.transport != source.transport:
            raise Malformed("Via names another transport than the one it came by")
        rport = source.port if via.rport is not None or source.transport == "tcp" else None
        vias = self.headers.getlist("Via")
        vias[0] = stamped(vias[0], source.host, rport)
        text = None if rport is None else str(rport)
        self.via = Via(via.transport, via.host, via.port, via.branch, source.host, text)

    @property
    def uri(self) -> URI:
        """The Request-URI. Raises Malformed; requests that are only passed on are never asked."""
        if self._uri is None:
            try:
                self._uri = _parse_uri(self.uri_text)
            except (ValueError, TypeError, OverflowError) as error:  # TypeError: a parameter called `cls`
                raise Malformed(f"the Request-URI cannot be read: {error}") from error
        return self._uri

    @property
    def uri_text(self) -> str:
        """The Request-URI as it was written."""
        return self.start.split(" ", 2)[1]

    def contact(self) -> URI | None:
        """The URI of the first Contact. Raises Malformed."""
        value = self.headers.get("Contact")
        return _contact_uri(value) if value and value != "*" else None

    def max_forwards(self) -> int:
        """Raises Malformed. 70 when there is none (RFC 3261 16.6)."""
        text = self.headers.get("Max-Forwards") or "70"
        if not text.isdecimal() or int(text) > 255:
            raise Malformed("Max-Forwards is not a number from 0 to 255")
        return int(text)


class SipResponse(SipMessage):
    __slots__ = ("code",)

    def __init__(self, start: str, headers: HeaderFields, body: bytes, source: Hop) -> None:
        super().__init__(start, headers, body, source)
        code = start[8:11]
        if not code.isdecimal() or not 100 <= int(code) <= 699 or start[11:12] not in ("", " "):
            raise Malformed("the status code is not between 100 and 699")
        self.code = int(code)


def read(data: bytes, source: Hop) -> SipRequest | SipResponse:
    """Read and check one whole message. Raises Malformed."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end or len(head) > MAX_HEADER_BYTES:
        raise Malformed("the header part has no end or is too long")
    if b"\0" in head:
        raise Malformed("a NUL stands in the header part")
    if b"\r\n " in head or b"\r\n\t" in head or b" :" in head or b"\t:" in head:
        head = _SPACE_BEFORE_COLON.sub(rb"\1:", _FOLD.sub(b" ", head))
    try:
        start, *lines = head.decode().split("\r\n")
        headers = HeaderFields.parse(lines)
    except ValueError as error:
        raise Malformed(f"cannot be read: {error}") from error
    if start.startswith("SIP/2.0 "):
        return SipResponse(start, headers, body, source)
    _check_request_line(start)
    return SipRequest(start, headers, body, source)


def _check_request_line(start: str) -> None:
    """Raises Malformed with what is wrong."""
    if _GOOD_REQUEST_LINE.fullmatch(start):
        return
    words = start.split(" ")
    version = words[-1]
    if len(words) < 3 or not _VERSION.fullmatch(version):
        raise Malformed("neither a request nor a response")
    if version != "SIP/2.0":
        raise Malformed("not SIP/2.0", 505)
    scheme, colon, rest = words[1].partition(":")
    if len(words) != 3 or not _TOKEN.fullmatch(words[0]) or not colon or not rest or not scheme.isalpha():
        raise Malformed("the request line is not a method, a URI and a version")
    if scheme.lower() not in ("sip", "sips", "tel"):
        raise Malformed("the Request-URI is neither sip, sips nor tel", 416)


def split_commas(value: str) -> list[str]:
    """The values of a comma-joined header; commas in quotes and angle brackets do not separate."""
    if "," not in value:
        return [value]
    if '"' not in value and "<" not in value:
        return [text for one in value.split(",") if (text := one.strip())]
    return [text for one in _VALUE.findall(value) if (text := one.strip())]


def _one_each(headers: HeaderFields, name: str) -> list[str]:
    values = headers.getlist(name)
    for value in values:
        if "," in value:
            values = [one for value in values for one in split_commas(value)]
            headers.setlist(name, values)
            break
    return values


def route_values(message: SipMessage) -> list[str]:
    return _one_each(message.headers, "Route")


def read_via(value: str) -> Via:
    """Raises Malformed."""
    try:
        return parse_via(value)
    except ValueError as error:
        raise Malformed(str(error)) from error


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


@lru_cache(maxsize=1024)
def _contact_uri(value: str) -> URI:
    """Of a Contact, which is the same in all calls of a phone and mostly of a trunk."""
    return parse_address(value).uri


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
