"""Digest as the client that answers a challenge (RFC 7616 3.4, RFC 8760): MD5 or SHA-256, with qop=auth or without."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable

from cti_engine.sip_edge.digest import parameters

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def answerable(challenges: Iterable[str]) -> dict[str, str] | None:
    """The parameters of the first challenge that we can answer: the server names the one it likes best first."""
    for value in challenges:
        scheme, _, rest = value.partition(" ")
        given = parameters(rest)
        known = given.get("algorithm", "MD5").upper() in _HASHES
        qops = [one.strip() for one in given.get("qop", "auth").split(",")]
        if scheme.lower() == "digest" and known and "auth" in qops and "nonce" in given and "realm" in given:
            return given
    return None


def authorization(
    challenge: dict[str, str], method: str, uri: str, user: str, password: str, count: int = 1
) -> str:
    """The value of Authorization or Proxy-Authorization; `count` says how often this nonce has been used."""
    algorithm = challenge.get("algorithm", "MD5").upper()

    def h(text: str) -> str:
        return _HASHES[algorithm](text.encode()).hexdigest()

    realm, nonce = challenge["realm"], challenge["nonce"]
    ha1, ha2 = h(f"{user}:{realm}:{password}"), h(f"{method}:{uri}")
    parts = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    plain = {"algorithm": algorithm} if "algorithm" in challenge else {}
    if "qop" in challenge:
        cnonce = secrets.token_hex(8)
        parts["response"] = h(f"{ha1}:{nonce}:{count:08x}:{cnonce}:auth:{ha2}")
        parts["cnonce"] = cnonce
        plain |= {"qop": "auth", "nc": f"{count:08x}"}
    else:  # RFC 2069, which some carriers still speak
        parts["response"] = h(f"{ha1}:{nonce}:{ha2}")
    if "opaque" in challenge:
        parts["opaque"] = challenge["opaque"]
    said = [f"{name}={_quoted(value)}" for name, value in parts.items()]
    return "Digest " + ", ".join(said + [f"{name}={value}" for name, value in plain.items()])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
