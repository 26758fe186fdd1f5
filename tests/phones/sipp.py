"""sipp as caller, agent or trunk: a scenario, its variables, and what its own statistics say afterwards."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.phones.child import Child
from tests.phones.ports import HOST, bound, free_port, free_ports
from tests.phones.waiting import until

SCENARIOS = Path(__file__).with_name("scenarios")


@dataclass(frozen=True, slots=True)
class SippFigures:
    """The last line of sipp's statistics file. `failures` counts by sipp's own names, only those that happened.

    `seconds` is from its start to its end; `answered_ms` the mean from INVITE to 200.
    """

    created: int
    successful: int
    failed: int
    retransmissions: int
    seconds: float
    answered_ms: float
    failures: dict[str, int]


class Sipp:
    """One run of a scenario of `tests/phones/scenarios/` (or any path); `async with` starts and ends it.

    `to` is host:port for a caller and empty for a scenario that waits; `number` is what is dialled, `ani` and
    `name` who dials; with `password`, `number` is the account to register. `talk` and `ring` are seconds,
    `keys` fill further `[names]` of the scenario.
    `calls` ends it after so many, `rate` is calls per second, `at_once` the most in progress.
    `play` is a pcap (see media.py) for scenarios with a `play_pcap_audio`; it needs a raw socket, hence root.
    """

    def __init__(
        self,
        scenario: str | Path,
        folder: Path,
        *,
        to: str = "",
        number: str = "s",
        ani: str = "+12135550100",
        name: str = "",
        talk: float = 3.0,
        ring: float = 0.0,
        password: str = "",
        keys: Mapping[str, str] | None = None,
        lines: Path | None = None,
        calls: int = 0,
        rate: float = 1.0,
        at_once: int = 0,
        host: str = HOST,
        port: int = 0,
        transport: str = "udp",
        play: Path | None = None,
        time_out: float = 120.0,
        trace: bool = True,
        extra: tuple[str, ...] = (),
    ) -> None:
        path = scenario if isinstance(scenario, Path) else SCENARIOS / f"{scenario}.xml"
        self.host = host
        self.port = port or free_port()
        self.media_port = free_ports(4)
        self.folder = folder
        self._calls_out = bool(to)
        self._statistics = folder / "statistics.csv"
        self._time_out = time_out
        argv = ["sipp", *([to] if to else []), "-sf", str(path), "-s", number, "-nostdin"]
        argv += ["-i", host, "-p", str(self.port), "-mi", host, "-mp", str(self.media_port)]
        argv += ["-t", "u1" if transport == "udp" else "t1"]
        argv += ["-r", f"{rate:g}"] if rate >= 1 else ["-r", "1", "-rp", str(round(1000 / rate))]
        argv += ["-trace_stat", "-stf", str(self._statistics), "-fd", "1"]
        argv += ["-trace_err", "-error_file", str(folder / "errors.log")]
        argv += ["-trace_msg", "-message_file", str(folder / "messages.log")] if trace else []
        argv += ["-m", str(calls)] if calls else []
        argv += ["-l", str(at_once)] if at_once else []
        argv += ["-timeout", f"{time_out:g}s", "-timeout_error", *extra]
        argv += ["-au", number, "-ap", password] if password else []
        argv += ["-inf", str(lines)] if lines is not None else []
        for key, value in {"ani": ani, "name": name, **(keys or {})}.items():
            argv += ["-key", key, value]
        known = path.read_text()
        for variable, seconds in (("talk_ms", talk), ("ring_ms", ring)):
            if variable in known:  # sipp refuses to set what the scenario does not declare
                argv += ["-set", variable, str(round(seconds * 1000))]
        if play is not None:
            # sipp reads the name from the scenario alone, so the pcap is put where every scenario looks for it.
            folder.mkdir(parents=True, exist_ok=True)
            link = folder / "media.pcap"
            link.unlink(missing_ok=True)
            link.symlink_to(play)
        self._child = Child(
            argv, folder, name=f"sipp-{path.stem}", env={"TERM": "dumb"}, as_root=play is not None
        )

    async def start(self) -> Sipp:
        """Started; a scenario that waits is listening."""
        await self._child.start()
        if not self._calls_out:
            await until(lambda: bound(self.port), f"sipp listening on {self.port}: {self._child.log()}")
        return self

    async def __aenter__(self) -> Sipp:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        await self._child.stop()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        return self._child.pid

    async def finished(self, *, within: float = 60.0) -> SippFigures:
        """Wait until all calls are over; AssertionError with sipp's own errors unless all were as the scenario."""
        code = await self._child.ended(within=within)
        assert code == 0, f"sipp ended with {code}\n{self.errors()}\n{self._child.log()[-2000:]}"
        return self.figures()

    async def over(self, *, within: float = 60.0) -> SippFigures:
        """As `finished`, but failed calls, and calls left when its time was over, are the caller's to judge."""
        code = await self._child.ended(within=within)
        known = code in (0, 1) or (code == 255 and self._timed_out)
        assert known, f"sipp ended with {code}\n{self.errors()}\n{self._child.log()[-2000:]}"
        return self.figures()

    @property
    def _timed_out(self) -> bool:
        """255 is any fatal error; after its time-out alone it has run for so long (to a tick of its statistics)."""
        return self._statistics.exists() and self.figures().seconds > self._time_out - 2.0

    def errors(self) -> str:
        path = self.folder / "errors.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def messages(self) -> str:
        """Every message sent and received, as sipp logs them."""
        path = self.folder / "messages.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def figures(self) -> SippFigures:
        with self._statistics.open(newline="") as lines:
            last = list(csv.DictReader(lines, delimiter=";"))[-1]
        failures = {
            name.removeprefix("Failed").removesuffix("(C)"): int(value)
            for name, value in last.items()
            if name and name.startswith("Failed") and name.endswith("(C)") and value and int(value)
        }
        return SippFigures(
            created=int(last["TotalCallCreated"]),
            successful=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
            retransmissions=int(last["Retransmissions(C)"]),
            seconds=_moment(last["CurrentTime"]) - _moment(last["StartTime"]),
            answered_ms=_seconds(last.get("ResponseTimeanswered(C)") or "0:0:0:0") * 1000,
            failures=failures,
        )


def _seconds(text: str) -> float:
    """sipp's `hours:minutes:seconds:microseconds`."""
    hours, minutes, seconds, micros = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + seconds + micros / 1e6


def _moment(text: str) -> float:
    """sipp's date, time and seconds since the epoch, parted by tabs."""
    return float(text.split("\t")[2])
