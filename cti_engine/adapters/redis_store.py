"""The Store port on Redis: one `write` is one script call, so one round trip, whole or not at all.

Keys: `cti:meta` (numbers), `cti:rows` (hash of `kind:id`), `cti:events` (stream, entry `seq-0`),
`cti:events_of` (contact and seq, by name), `cti:commands`, `cti:cdrs` and `cti:cdrs_by_time`. A write of an
epoch older than the stored one is refused. Redis must keep an append-only file: it is the record.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.retry import Retry

from cti_engine.ports import Batch, Loaded, StoredCommand, StoredEvent, StoreTaken, StoreUnavailable

SCHEMA_VERSION = 1
TIMEOUT = 2.0  # seconds for an answer; the engine goes on from memory meanwhile

_META, _ROWS, _EVENTS, _EVENTS_OF = "cti:meta", "cti:rows", "cti:events", "cti:events_of"
_COMMANDS, _CDRS, _CDRS_BY_TIME = "cti:commands", "cti:cdrs", "cti:cdrs_by_time"
_KEYS = (_META, _ROWS, _EVENTS, _EVENTS_OF, _COMMANDS, _CDRS, _CDRS_BY_TIME)

# Redis does not undo a script that fails half-way, so everything that can be refused is checked before the
# first write command. Arguments: epoch, published_to or '', then six lists, each with its length in front.
_WRITE = """
local meta, rows, events, events_of, commands, cdrs, cdrs_by_time = unpack(KEYS)
local at = 2
local function list(width)
  local length, first = tonumber(ARGV[at + 1]), at + 2
  at = at + 1 + length * width
  local i = first - width
  return function() i = i + width; if i <= at then return i end end, length, first
end
local epoch = tonumber(redis.call('HGET', meta, 'epoch') or '0')
if epoch ~= tonumber(ARGV[1]) then return redis.error_reply('EPOCH ' .. epoch) end

local each, length, first = list(5)
local last = tonumber(redis.call('HGET', meta, 'last_seq') or '0')
if length > 0 and tonumber(ARGV[first]) > last + 1 then return redis.error_reply('GAP ' .. last) end
for i in each do
  if tonumber(ARGV[i]) > last then break end
  local old = redis.call('XRANGE', events, ARGV[i] .. '-0', ARGV[i] .. '-0')[1]
  for field = 1, 4 do
    if not old or old[2][field * 2] ~= ARGV[i + field] then
      return redis.error_reply('CHANGED ' .. ARGV[i])
    end
  end
end
at = 2
for i in list(5) do
  if tonumber(ARGV[i]) > last then
    redis.call('XADD', events, ARGV[i] .. '-0',
               'at', ARGV[i + 1], 'event', ARGV[i + 2], 'contact', ARGV[i + 3], 'data', ARGV[i + 4])
    if ARGV[i + 3] ~= '' then
      redis.call('ZADD', events_of, 0, ARGV[i + 3] .. '\\0' .. string.format('%016d', ARGV[i]))
    end
    last = tonumber(ARGV[i])
  end
end
if length > 0 then redis.call('HSET', meta, 'last_seq', string.format('%d', last)) end
for i in list(2) do redis.call('HSET', rows, ARGV[i], ARGV[i + 1]) end
for i in list(1) do redis.call('HDEL', rows, ARGV[i]) end
local last_command = tonumber(redis.call('HGET', meta, 'last_command') or '0')
local newest = last_command
for i in list(2) do
  redis.call('HSET', commands, ARGV[i], ARGV[i + 1])
  newest = math.max(newest, tonumber(ARGV[i]))
end
if newest > last_command then redis.call('HSET', meta, 'last_command', string.format('%d', newest)) end
for i in list(1) do redis.call('HDEL', commands, ARGV[i]) end
for i in list(3) do
  redis.call('HSET', cdrs, ARGV[i], ARGV[i + 2])
  redis.call('ZADD', cdrs_by_time, ARGV[i + 1], ARGV[i])
end
if ARGV[2] ~= '' then redis.call('HSET', meta, 'published_to', ARGV[2]) end
"""

_T = TypeVar("_T")
_Argument = str | bytes | int | float
_log = logging.getLogger("cti.store")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_command = msgspec.json.Decoder(tuple[str, str, dict[str, Any]]).decode


class RedisStore:
    """`url` is `redis://`, `rediss://` or `unix://`, one server (no cluster).

    Raises StoreUnavailable when the server cannot be used; the text says what to do and hides the password.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        parts = urlsplit(url)
        self._where = f"Redis at {parts.netloc.rpartition('@')[2]}{parts.path}"
        self._read_only = read_only
        self._epoch = 0
        try:
            self._redis = redis.Redis.from_url(
                url,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                retry=Retry(NoBackoff(), 1),  # for a connection that died idle; a batch may be repeated
            )
        except ValueError as error:
            # not the error's text: it may quote a part of the password
            raise StoreUnavailable(f"{self._where}: the URL is not one of Redis") from error
        self._write = self._redis.register_script(_WRITE)
        self._last_seq = 0
        self._guard(self._open)

    def _open(self) -> None:
        if not self._read_only:
            self._redis.hsetnx(_META, "schema", str(SCHEMA_VERSION))
            self._warn_without_append_only_file()
        version = self._meta("schema")
        if version == 0:
            raise StoreUnavailable(f"{self._where} holds no center yet: start the engine first")
        if version > SCHEMA_VERSION:
            raise StoreUnavailable(
                f"{self._where} was filled by a newer cti-engine (schema {version}, this one knows "
                f"{SCHEMA_VERSION}): run that version, or name another database"
            )
        self._epoch = self._meta("epoch")
        self._last_seq = self._meta("last_seq")

    def _warn_without_append_only_file(self) -> None:
        try:
            answer: Any = self._redis.config_get("appendonly")
        except ResponseError:  # hosted servers forbid CONFIG; theirs is theirs to say
            return
        if answer.get("appendonly") == "no":
            _log.warning(
                "%s keeps no append-only file: calls are lost with it; set `appendonly yes`", self._where
            )

    def _guard(self, work: Callable[[], _T]) -> _T:
        """Run `work`; what Redis complains of becomes one line that says what to do."""
        try:
            return work()
        except AuthenticationError as error:
            raise StoreUnavailable(f"{self._where} refuses the password in CTI_STORE_URL") from error
        except ResponseError as error:
            raise StoreUnavailable(f"{self._where} refuses: {error}") from error
        except (RedisError, OSError) as error:
            raise StoreUnavailable(
                f"{self._where} does not answer: start it, or correct CTI_STORE_URL ({error})"
            ) from error

    def _meta(self, key: str) -> int:
        value: Any = self._redis.hget(_META, key)
        return int(value or 0)

    def open_epoch(self) -> int:
        self._epoch = self._guard(lambda: int(self._redis.hincrby(_META, "epoch", 1)))
        return self._epoch

    def load(self) -> Loaded:
        def work() -> Loaded:
            pipe = self._redis.pipeline(transaction=True)
            for key in (_ROWS, _COMMANDS, _META):
                pipe.hgetall(key)
            rows, commands, meta = pipe.execute()
            return Loaded(
                rows={_row_key(key): _decode(doc) for key, doc in rows.items()},
                commands=sorted(
                    (StoredCommand(int(seq), *_decode_command(body)) for seq, body in commands.items()),
                    key=lambda command: command.seq,
                ),
                last_seq=int(meta.get(b"last_seq", 0)),
                last_command=int(meta.get(b"last_command", 0)),
                published_to=int(meta.get(b"published_to", 0)),
            )

        return self._guard(work)

    def write(self, batch: Batch) -> None:
        if self._read_only:
            raise StoreUnavailable(f"{self._where} was opened to read only")
        arguments = self._arguments(batch)
        try:
            self._guard(lambda: self._write(keys=_KEYS, args=arguments))
        except StoreUnavailable as error:
            self._refused(batch.events, error)
        if batch.events:
            self._last_seq = max(self._last_seq, batch.events[-1].seq)

    def _refused(self, events: Sequence[StoredEvent], error: StoreUnavailable) -> None:
        """Say what the script's refusal means; anything else is raised as it is."""
        word, _, value = str(error.__cause__).partition(" ")
        if word == "EPOCH" and int(value) > self._epoch:
            raise StoreTaken(
                f"{self._where} has epoch {value}, this engine {self._epoch}: another engine took over; "
                "this one must stop"
            ) from error
        if word == "CHANGED":
            raise ValueError(f"event {value} is stored already, and differs") from error
        if word == "GAP" and events[0].seq > self._last_seq + 1:
            raise ValueError(f"event {events[0].seq} stands where {int(value) + 1} is due") from error
        if word in ("EPOCH", "GAP"):
            raise StoreUnavailable(
                f"{self._where} has lost what was written to it: set `appendonly yes` there and "
                "restart the engine"
            ) from error
        raise error

    def _arguments(self, batch: Batch) -> list[_Argument]:
        events: list[_Argument] = []
        for event, seq in zip(
            batch.events, itertools.count(batch.events[0].seq if batch.events else 0), strict=False
        ):
            if event.seq != seq:
                raise ValueError(f"event {event.seq} stands where {seq} is due")
            events += (seq, repr(event.at), event.event, event.contact, _encode(event.data))
        kept: list[_Argument] = []
        gone: list[_Argument] = []
        cdrs: list[_Argument] = []
        for (kind, id_), doc in batch.rows.items():
            if kind == "cdr":
                if doc is None:
                    raise ValueError(f"cdr {id_} may not be deleted")
                cdrs += (id_, repr(float(doc["ended_at"])), _encode(doc))
            elif doc is None:
                gone.append(f"{kind}:{id_}")
            else:
                kept += (f"{kind}:{id_}", _encode(doc))
        commands: list[_Argument] = []
        for command in batch.commands:
            commands += (command.seq, _encode((command.peer, command.type, command.body)))
        published_to = "" if batch.published_to is None else batch.published_to
        return [
            self._epoch, published_to,
            len(batch.events), *events,
            len(kept) // 2, *kept,
            len(gone), *gone,
            len(batch.commands), *commands,
            len(batch.commands_done), *batch.commands_done,
            len(cdrs) // 3, *cdrs,
        ]  # fmt: skip

    def events_since(self, seq: int, limit: int = 1000) -> list[StoredEvent]:
        def work() -> list[StoredEvent]:
            entries: Any = self._redis.xrange(_EVENTS, min=f"({seq}-0", count=limit)
            return [_event(*entry) for entry in entries]

        return self._guard(work)

    def events_of(self, contact: str) -> list[StoredEvent]:
        def work() -> list[StoredEvent]:
            names: Any = self._redis.zrangebylex(_EVENTS_OF, f"[{contact}\0", f"({contact}\1")
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                id_ = f"{int(name[-16:])}-0"
                pipe.xrange(_EVENTS, id_, id_)
            return [_event(*entries[0]) for entries in pipe.execute() if entries]

        return self._guard(work)

    def cdrs(self, since: float = 0.0, until: float | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        def work() -> list[dict[str, Any]]:
            before = "+inf" if until is None else f"({until!r}"
            ids: Any = self._redis.zrangebyscore(_CDRS_BY_TIME, repr(since), before, start=0, num=limit)
            docs: Any = self._redis.hmget(_CDRS, ids) if ids else []
            return [_decode(doc) for doc in docs]

        return self._guard(work)

    def prune_events(self, before: float, limit: int = 5000) -> int:
        """Never forgets an event that is not yet published, nor the last one."""

        def work() -> int:
            bound = min(self._meta("published_to"), self._meta("last_seq") - 1)
            entries: Any = self._redis.xrange(_EVENTS, max=f"{max(bound, 0)}-0", count=limit)
            old = list(itertools.takewhile(lambda event: event.at < before, (_event(*e) for e in entries)))
            if old:
                pipe = self._redis.pipeline(transaction=True)
                pipe.xtrim(_EVENTS, minid=f"{old[-1].seq + 1}-0", approximate=False)
                pipe.zrem(_EVENTS_OF, *(f"{event.contact}\0{event.seq:016d}" for event in old))
                pipe.execute()
            return len(old)

        return self._guard(work)

    def close(self) -> None:
        self._redis.close()


def _row_key(field: bytes) -> tuple[str, str]:
    kind, _, id_ = field.decode().partition(":")
    return kind, id_


def _event(id_: bytes, fields: dict[bytes, bytes]) -> StoredEvent:
    return StoredEvent(
        seq=int(id_.partition(b"-")[0]),
        at=float(fields[b"at"]),
        event=fields[b"event"].decode(),
        contact=fields[b"contact"].decode(),
        data=_decode(fields[b"data"]),
    )
