"""Profiles in Redis for a few seconds, for customers in a far database. A Redis that is away costs speed, no more.

What was written here is forgotten there at once; what another reader puts in at that very moment, after `KEPT` seconds.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

KEPT = 10
"""Seconds."""
WITHIN = 0.05
"""Seconds for an answer: more, and the database is as quick."""
REST = 5.0
"""Seconds that it is left in peace after a failure."""

_log = logging.getLogger("cti.customers")


class ProfileCache:
    """For all threads of a process."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=WITHIN, socket_connect_timeout=WITHIN, retry=Retry(NoBackoff(), 0)
        )
        self._rests_until = 0.0

    def get(self, number: str) -> dict[str, Any] | None:
        """None: not known here, or Redis is away."""
        found = self._ask(lambda: self._redis.mget("cti:profiles", _key(number)))
        if not found or found[1] is None:
            return None
        generation, _, text = found[1].partition(b" ")
        if generation != (found[0] or b"0"):
            return None
        profile: dict[str, Any] = json.loads(text)
        return profile

    def generation(self) -> bytes:
        """Asked before the database is, and given to `put`: what `forget_all` has overtaken is never believed."""
        found = self._ask(lambda: self._redis.get("cti:profiles"))
        return found if isinstance(found, bytes) else b"0"

    def put(self, number: str, profile: dict[str, Any], generation: bytes) -> None:
        text = generation + b" " + json.dumps(profile, ensure_ascii=False).encode()
        self._ask(lambda: self._redis.set(_key(number), text, ex=KEPT))

    def forget(self, numbers: Iterable[str]) -> None:
        keys = [_key(number) for number in numbers]
        if keys:
            self._ask(lambda: self._redis.delete(*keys))

    def forget_all(self) -> None:
        self._ask(lambda: self._redis.incr("cti:profiles"))

    def _ask(self, question: Any) -> Any:
        if time.monotonic() < self._rests_until:
            return None
        try:
            return question()
        except (RedisError, OSError) as error:
            self._rests_until = time.monotonic() + REST
            _log.warning("the cache of profiles is away: %s", type(error).__name__)
            return None

    def close(self) -> None:
        self._redis.close()


def _key(number: str) -> str:
    return f"cti:profile:{number}"
