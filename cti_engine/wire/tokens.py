"""What edge and workers prove to each other with one shared secret: who placed an INVITE, and who may dial.

A worker's INVITE carries a dial token that the edge takes once; the edge's INVITE carries a signature over its
Call-ID and source. Without them an address, loopback too, proves nothing (interfaces.md, Settings).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass

TOKEN_HEADER = "X-CTI-Token"
TRUNK_HEADER = "X-CTI-Trunk"
SOURCE_HEADER = "X-CTI-Source"
SIGNATURE_HEADER = "X-CTI-Edge"

_SEPARATOR = "\x1f"
_MAC_BYTES = 16


class InvalidToken(ValueError):
    """The token is forged, expired or not a token; the text says which."""


@dataclass(frozen=True, slots=True)
class DialToken:
    """Leave to dial `target` for `leg` until `expires_at` (seconds since the epoch)."""

    leg: str
    target: str
    expires_at: float


def issue_token(secret: bytes, leg: str, target: str, expires_at: float) -> str:
    """A token fit for a SIP header. Raises ValueError if `leg` or `target` holds a control character."""
    if _SEPARATOR in leg + target:
        raise ValueError("leg and target must not hold control characters")
    claim = _SEPARATOR.join((leg, target, repr(float(expires_at)))).encode()
    return f"{_text(claim)}.{_text(_mac(secret, b'dial', claim))}"


def verify_token(secret: bytes, token: str, now: float) -> DialToken:
    """What the token allows. Raises InvalidToken. That it is taken only once is the edge's to see to."""
    claim_text, _, mac_text = token.partition(".")
    try:
        claim, mac = _bytes(claim_text), _bytes(mac_text)
    except (binascii.Error, ValueError) as error:
        raise InvalidToken("not a dial token") from error
    if not hmac.compare_digest(mac, _mac(secret, b"dial", claim)):
        raise InvalidToken("forged dial token")
    leg, target, expires_at = claim.decode().split(_SEPARATOR)
    if float(expires_at) < now:
        raise InvalidToken("expired dial token")
    return DialToken(leg, target, float(expires_at))


def edge_signature(secret: bytes, call_id: str, source: str) -> str:
    """The edge's word that the INVITE with this Call-ID came from `source`."""
    return _text(_mac(secret, b"edge", f"{call_id}{_SEPARATOR}{source}".encode()))


def verify_edge_signature(secret: bytes, call_id: str, source: str, signature: str) -> bool:
    """Whether the edge signed just this; a worker treats any other INVITE as a stranger's."""
    return hmac.compare_digest(signature.encode(), edge_signature(secret, call_id, source).encode())


def _mac(secret: bytes, purpose: bytes, claim: bytes) -> bytes:
    return hmac.digest(secret, purpose + b"\0" + claim, "sha256")[:_MAC_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
