"""Secrets that the center gives itself once and keeps: the HMAC key and the broker users' passwords."""

from __future__ import annotations

import secrets
from pathlib import Path

from cti_engine.wire.private_files import make_private_once, readable_password


def ensure_secret(path: Path, size: int = 32) -> bytes:
    """The `size` random bytes kept in `path`, made on the first call. Raises ValueError if damaged."""
    secret = make_private_once(path, secrets.token_bytes(size))
    if len(secret) != size:
        raise ValueError(f"{path} holds {len(secret)} bytes instead of {size}: remove it and start again")
    return secret


def ensure_password(path: Path) -> str:
    """The password kept in `path` (one line), made on the first call. Raises ValueError if empty."""
    password = make_private_once(path, readable_password().encode() + b"\n").decode().strip()
    if not password:
        raise ValueError(f"{path} is empty: remove it and start again")
    return password
