"""REFER (RFC 3515): read, and answered before pjsua2 looks at it, for what pjsua2 accepts it dials by itself.

pjsua2 offers no way to answer 202 and dial nothing. But it tells of a request first, and then passes over one whose
transaction has its answer; so the answer is sent there, by two functions of pjsip that the wheel exports. Only SIP
URIs of ours and telephone numbers are taken, with Replaces as their only header: nothing else of a Refer-To is used.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pjsua2 import _pjsua2

from cti_engine.sip_worker.sip_text import Headers, one_line, split_address

_pjsip = ctypes.PyDLL(_pjsua2.__file__)  # keeps the GIL, for pjsip calls Python back meanwhile
_POINTER = ctypes.c_void_p
_pjsip.pjsip_rdata_get_dlg.argtypes = [_POINTER]
_pjsip.pjsip_rdata_get_dlg.restype = _POINTER
_pjsip.pjsip_dlg_respond.argtypes = [_POINTER, _POINTER, ctypes.c_int, _POINTER, _POINTER, _POINTER]
_pjsip.pjsip_dlg_respond.restype = ctypes.c_int

LONGEST_TARGET = 64
_SIP = re.compile(
    r"sips?:([^@:;?]+)(?::[^@]*)?@(\[[^\]]+\]|[^:;?]+)(?::[0-9]+)?((?:;[^;?]*)*)(?:\?(.*))?", re.I
)
_TEL = re.compile(r"tel:(\+?[0-9*#.()-]+)((?:;[^;?]*)*)(?:\?(.*))?", re.I)
_VISUAL = str.maketrans("", "", "-.()")
_TAGS = re.compile(r";\s*(to-tag|from-tag)\s*=\s*([^;\s]+)", re.I)
PHRASES = {
    100: "Trying", 200: "OK", 403: "Forbidden", 404: "Not Found", 480: "Temporarily Unavailable", 486: "Busy Here",
    487: "Request Terminated", 503: "Service Unavailable", 603: "Decline",
}  # fmt: skip


class Unacceptable(Exception):
    """What a REFER asks for is not done; `code` is the answer."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Replaced:
    """The dialog that a Replaces names (RFC 3891); the tags are of both sides, in no order."""

    call_id: str
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Referral:
    """`target`: the number or user that the phone wants called; `id`: what its NOTIFYs name (RFC 3515 2.4.6)."""

    target: str
    replaced: Replaced | None
    id: str


def read(headers: Headers, is_ours: Callable[[str], bool]) -> Referral:
    """`is_ours(host)` says whether a SIP URI there is one of this center. Raises Unacceptable."""
    found = headers.each("refer-to")
    if len(found) != 1:
        raise Unacceptable(400, f"{len(found)} Refer-To")
    uri = split_address(found[0])[1] if "<" in found[0] else found[0]
    sip, tel = _SIP.fullmatch(uri), _TEL.fullmatch(uri)
    if sip is not None:
        user, host, parameters, query = sip.groups()
        if not is_ours(host.lower()):
            raise Unacceptable(603, "a target in another domain")
    elif tel is not None:
        user, parameters, query = tel.group(1).translate(_VISUAL), tel.group(2), tel.group(3)
    else:
        raise Unacceptable(603, "a target that is no SIP address and no number")
    method = re.search(r";method=([^;]*)", parameters, re.I)
    if method is not None and method.group(1).upper() != "INVITE":
        raise Unacceptable(603, "a method that is not INVITE")
    target = unquote(user)
    if one_line(target) != target or len(target) > LONGEST_TARGET:
        raise Unacceptable(400, "a target that cannot be dialled")
    return Referral(target, _replaced(query or ""), headers.get("cseq").partition(" ")[0])


def _replaced(query: str) -> Replaced | None:
    """Of the header part of the URI."""
    replaced = None
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name.lower() == "require" and unquote(value).lower() == "replaces":
            continue
        if name.lower() != "replaces" or replaced is not None:
            raise Unacceptable(603, "headers in the target")
        text = unquote(value)
        tags = frozenset(tag for _, tag in _TAGS.findall(text))
        if len(tags) != 2 or one_line(text) != text:
            raise Unacceptable(400, "a Replaces that names no dialog")
        replaced = Replaced(text.partition(";")[0].strip(), tags)
    return replaced


def answer(rdata: Any, code: int) -> bool:
    """Answer the request that a callback tells of, in its dialog; whether that could be done."""
    request = int(rdata.pjRxData)
    dialog = _pjsip.pjsip_rdata_get_dlg(request)
    return bool(dialog) and _pjsip.pjsip_dlg_respond(dialog, request, code, None, None, None) == 0
