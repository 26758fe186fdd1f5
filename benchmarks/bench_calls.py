"""`make bench-calls`: what 20 bridged and recorded calls cost, and how soon callers and agents are served.

A whole center as shipped: a sipp trunk calls, registered sipp phones answer. The sum of all its processes is held
against `bare_bridge.py` with as many calls at the same time, so that whatever disturbs one disturbs the other; loss is
counted in a capture; for the pop, an agent sits at the real page in headless Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright
from rich.console import Console

from benchmarks.process_cost import Cost, cost_of, cpu_times, idle_ticks, udp_drops
from benchmarks.report import Report, percentile
from cti_engine.commands.process_configs import RTP_PORTS_PER_WORKER
from tests.browser.pages import CHROMIUM_ARGS, log_in, open_page
from tests.e2e.world import CARRIER, Center
from tests.phones.capture import Capture
from tests.phones.child import Child, tool
from tests.phones.media import Tone, write_pcap
from tests.phones.ports import HOST, free_port, free_ports
from tests.phones.sipp import Sipp
from tests.phones.tones import tone_margin_db
from tests.phones.waiting import until

CALLS = 20
CALLS_A_BRIDGE = 2
WORKERS = 40
MENU, STRAIGHT = "2000", "3000"  # the shipped English menu; support_en without a menu
AGENTS = [f"a{number:02}" for number in range(CALLS)]
CALLER_HZ, AGENT_HZ = 440, 880
GATHER = 45.0  # seconds in which 20 calls come in, or go

REGISTER = Path(__file__).parent / "scenarios" / "register_many.xml"
BARE_BRIDGE = Path(__file__).parent / "bare_bridge.py"
# The agent's machine draws one page, and nothing covers it. Others' pages would be drawn on machines of their own.
PAGE_ARGS = (*CHROMIUM_ARGS, "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding")
NOTE_WHEN_SHOWN = """
  window.shown = {};
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    const said = JSON.parse(text);
    if (said.name === "OfferShown") window.shown[said.args.offer] = performance.timeOrigin + performance.now();
    return send.call(this, text);
  };
"""

_say = Console(stderr=True, highlight=False).print


@dataclass(frozen=True, slots=True)
class Media:
    """What phones play."""

    caller: Path
    agent: Path


@dataclass(frozen=True, slots=True)
class Sound:
    """RTP as it passed while 20 calls talked. `lost`: by sequence numbers; `dropped`: at our sockets."""

    streams: int
    lost: int
    dropped: int
    longest_gap_ms: float


@dataclass(frozen=True, slots=True)
class Talk:
    """What 20 calls of ours and 20 of bare bridges cost; what passed of ours, and how many recordings are complete."""

    cost: Cost
    bare: Cost
    sound: Sound
    recordings: int


class Ours:
    """A center with 20 agents, their phones in one sipp, and callers of the trunk."""

    def __init__(self, folder: Path, media: Media) -> None:
        self._folder = folder
        self._media = media
        first = free_ports(WORKERS * RTP_PORTS_PER_WORKER)
        self._rtp = range(first, first + WORKERS * RTP_PORTS_PER_WORKER)
        attributes = {"english": 10, "support": True}
        self.center = Center(
            folder / "center",
            changes={
                "config/agents.yaml": {"agents": {a: {"name": a, "attributes": attributes} for a in AGENTS}},
                "config/engine.yaml": {"workers.max": WORKERS},
                "routing_rules/queues.yaml": {"queues.support_en.wrap_up": "1s"},
            },
            env={"CTI_RTP_PORTS": f"{self._rtp[0]}-{self._rtp[-1]}"},
        )
        self.phones = Sipp("agent", folder / "phones", play=media.agent, trace=False, time_out=3600)

    async def register(self) -> None:
        lines = (f"{a};[authentication username={a} password={self.center.password(a)}]\n" for a in AGENTS)
        file = self._folder / "agents.csv"
        file.write_text("SEQUENTIAL\n" + "".join(lines))
        register = Sipp(
            REGISTER, self._folder / "register", to=f"{HOST}:{self.center.sip_port}", lines=file, calls=CALLS,
            rate=20, keys={"contact": self.phones.address, "expires": "3600"}, trace=False,
        )  # fmt: skip
        async with register:
            await register.finished()

    def _callers(self, scenario: str, number: str, **how: Any) -> Sipp:
        folder = self._folder / f"callers-{number}-{scenario}"
        to = f"{HOST}:{self.center.sip_port}"
        return Sipp(scenario, folder, to=to, host=CARRIER, number=number, trace=False, time_out=3600, **how)

    async def answer_times(self, calls: int) -> list[float]:
        """INVITE to 200 at the caller, in ms, one call at a time."""
        async with Capture(self._folder / "answers", capture_filter="udp") as capture:
            async with self._callers(
                "caller_silent", MENU, calls=calls, rate=2, at_once=1, talk=0.2
            ) as callers:
                await callers.finished(within=30 + calls)
            await capture.caught_up()
        invites = reversed(capture.sip(method="INVITE", status=0, source_port=callers.port))
        invited = {sip.call_id: sip.at for sip in invites}  # reversed: the first one stays
        answers = reversed(capture.sip(method="INVITE", status=200, to_port=callers.port))
        answered = {sip.call_id: sip.at for sip in answers}
        return [1000 * (answered[call] - at) for call, at in invited.items()]

    async def pops(self, calls: int) -> tuple[list[float], float]:
        """How long each ring waited for its pop (ms); the share that was painted before the phone had the INVITE."""
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=tool("chromium"), args=list(PAGE_ARGS))
            page = await self._page(await open_page(browser, "about:blank"), AGENTS[0])
            await until(lambda: self._ready() == 1, "the agent ready", within=20)
            async with Capture(self._folder / "pops", capture_filter="udp") as capture:
                async with self._callers(
                    "caller_silent", STRAIGHT, calls=calls, rate=1, at_once=1, talk=1
                ) as callers:
                    await callers.finished(within=30 + 4 * calls)
                await capture.caught_up()
            shown = {offer: at / 1000 for offer, at in (await page.evaluate("window.shown")).items()}
            await page.get_by_role("button", name="Log out").click()
            await until(lambda: self._ready() == 0, "the agent logged out", within=20)
            await browser.close()
        offered = {event.data["offer"]: event.at for event in self.center.events("CallOffered")}
        dialled = self.center.events("AgentDialled")
        invites = capture.sip(method="INVITE", status=0, to_port=self.phones.port)
        before = 0
        for place, event in enumerate(dialled):
            offer, uri = event.data["offer"], f"sip:{event.data['agent']}@"
            rang = min(sip.at for sip in invites if uri in sip.start_line and sip.at > event.at)
            before += shown.get(offer, rang) < rang
            if shown.get(offer, rang) >= rang:
                painted, asked = shown.get(offer, 0.0) - offered[offer], event.at - offered[offer]
                _say(f"pop {place} too late: painted after {painted:.3f} s, dialled after {asked:.3f} s")
        return [1000 * (e.at - offered[e.data["offer"]]) for e in dialled], before / len(dialled)

    async def _page(self, page: Page, agent: str) -> Page:
        await page.add_init_script(NOTE_WHEN_SHOWN)
        await page.goto(self.center.origin)
        await log_in(page, agent, self.center.password(agent))
        await page.get_by_role("button", name="Ready", exact=True).click()
        return page

    def _ready(self) -> int:
        rows = self.center.store.load().rows
        return sum(kind == "agent" and row["status"] == "ready" for (kind, _), row in rows.items())

    async def talk(self, seconds: float) -> Talk:
        """20 calls, and 20 of bare bridges beside them, watched for `seconds`, then ended by the agents."""
        desks = [self.center.desk(agent) for agent in AGENTS]
        for desk in desks:
            await desk.ready()
        how: dict[str, Any] = {"calls": CALLS, "at_once": CALLS, "rate": 4, "play": self._media.caller}
        async with (
            AsyncExitStack() as stack,
            self._callers("caller_stays", STRAIGHT, **how) as callers,
        ):
            for desk in desks:
                await desk.state("talking", within=GATHER)
            bridges = await stack.enter_async_context(bare_bridges(self._folder / "bare", self._media))
            run, before = self.center.run, udp_drops(self._rtp)
            kinds = {pid: name for name, pid in run["pids"].items()}
            kinds |= dict.fromkeys(run["workers"].values(), "workers") | {run["supervisor"]: "supervisor"}
            async with Capture(self._folder / "talk", capture_filter="udp") as capture:
                cost, bare = await asyncio.gather(
                    cost_of([run["supervisor"]], kinds, seconds),
                    cost_of(bridges, dict.fromkeys(bridges, "bridges"), seconds),
                )
                await capture.caught_up()
            dropped = sum(now - before.get(inode, 0) for inode, now in udp_drops(self._rtp).items())
            heard = capture.rtp(ports={self.phones.media_port, callers.media_port})
            closed = len(self.center.events("ContactClosed"))
            for desk in desks:
                await desk.hang_up()
            await callers.finished(within=GATHER)
        records = (await self.center.cdrs(closed + CALLS, within=GATHER))[closed:]
        sound = Sound(
            len(heard),
            sum(stream.lost for stream in heard),
            dropped,
            max(stream.longest_gap_ms for stream in heard),
        )
        return Talk(cost, bare, sound, sum(_complete(record) for record in records))


def _complete(record: dict[str, Any]) -> bool:
    """All of the talk (20 that end at once are stopped one after another), the caller's tone alone on the left and
    the agent's on the right.
    """
    path = Path(record["recording"])
    if not path.is_file() or not -0.05 <= record["recording_s"] - record["talk_s"] <= 0.5:
        return False
    left = tone_margin_db(path, wanted=CALLER_HZ, unwanted=AGENT_HZ, channel=0)
    right = tone_margin_db(path, wanted=AGENT_HZ, unwanted=CALLER_HZ, channel=1)
    return left > 20 and right > 20


@asynccontextmanager
async def bare_bridges(folder: Path, media: Media) -> AsyncIterator[list[int]]:
    """20 calls through processes of `bare_bridge.py`, two in each: their numbers, once all calls are being recorded."""
    recordings = folder / "recordings"
    recordings.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        phones = Sipp("agent", folder / "phones", play=media.agent, trace=False, time_out=3600)
        await stack.enter_async_context(phones)
        pids = []
        for number in range(CALLS // CALLS_A_BRIDGE):
            port, rtp = free_port(), free_ports(4 * CALLS_A_BRIDGE)
            about = map(str, (port, rtp, recordings))
            argv = [sys.executable, str(BARE_BRIDGE), *about, f"sip:a@{phones.address}"]
            bridge = await stack.enter_async_context(Child(argv, folder / f"bridge-{number}", name="bridge"))
            await bridge.logged("^ready", within=20)
            pids.append(bridge.pid)
            callers = Sipp(
                "caller", folder / f"callers-{number}", to=f"{HOST}:{port}", calls=CALLS_A_BRIDGE, rate=4,
                talk=3600, play=media.caller, trace=False, time_out=3600,
            )  # fmt: skip
            await stack.enter_async_context(callers)
        await until(
            lambda: sum(file.stat().st_size > 16_000 for file in recordings.iterdir()) == 2 * CALLS,
            f"{2 * CALLS} files being recorded", within=20, every=0.1,
        )  # fmt: skip
        yield pids


async def bench(folder: Path, seconds: float, singles: int) -> Report:
    length = seconds + 2 * GATHER
    media = Media(
        write_pcap(folder / "caller.pcap", Tone(CALLER_HZ, length)),
        write_pcap(folder / "agent.pcap", Tone(AGENT_HZ, length)),
    )
    ticks, stolen = cpu_times()
    ours = Ours(folder, media)
    async with ours.center, ours.phones:
        await ours.register()
        began, idle = cpu_times()[0], idle_ticks()
        answers = await ours.answer_times(singles)
        _say(
            f"INVITE to 200: p50 {statistics.median(answers):.1f} ms, p95 {percentile(answers, 0.95):.1f} ms"
        )
        waits, before_ring = await ours.pops(singles)
        _say(f"pop: p50 {statistics.median(waits):.0f} ms, before the ring in {before_ring:.1%}")
        idle_percent = 100 * (idle_ticks() - idle) / (cpu_times()[0] - began)
        talk = await ours.talk(seconds)
        _say(f"calls: {talk.cost.cpu:.1f} % of a core, bare {talk.bare.cpu:.1f} %, {talk.sound}")
    ticks, stolen = (now - then for now, then in zip(cpu_times(), (ticks, stolen), strict=True))

    report = Report("bench-calls")
    report.goal("cpu_vs_bare", "<= 1.6", talk.cost.cpu / talk.bare.cpu)
    report.goal("rtp_loss", "= 0", talk.sound.lost + talk.sound.dropped, "packets")
    report.goal("recordings_complete", f"= {CALLS}", talk.recordings)
    report.goal("invite_200_p95_ms", "<= 15", percentile(answers, 0.95), "ms")
    report.goal("pop_before_ring_share", ">= 0.99", before_ring)
    report.goal("pop_added_delay_p95_ms", "<= 80", percentile(waits, 0.95), "ms")
    report.goal("pss_mb_per_call", "<= 20", talk.cost.pss_mb / CALLS, "MB")
    report.goal("rtp_streams", f"= {4 * CALLS}", talk.sound.streams)
    report.figure("cpu_percent", talk.cost.cpu)
    report.figure("bare_cpu_percent", talk.bare.cpu)
    report.figure("cpu_percent_by_process", _rounded(talk.cost.cpu_by_kind))
    report.figure("pss_mb_by_process", _rounded(talk.cost.pss_by_kind))
    report.figure("bare_pss_mb", talk.bare.pss_mb)
    report.figure("longest_rtp_gap_ms", talk.sound.longest_gap_ms)
    report.figure("offers", len(waits))
    report.figure("stolen_percent", 100 * stolen / ticks)  # by the host: above a few, no delay means anything
    report.figure("idle_percent", idle_percent)  # while calls came one by one: near 0, others worked here too
    report.figure("invite_200_p50_ms", statistics.median(answers))
    report.figure("pop_added_delay_p50_ms", statistics.median(waits))
    return report


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {kind: round(value, 2) for kind, value in sorted(values.items())}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-calls", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long 20 calls are watched")
    parser.add_argument(
        "--singles", type=int, default=60, help="calls one by one, for each of the two delays"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="calls") as folder:
        report = asyncio.run(bench(Path(folder), options.seconds, options.singles))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
