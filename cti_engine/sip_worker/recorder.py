"""Records an interaction as two mono files, each fed without a gap, that become one stereo file at the end.

A message of a caller alone is one mono file; where nothing is said in it there is none.

pjmedia's recorder writes nothing while unfed, so silence flows under both sides all the time.
Every worker keeps its unfinished files in a folder that it holds a lock on; what a dead one left is finished
by the next worker that starts.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pjsua2.pjsua2 as pj

from cti_engine.core.commands import StartRecording
from cti_engine.sip_worker import stereo
from cti_engine.sip_worker.conference import Conference
from cti_engine.sip_worker.message_voice import says_something
from cti_engine.wire.tasks import spawn

SIDES = ("caller", "agent")
ALONE = SIDES[:1]
NEWBORN = 60.0
"""Seconds in which an empty folder may belong to a worker that has not locked it yet."""
_log = logging.getLogger("cti.worker")


class PartsFolder:
    """A folder of our own under `<recordings>/.parts/`, locked while this process lives."""

    def __init__(self, recordings: Path) -> None:
        self.recordings = recordings
        every = recordings / ".parts"
        every.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=every))
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def left_behind(self) -> list[tuple[str, str, float]]:
        """Finish what dead workers left: (recording, its file, seconds) of each. Blocking."""
        finished = []
        for folder in sorted(self.path.parent.iterdir()):
            if folder == self.path:
                continue
            try:
                lock = os.open(folder / "lock", os.O_RDWR)
            except OSError:
                continue  # just being made, or finished by another worker
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                finished += self._finish(folder)
            except BlockingIOError:
                continue  # its worker lives
            finally:
                os.close(lock)
        return finished

    def _finish(self, folder: Path) -> list[tuple[str, str, float]]:
        finished = []
        notes = sorted(folder.glob("*.json"))
        whole = bool(notes) or time.time() - folder.stat().st_mtime > NEWBORN
        for note in notes:
            try:
                told = json.loads(note.read_text())
                sides = [note.with_suffix(f".{side}.wav") for side in told.get("sides", SIDES)]
                for side in sides:
                    stereo.repair(side)
                path, seconds = _finished(sides, target_of(self.recordings, told["name"]))
                finished.append((str(told["recording"]), path, seconds))
            except (OSError, ValueError, KeyError) as error:
                whole = False
                _log.error("a recording in %s cannot be finished: %s", folder, error)
        if whole:
            shutil.rmtree(folder, ignore_errors=True)
        return finished

    def close(self) -> None:
        """Give the folder up; it goes away if it holds no recording any more."""
        os.close(self._lock)
        if not list(self.path.glob("*.json")):
            shutil.rmtree(self.path, ignore_errors=True)


def target_of(recordings: Path, name: str) -> Path:
    """`<recordings>/<name>.wav`. Raises ValueError when `name` leads out of the folder."""
    target = (recordings / f"{name}.wav").resolve()
    if not name or not target.is_relative_to(recordings.resolve()):
        raise ValueError(f"recording name {name!r} is not inside the recordings folder")
    return target


def _finished(sides: list[Path], target: Path) -> tuple[str, float]:
    """The file that its closed sides become, and its seconds; none of a message that says nothing. Raises OSError."""
    if len(sides) > 1:
        return str(target), stereo.interleave(sides[0], sides[1], target)
    if not says_something(sides[0]):
        return "", 0.0
    return str(target), stereo.publish(sides[0], target)


@dataclass(slots=True)
class _Recording:
    order: StartRecording
    stem: str
    recorders: dict[str, Any]
    others: tuple[str, ...]
    paused: bool = False

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(side, leg) of all that it records now; nobody while the caller talks to nobody."""
        if self.paused or (self.order.agent_leg and not self.others):
            return []
        return [(SIDES[0], self.order.caller_leg), *((SIDES[1], leg) for leg in self.others)]


def _sides(order: StartRecording) -> tuple[str, ...]:
    return SIDES if order.agent_leg else ALONE


def _port(side: str, recording: str) -> str:
    return f"{side} side of {recording}"


class Recordings:
    """The recordings of this worker. `on_ended(recording, path, seconds)`: path empty when it failed."""

    def __init__(
        self,
        conference: Conference,
        parts: PartsFolder,
        silence: Callable[[], Any],
        on_ended: Callable[[str, str, float], None],
    ) -> None:
        self._conference = conference
        self._parts = parts
        self._on_ended = on_ended
        self._running: dict[str, _Recording] = {}
        self._count = 0
        self._joining: set[asyncio.Task[None]] = set()
        conference.add("silence", silence)

    @property
    def clean(self) -> bool:
        return not self._running

    def start(self, order: StartRecording) -> None:
        """Raises ValueError when it runs already or the files cannot be made."""
        if order.recording in self._running:
            raise ValueError(f"recording {order.recording} runs already")
        target_of(self._parts.recordings, order.name)
        self._count += 1
        stem = f"{self._count:06d}"
        try:
            note = {"recording": order.recording, "name": order.name, "sides": list(_sides(order))}
            (self._parts.path / f"{stem}.json").write_text(json.dumps(note))
            recorders = {side: self._recorder(stem, side) for side in _sides(order)}
        except (OSError, pj.Error) as error:
            self._drop_files(stem)
            text = error.reason if isinstance(error, pj.Error) else str(error)
            raise ValueError(f"recording {order.recording} cannot start: {text}") from None
        others = (order.agent_leg,) if order.agent_leg else ()
        self._running[order.recording] = _Recording(order, stem, recorders, others)
        for side in _sides(order):
            self._conference.add(_port(side, order.recording), partial(recorders.get, side))
        self._connect(order.recording)

    def pause(self, recording: str, paused: bool) -> bool:
        """Silence goes on in both files while it is `paused`; False when no such recording runs."""
        running = self._running.get(recording)
        if running is None:
            return False
        running.paused = paused
        self._connect(recording)
        return True

    def record(self, recording: str, legs: tuple[str, ...]) -> bool:
        """The agent's side is these legs from now on; False when no such recording runs."""
        running = self._running.get(recording)
        if running is None:
            return False
        running.others = legs
        self._connect(recording)
        return True

    def _connect(self, recording: str) -> None:
        """Without a gap: silence is under all that is said."""
        running = self._running[recording]
        pairs = [("silence", _port(side, recording)) for side in running.recorders]
        pairs += [(leg, _port(side, recording)) for side, leg in running.pairs]
        self._conference.want(f"recording {recording}", pairs)

    def _recorder(self, stem: str, side: str) -> Any:
        recorder = pj.AudioMediaRecorder()
        recorder.createRecorder(str(self._parts.path / f"{stem}.{side}.wav"))
        return recorder

    def stop(self, recording: str) -> bool:
        """Close and join the files in the background; False when no such recording runs."""
        running = self._running.pop(recording, None)
        if running is None:
            return False
        for side in running.recorders:
            self._conference.remove(_port(side, recording))
        self._conference.want(f"recording {recording}", ())
        running.recorders.clear()  # destroys them: the media thread closes the files
        task = spawn(self._join(running), f"join {recording}")
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)
        return True

    def stop_messages(self, leg: str) -> None:
        """The caller who spoke is gone."""
        for recording, running in list(self._running.items()):
            if running.order.caller_leg == leg and not running.order.agent_leg:
                self.stop(recording)

    def stop_all(self) -> None:
        for recording in list(self._running):
            self.stop(recording)

    async def joined(self) -> None:
        """Wait until every stopped recording has been written."""
        if self._joining:
            await asyncio.wait(self._joining)

    async def _join(self, recording: _Recording) -> None:
        order = recording.order
        sides = [self._parts.path / f"{recording.stem}.{side}.wav" for side in _sides(order)]
        target = target_of(self._parts.recordings, order.name)
        try:
            closed = await asyncio.to_thread(stereo.wait_closed, tuple(sides))
            if not closed:
                _log.error("recording %s was not closed in time; it may be short", order.recording)
            path, seconds = await asyncio.to_thread(_finished, sides, target)
        except OSError as error:
            _log.error("recording %s is lost or short: %s", order.recording, error)
            self._on_ended(order.recording, "", 0.0)
            return
        self._drop_files(recording.stem)
        self._on_ended(order.recording, path, seconds)

    def _drop_files(self, stem: str) -> None:
        for path in self._parts.path.glob(f"{stem}.*"):
            path.unlink(missing_ok=True)
