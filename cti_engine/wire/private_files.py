"""Files that hold secrets: mode 0600 from the first byte, replaced whole, never half written."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # no i, l, o, 0, 1: they are mistaken for one another
_GROUPS, _LETTERS = 4, 5


def readable_password() -> str:
    """Four groups of five letters (99 bits), fit to be read from paper and typed into a phone."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(_LETTERS)) for _ in range(_GROUPS))


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` at once with `content`, readable by its owner only. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def make_private_once(path: Path, content: bytes) -> bytes:
    """Write `content` if there is no `path` yet, and return what stands there.

    Two processes that start together agree on one content: the hard link is made by only one of them.
    """
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.new")
        write_private(draft, content)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # the other process was first: its content counts
        finally:
            draft.unlink(missing_ok=True)
    return path.read_bytes()
