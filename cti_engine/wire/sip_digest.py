"""Digest as the client that answers a challenge (RFC 7616 3.4, RFC 8760): MD5 or SHA-256, with qop=auth or without."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable

_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def parameters(text: str) -> dict[str, str]:
    """What stands behind `Digest` in a challenge or in credentials, by lower-case name."""
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        for name, quoted, plain in _PARAMETER.findall(text)
    }


def algorithm_of(challenge: dict[str, str]) -> str:
    """`MD5` or `SHA-256`."""
    return challenge.get("algorithm", "MD5").upper()


def ha1_of(challenge: dict[str, str], user: str, password: str) -> str:
    """HA1 of RFC 7616 3.4.2 for this challenge's realm and algorithm, in hex."""
    text = f"{user}:{challenge['realm']}:{password}"
    return _HASHES[algorithm_of(challenge)](text.encode()).hexdigest()


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
    challenge: dict[str, str], method: str, uri: str, user: str, ha1: str, count: int = 1
) -> str:
    """The value of Authorization or Proxy-Authorization; `count` says how often this nonce has been used."""
    algorithm = algorithm_of(challenge)

    def h(text: str) -> str:
        return _HASHES[algorithm](text.encode()).hexdigest()

    realm, nonce = challenge["realm"], challenge["nonce"]
    ha2 = h(f"{method}:{uri}")
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
