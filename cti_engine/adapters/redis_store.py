"""The Store port on Redis: one `write` is one script call, so one round trip, whole or not at all.

Keys: `cti:meta` (numbers), `cti:rows` (hash of `kind:id`), `cti:events` (stream, entry `seq-0`),
`cti:events_of` (contact and seq, by name), `cti:commands`, `cti:cdrs`, `cti:cdrs_by_time` and
`cti:cdrs_of:AGENT`; `cti:events_anew` (set by seq) has the events that were replaced, which a stream does not allow.
A write of an epoch older than the stored one is refused. Redis must keep an append-only file: it
is the record.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.retry import Retry

from cti_engine.core.reporting.cdr import agents_in
from cti_engine.ports import (
    Batch,
    Loaded,
    StoredCommand,
    StoredEvent,
    StoreOfOtherVersion,
    StoreTaken,
    StoreUnavailable,
)

SCHEMA_VERSION = 2
ENDED_AT_ONCE = 100  # contacts of one agent that may have ended in one moment
TIMEOUT = 2.0  # seconds for an answer; the engine goes on from memory meanwhile

_META, _ROWS, _EVENTS, _EVENTS_OF = "cti:meta", "cti:rows", "cti:events", "cti:events_of"
_COMMANDS, _CDRS, _CDRS_BY_TIME = "cti:commands", "cti:cdrs", "cti:cdrs_by_time"
_EVENTS_ANEW = "cti:events_anew"
_CDRS_OF = "cti:cdrs_of:"  # and the agent
_KEYS = (_META, _ROWS, _EVENTS, _EVENTS_OF, _COMMANDS, _CDRS, _CDRS_BY_TIME)

# The batch comes as one msgpack value (`_Packed`). Redis does not undo a script that fails half-way, so
# everything that can be refused is checked before the first write command.
_WRITE = """
local meta, rows, events, events_of, commands, cdrs, cdrs_by_time = unpack(KEYS)
local b = cmsgpack.unpack(ARGV[1])
local stored = redis.call('HMGET', meta, 'epoch', 'last_seq', 'last_command')
local epoch, last, last_command = tonumber(stored[1] or 0), tonumber(stored[2] or 0), tonumber(stored[3] or 0)
local function entry(seq) return string.format('%d-0', seq) end

if epoch ~= b.epoch then return redis.error_reply('EPOCH ' .. epoch) end
if b.events[1] and b.events[1][1] > last + 1 then return redis.error_reply('GAP ' .. last) end
for _, e in ipairs(b.events) do
  if e[1] > last then break end
  local old = redis.call('XRANGE', events, entry(e[1]), entry(e[1]))[1]
  for field = 1, 4 do
    if not old or old[2][field * 2] ~= e[field + 1] then return redis.error_reply('CHANGED ' .. e[1]) end
  end
end

for _, e in ipairs(b.events) do
  local seq, at, event, contact, data = unpack(e)
  if seq > last then
    redis.call('XADD', events, entry(seq), 'at', at, 'event', event, 'contact', contact, 'data', data)
    if contact ~= '' then redis.call('ZADD', events_of, 0, contact .. string.format('\\0%016d', seq)) end
    last = seq
  end
end
if b.events[1] then redis.call('HSET', meta, 'last_seq', string.format('%d', last)) end
for _, row in ipairs(b.kept) do redis.call('HSET', rows, row[1], row[2]) end
for _, field in ipairs(b.gone) do redis.call('HDEL', rows, field) end
local newest = last_command
for _, command in ipairs(b.commands) do
  redis.call('HSET', commands, command[1], command[2])
  newest = math.max(newest, command[1])
end
if newest > last_command then redis.call('HSET', meta, 'last_command', string.format('%d', newest)) end
for _, seq in ipairs(b.done) do redis.call('HDEL', commands, seq) end
for _, cdr in ipairs(b.cdrs) do
  redis.call('HSET', cdrs, cdr[1], cdr[3])
  redis.call('ZADD', cdrs_by_time, cdr[2], cdr[1])
  for _, agent in ipairs(cdr[4]) do redis.call('ZADD', 'cti:cdrs_of:' .. agent, cdr[2], cdr[1]) end
end
if b.published_to >= 0 then redis.call('HSET', meta, 'published_to', string.format('%d', b.published_to)) end
"""


class _Packed(msgspec.Struct):
    """A batch for the script. Times are text, so that Lua does not round them; its msgpack knows no bytes."""

    epoch: int
    events: list[tuple[int, str, str, str, str]]
    kept: list[tuple[str, str]]
    gone: list[str]
    commands: list[tuple[int, str]]
    done: Sequence[int]
    cdrs: list[tuple[str, str, str, list[str]]]
    published_to: int  # -1: unchanged


_T = TypeVar("_T")
_log = logging.getLogger("cti.store")
_json = msgspec.json.Encoder()
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_event = msgspec.json.Decoder(StoredEvent).decode
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

    @property
    def where(self) -> str:
        return self._where

    @property
    def to_move_away(self) -> str:
        return "Name another database in CTI_STORE_URL (redis://HOST/1), and start."

    def _open(self) -> None:
        if not self._read_only:
            self._redis.hsetnx(_META, "schema", str(SCHEMA_VERSION))
            self._warn_without_append_only_file()
        version = self._meta("schema")
        if version == 0:
            raise StoreUnavailable(f"{self._where} holds no center yet: start the engine first")
        if version > SCHEMA_VERSION:
            raise StoreOfOtherVersion(
                f"{self._where} was filled by a newer cti-engine (schema {version}, this one knows "
                f"{SCHEMA_VERSION}): run that version, or name another database"
            )
        if version == 1 and not self._read_only:
            self._note_whose_cdrs()
        self._epoch = self._meta("epoch")
        self._last_seq = self._meta("last_seq")

    def _note_whose_cdrs(self) -> None:
        """From schema 1: whose contacts they were is found by a set for each agent."""
        for id_, doc in self._redis.hscan_iter(_CDRS):
            record = _decode(doc)
            for agent in agents_in(record):
                self._redis.zadd(_CDRS_OF + agent, {id_: float(record["ended_at"])})
        self._redis.hset(_META, "schema", str(SCHEMA_VERSION))

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
        packed = self._packed(batch)
        try:
            self._guard(lambda: self._write(keys=_KEYS, args=(packed,)))
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

    def _packed(self, batch: Batch) -> bytes:
        due = itertools.count(batch.events[0].seq if batch.events else 0)
        for event, seq in zip(batch.events, due, strict=False):
            if event.seq != seq:
                raise ValueError(f"event {event.seq} stands where {seq} is due")
        kept: list[tuple[str, str]] = []
        gone: list[str] = []
        cdrs: list[tuple[str, str, str, list[str]]] = []
        for (kind, id_), doc in batch.rows.items():
            if kind == "cdr":
                if doc is None:
                    raise ValueError(f"cdr {id_} may not be deleted")
                cdrs.append((id_, repr(float(doc["ended_at"])), _encode(doc), agents_in(doc)))
            elif doc is None:
                gone.append(f"{kind}:{id_}")
            else:
                kept.append((f"{kind}:{id_}", _encode(doc)))
        packed = _Packed(
            epoch=self._epoch,
            events=[(e.seq, repr(e.at), e.event, e.contact, _encode(e.data)) for e in batch.events],
            kept=kept,
            gone=gone,
            commands=[(c.seq, _encode((c.peer, c.type, c.body))) for c in batch.commands],
            done=batch.commands_done,
            cdrs=cdrs,
            published_to=-1 if batch.published_to is None else batch.published_to,
        )
        return msgspec.msgpack.encode(packed)

    def events_since(self, seq: int, limit: int = 1000) -> list[StoredEvent]:
        def work() -> list[StoredEvent]:
            return self._some(f"({seq}-0", "+", f"({seq}", "+inf", limit)

        return self._guard(work)

    def _some(self, begin: str, end: str, above: str, to: str, limit: int) -> list[StoredEvent]:
        """The first of a part of the log: as the stream has it, and what was replaced (by score). Asked in this order,
        what is replaced in between is in one answer at least; a transaction would be refused by a full Redis.
        """
        pipe = self._redis.pipeline(transaction=False)
        pipe.xrange(_EVENTS, begin, end, count=limit)
        pipe.zrangebyscore(_EVENTS_ANEW, above, to, start=0, num=limit)
        entries, anew = pipe.execute()
        found = [_event(*entry) for entry in entries]
        if not anew:
            return found
        by_seq = {event.seq: event for event in (*found, *map(_decode_event, anew))}
        return [by_seq[seq] for seq in sorted(by_seq)][:limit]

    def replace_events(self, events: Sequence[StoredEvent]) -> None:
        """Whole or not at all; refused when another engine has taken over."""
        seqs = [event.seq for event in events]
        if not seqs:
            return
        stored = {event.seq: event for seq in seqs for event in self._guard(partial(self._at, seq))}

        def work() -> None:
            if self._read_only or self._meta("epoch") != self._epoch:
                raise StoreTaken(f"{self._where} is another engine's")
            pipe = self._redis.pipeline(transaction=True)
            for event in events:
                if event.seq in stored:
                    pipe.zremrangebyscore(_EVENTS_ANEW, event.seq, event.seq)
                    pipe.zadd(_EVENTS_ANEW, {_json.encode(event): event.seq})
                    pipe.xdel(_EVENTS, f"{event.seq}-0")
            pipe.execute()

        self._guard(work)

    def _at(self, seq: int) -> list[StoredEvent]:
        return self._some(f"{seq}-0", f"{seq}-0", str(seq), str(seq), 1)

    @property
    def to_compact(self) -> bool:
        """What is replaced is gone from memory at once, and from the append-only file when Redis writes it anew."""
        return False

    def compact(self) -> None:
        """Ask Redis to write its append-only file anew; hosted servers forbid that, and do it by themselves."""
        try:
            self._redis.bgrewriteaof()
        except ResponseError as error:
            _log.info("%s does not write its file anew when asked: %s", self._where, error)
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"{self._where} does not answer") from error

    def events_of(self, contact: str) -> list[StoredEvent]:
        def work() -> list[StoredEvent]:
            names: Any = self._redis.zrangebylex(_EVENTS_OF, f"[{contact}\0", f"({contact}\1")
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                seq = int(name[-16:])
                pipe.xrange(_EVENTS, f"{seq}-0", f"{seq}-0")
                pipe.zrangebyscore(_EVENTS_ANEW, seq, seq)
            answers = pipe.execute()
            return [
                _event(*entries[0]) if entries else _decode_event(anew[0])
                for entries, anew in zip(answers[::2], answers[1::2], strict=True)
                if entries or anew
            ]

        return self._guard(work)

    def cdrs(self, since: float = 0.0, until: float | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        def work() -> list[dict[str, Any]]:
            before = "+inf" if until is None else f"({until!r}"
            ids: Any = self._redis.zrangebyscore(_CDRS_BY_TIME, repr(since), before, start=0, num=limit)
            docs: Any = self._redis.hmget(_CDRS, ids) if ids else []
            return [_decode(doc) for doc in docs]

        return self._guard(work)

    def cdrs_of(
        self, agent: str, since: float, before: tuple[float, str], limit: int = 1000
    ) -> list[dict[str, Any]]:
        def work() -> list[dict[str, Any]]:
            most = "+inf" if before[0] == inf else repr(before[0])
            found: Any = self._redis.zrevrangebyscore(
                _CDRS_OF + agent, most, repr(since), start=0, num=limit + ENDED_AT_ONCE, withscores=True
            )
            ids = [id_ for id_, ended_at in found if (ended_at, id_.decode()) < before][:limit]
            docs: Any = self._redis.hmget(_CDRS, ids) if ids else []
            return [_decode(doc) for doc in docs]

        return self._guard(work)

    def prune_events(self, before: float, limit: int = 5000) -> int:
        """Never forgets an event that is not yet published, nor the last one."""

        def work() -> int:
            bound = min(self._meta("published_to"), self._meta("last_seq") - 1)
            entries = self._some("-", f"{max(bound, 0)}-0", "-inf", str(max(bound, 0)), limit)
            old = list(itertools.takewhile(lambda event: event.at < before, entries))
            if old:
                pipe = self._redis.pipeline(transaction=True)
                pipe.xtrim(_EVENTS, minid=f"{old[-1].seq + 1}-0", approximate=False)
                pipe.zremrangebyscore(_EVENTS_ANEW, "-inf", old[-1].seq)
                pipe.zrem(_EVENTS_OF, *(f"{event.contact}\0{event.seq:016d}" for event in old))
                pipe.execute()
            return len(old)

        return self._guard(work)

    def close(self) -> None:
        self._redis.close()


def _encode(value: object) -> str:
    return _json.encode(value).decode()


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
