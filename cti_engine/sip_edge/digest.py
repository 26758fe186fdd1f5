"""Digest authentication with one challenge per account, MD5 or SHA-256, always with qop=auth (RFC 7616, 8760).

Nonces are signed, not stored; they die with the edge process. A nonce count may be used once, except by a
retransmission of the very same request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto

from cti_engine.sip_edge.accounts import Account, Accounts
from cti_engine.sip_edge.messages import SipRequest
from cti_engine.wire.sip_digest import parameters

_HASHES = {"md5": hashlib.md5, "sha-256": hashlib.sha256}
_NAMES = {"md5": "MD5", "sha-256": "SHA-256"}
_NONCES_REMEMBERED = 50_000


class Verdict(Enum):
    PASSED = auto()
    ABSENT = auto()  # no credentials for this realm: challenge
    STALE = auto()  # right password, old nonce: challenge again (RFC 7616 3.3)
    WRONG = auto()
    MALFORMED = auto()


class Digest:
    def __init__(
        self, realm: str, algorithm: str, accounts: Accounts, nonce_life: float, clock: Callable[[], float]
    ) -> None:
        self._realm = realm
        self._algorithm = algorithm
        self._accounts = accounts
        self._nonce_life = nonce_life
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._used: OrderedDict[str, tuple[int, str]] = OrderedDict()  # nonce: (highest count, by whom)

    def challenge(self, user: str, *, proxy: bool, stale: bool = False) -> tuple[str, str]:
        """The challenge header. Unknown users are challenged like known ones: nobody learns who exists."""
        account = self._accounts.get(user)
        algorithm = account.algorithm if account else self._algorithm
        value = (
            f'Digest realm="{self._realm}", nonce="{self._nonce()}", algorithm={_NAMES[algorithm]}, qop="auth"'
            + (", stale=true" if stale else "")
        )
        return ("Proxy-Authenticate" if proxy else "WWW-Authenticate"), value

    def check(self, request: SipRequest, user: str, *, proxy: bool) -> Verdict:
        """Whether the request comes from `user`, who must also be the one named in the credentials."""
        given = self._credentials(request, "Proxy-Authorization" if proxy else "Authorization")
        if given is None:
            return Verdict.ABSENT
        try:
            nonce, response, uri = given["nonce"], given["response"], given["uri"]
            count = int(given["nc"], 16)
            cnonce, named = given["cnonce"], given["username"]
        except (KeyError, ValueError):
            return Verdict.MALFORMED
        account = self._accounts.get(user)
        if account is None or account.disabled or named != user:
            return Verdict.WRONG
        algorithm = given.get("algorithm", "MD5").lower()
        if algorithm != account.algorithm or given.get("qop", "").lower() != "auth":
            return Verdict.MALFORMED
        if uri != request.uri_text:  # credentials for one destination open no other (RFC 7616 3.4.6)
            return Verdict.MALFORMED
        expected = _response(account, request.method, uri, nonce, given["nc"], cnonce)
        if not hmac.compare_digest(expected.encode(), response.lower().encode()):
            return Verdict.WRONG
        return Verdict.PASSED if self._fresh(nonce, count, request) else Verdict.STALE

    def _credentials(self, request: SipRequest, header: str) -> dict[str, str] | None:
        for value in request.headers.getlist(header):
            scheme, _, rest = value.partition(" ")
            if scheme.lower() != "digest":
                continue
            given = parameters(rest)
            if given.get("realm") == self._realm:
                return given
        return None

    def _nonce(self) -> str:
        made = f"{int(self._clock()):x}-{secrets.token_hex(6)}"
        return f"{made}-{self._mac(made)}"

    def _mac(self, made: str) -> str:
        return hmac.digest(self._key, made.encode(), "sha256")[:10].hex()

    def _fresh(self, nonce: str, count: int, request: SipRequest) -> bool:
        made, _, mac = nonce.rpartition("-")
        if not hmac.compare_digest(mac.encode(), self._mac(made).encode()):
            return False
        if self._clock() - int(made.partition("-")[0], 16) > self._nonce_life:
            return False
        by = f"{request.call_id} {request.cseq} {request.via.branch}"
        highest, last = self._used.get(nonce, (0, ""))
        if count < highest or (count == highest and by != last):
            return False
        self._used[nonce] = (count, by)
        if len(self._used) > _NONCES_REMEMBERED:
            self._used.popitem(last=False)
        return True


def _response(account: Account, method: str, uri: str, nonce: str, count: str, cnonce: str) -> str:
    digest = _HASHES[account.algorithm]
    ha2 = digest(f"{method}:{uri}".encode()).hexdigest()
    return digest(f"{account.ha1}:{nonce}:{count}:{cnonce}:auth:{ha2}".encode()).hexdigest()
