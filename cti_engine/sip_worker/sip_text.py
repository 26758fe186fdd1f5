"""Reads and writes the few SIP headers that a worker needs beyond pjsua2 (RFC 3261 sections 7.3, 12.1, 20)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from cti_engine.core.signals import Dialog

COMPACT = {"f": "from", "t": "to", "m": "contact", "i": "call-id", "v": "via", "r": "refer-to"}
READ_BY_CORE = ("User-to-User", "Privacy", "Alert-Info", "Subject", "Referred-By")
READ_FROM_TRUNKS = ("P-Asserted-Identity", "Remote-Party-ID", "Diversion", "History-Info")
ABOVE_ANY_CSEQ = 1 << 20
"""pjsip starts below 2**15 and counts by one; a BYE sent for us later must be above (RFC 3261 12.2.2)."""

_ADDRESS = re.compile(r'^\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<([^>]*)>(.*)$', re.S)
_TAG = re.compile(r";\s*tag=([^;\s>,]+)", re.I)
_USER = re.compile(r"^(?:sips?|tel):([^@;>?]*)(?:@|[;>?]|$)", re.I)


class Headers:
    """The header lines of a raw message, unfolded; names without case or compact forms."""

    def __init__(self, message: str) -> None:
        head = re.split(r"\r?\n\r?\n", message, maxsplit=1)[0]
        lines = re.sub(r"\r?\n[ \t]+", " ", head).splitlines()
        self.start_line = lines[0] if lines else ""
        self._values: dict[str, list[str]] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self._values.setdefault(COMPACT.get(name, name), []).append(value.strip())

    @property
    def request_uri(self) -> str:
        """The Request-URI; empty for a response."""
        parts = self.start_line.split(" ")
        return parts[1] if len(parts) == 3 and parts[2].startswith("SIP/") else ""

    def get(self, name: str) -> str:
        """The first value, or an empty text."""
        return self._values.get(name.lower(), [""])[0]

    def each(self, name: str) -> list[str]:
        """All values of a header that may be given as a list; commas inside <> or quotes do not split."""
        found = []
        for value in self._values.get(name.lower(), []):
            found += re.findall(r'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+', value)
        return [one.strip() for one in found if one.strip()]


def split_address(value: str) -> tuple[str, str, str]:
    """(display name, URI, tag) of a From, To or Contact value."""
    match = _ADDRESS.match(value)
    if match is None:
        uri, _, rest = value.partition(";")
        tag = _TAG.search(";" + rest)
        return "", uri.strip(), tag.group(1) if tag else ""
    quoted, plain, uri, rest = match.groups()
    name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
    tag = _TAG.search(rest)
    return name, uri, tag.group(1) if tag else ""


def user_of(uri: str) -> str:
    """The user part, or the number of a tel URI; empty when there is none."""
    match = _USER.match(uri)
    return unquote(match.group(1).partition(":")[0]) if match else ""


def address(name: str, number: str, realm: str) -> str:
    """A From or P-Asserted-Identity value for `number` at `realm`, safe against any text in either."""
    user = quote(number or "anonymous", safe="+*#-_.!~'()&=$,")
    uri = f"<sip:{user}@{realm}>"
    if not name:
        return uri
    escaped = one_line(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" {uri}'


def one_line(text: str) -> str:
    """Without control characters: a header must not smuggle in another one."""
    return "".join(c for c in text if c.isprintable())


def reason_header(sip_code: int, reason: str) -> str:
    """A Reason value (RFC 3326); cause 16 is normal clearing in Q.850."""
    cause = f"SIP;cause={sip_code}" if sip_code else "Q.850;cause=16"
    text = one_line(reason).replace("\\", "").replace('"', "'")
    return f'{cause};text="{text}"'


def reason_text(value: str) -> str:
    """The text of a Reason header, or the whole value where it has none."""
    match = re.search(r'text\s*=\s*"([^"]*)"', value)
    return match.group(1) if match else value


def headers_for_core(headers: Headers, *, trusted: bool) -> dict[str, str]:
    """What the core may read; identities and diversions only from a trunk (`trusted`)."""
    names = READ_BY_CORE + (READ_FROM_TRUNKS if trusted else ())
    found = {name: ", ".join(headers.each(name)) for name in names}
    return {name: value for name, value in found.items() if value}


def dialog_as_callee(invite: Headers, local_tag: str) -> Dialog:
    """Our dialog of an INVITE that came in (RFC 3261 12.1.1): the route set is in the order received."""
    _, remote_uri, remote_tag = split_address(invite.get("from"))
    _, local_uri, _ = split_address(invite.get("to"))
    return Dialog(
        call_id=invite.get("call-id"),
        local_uri=local_uri,
        local_tag=local_tag,
        remote_uri=remote_uri,
        remote_tag=remote_tag,
        local_cseq=ABOVE_ANY_CSEQ,
        remote_target=split_address(invite.get("contact"))[1],
        route_set=tuple(invite.each("record-route")),
    )


def dialog_as_caller(answer: Headers) -> Dialog:
    """Our dialog of an INVITE that was answered 2xx (RFC 3261 12.1.2): the route set is reversed."""
    _, local_uri, local_tag = split_address(answer.get("from"))
    _, remote_uri, remote_tag = split_address(answer.get("to"))
    return Dialog(
        call_id=answer.get("call-id"),
        local_uri=local_uri,
        local_tag=local_tag,
        remote_uri=remote_uri,
        remote_tag=remote_tag,
        local_cseq=ABOVE_ANY_CSEQ,
        remote_target=split_address(answer.get("contact"))[1],
        route_set=tuple(reversed(answer.each("record-route"))),
    )
