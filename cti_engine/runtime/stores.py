"""Which store a URL names: `sqlite:` or `redis://` (architecture decision 5)."""

from __future__ import annotations

from pathlib import Path

from cti_engine.adapters.sqlite_store import SqliteStore
from cti_engine.ports import Store, StoreUnavailable
from cti_engine.runtime.databases import ENGINE_DB


def sqlite_file(url: str, folder: Path = Path("var")) -> Path | None:
    """Where the store stands, if it is a file of SQLite, which need not be there yet."""
    scheme, _, rest = url.partition(":")
    if scheme != "sqlite":
        return None
    return Path(rest.removeprefix("//")) if rest.removeprefix("//") else folder / ENGINE_DB


def open_store(
    url: str, *, read_only: bool = False, folder: Path = Path("var"), synchronous: str = "NORMAL"
) -> Store:
    """`sqlite:` is `engine.db` in `folder`, `sqlite:PATH` another file; `redis://`, `rediss://`, `unix://`.

    Raises StoreUnavailable or StoreTaken, with a line that says what to do.
    """
    scheme = url.partition(":")[0]
    path = sqlite_file(url, folder)
    if path is not None:
        return SqliteStore(path, read_only=read_only, synchronous=synchronous)
    if scheme in ("redis", "rediss", "unix"):
        from cti_engine.adapters.redis_store import RedisStore  # 5 MB in every process that never needs it

        return RedisStore(url, read_only=read_only)
    raise StoreUnavailable(
        f"CTI_STORE_URL begins with {scheme[:20]!r}: sqlite:, redis:// and rediss:// are known"
    )
