"""The demo: robot callers and agents with real SIP and RTP who join a running center, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import math
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from cti_engine.core.commands import Prompt
from cti_engine.runtime.demo import scripts
from cti_engine.runtime.demo.desk import AgentDesk, LogInRefused, WatchDesk
from cti_engine.runtime.demo.facts import (
    AgentLine,
    CallOver,
    Fact,
    HangUpAll,
    Joined,
    LineOver,
    Order,
    PhoneConfig,
    PhoneReady,
    Place,
    Registration,
)
from cti_engine.runtime.demo.robot_phone import phone_process
from cti_engine.runtime.demo.services import serving
from cti_engine.runtime.demo.tally import RobotCallStory, Tally, line_of
from cti_engine.runtime.running_center import CannotJoin, Center, find_center
from cti_engine.runtime.telephone import RTP_PORTS
from cti_engine.wire.tasks import spawn
from speech.prompt_cache import PromptCache

CALLS_A_PHONE = 4
LINES_A_PHONE = 3  # of four calls: one more may be on its way out
CONNECT_WITHIN = 30.0
STOP_WITHIN = 5.0
SETTLE_WITHIN = 3.0  # for the engine to tell how the last calls ended
RTP_FIRST = 31_000
RTP_PORTS_A_DEMO = 8 * RTP_PORTS


def run_demo(run_json: Path, calls_per_minute: float = 6.0, seed: int = 1, minutes: float = 0.0) -> int:
    """Until Ctrl-C, or for `minutes` if not 0. Returns the exit code: 3 when the center cannot be joined."""
    console = Console(highlight=False)
    try:
        center = find_center(run_json)
        return asyncio.run(Demo(center, console, calls_per_minute, seed).run(minutes * 60))
    except (CannotJoin, LogInRefused) as problem:
        console.print(str(problem), markup=False)
        return 3


class Demo:
    """Owns the phone processes and the desks, and draws who calls when."""

    def __init__(self, center: Center, console: Console, calls_per_minute: float, seed: int) -> None:
        self._center = center
        self._console = console
        self._rate = calls_per_minute
        self._seed = seed
        self._random = Random(f"{seed}/calls")
        self._stop = asyncio.Event()
        self._settled = asyncio.Event()
        self._fault: Exception | None = None
        self._phones: list[_Phone] = []
        self.tally = Tally()
        self._watch = WatchDesk(center.origin, *center.supervisor, self._told)
        self._desks: list[asyncio.Task[None]] = []

    async def run(self, seconds: float) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        if seconds > 0:
            loop.call_later(seconds, self._stop.set)
        async with contextlib.AsyncExitStack() as beside:
            await self._answer_flows(beside)
            try:
                voices = await asyncio.to_thread(self._record_voices)
                await self._join(voices)
                await self._keep_calling()
            finally:
                await self._leave()
        if self._fault is not None:
            raise self._fault
        self._console.print(self.tally.summary())
        return 0

    async def _answer_flows(self, beside: contextlib.AsyncExitStack) -> None:
        """The demo's services; without them flows take their way for failures."""
        try:
            await beside.enter_async_context(serving(self._center.home))
        except (OSError, ValueError) as error:
            self._console.print(f"Balance and order status are not answered: {error}", markup=False)

    def _record_voices(self) -> dict[str, dict[str, str]]:
        """What callers and agents say, in each language, as WAV files."""
        cache = PromptCache(self._center.var / "prompts")
        words = {"caller": scripts.CALLER_WORDS, "agent": scripts.AGENT_WORDS}
        prompts = {
            (who, language): Prompt("text", text, language)
            for who, texts in words.items()
            for language, text in texts.items()
        }
        report = cache.build(prompts.values())
        if report.faults:
            raise CannotJoin(f"the robots have no voice: {report.faults[0].reason}")
        return {
            who: {language: str(cache.files(prompts[who, language])[0]) for language in texts}
            for who, texts in words.items()
        }

    async def _join(self, voices: dict[str, dict[str, str]]) -> None:
        center = self._center
        self._desks.append(spawn(self._watch.run(), "demo watch", on_crash=self._crashed))
        await self._until(self._watch.connected, f"the console at {center.origin} does not answer")
        mine = [user for user in center.agents if user not in self._watch.with_phone]
        for number in range(0, len(mine), LINES_A_PHONE):
            users = mine[number : number + LINES_A_PHONE]
            lines = tuple(AgentLine(user, center.agents[user]) for user in users)
            self._start_phone(f"agents {', '.join(users)}", lines, voices["agent"])
        for number in range(math.ceil(len(scripts.DEMO_CALLERS) / CALLS_A_PHONE)):
            self._start_phone(f"callers {number + 1}", (), voices["caller"])
        for phone in self._phones:
            await self._until(phone.ready, f"the phone of {phone.name} does not start")
        for user in mine:
            desk = AgentDesk(center.origin, user, center.agents[user], Random(f"{self._seed}/desk/{user}"))
            self._desks.append(spawn(desk.run(), f"desk of {user}", on_crash=self._crashed))
        others = sorted(self._watch.with_phone)
        self._console.print(
            f"{len(mine)} robot agents ({', '.join(mine) or 'none'}) and callers have joined; "
            f"{self._rate:g} calls a minute, seed {self._seed}. Ctrl-C ends it."
            + (f" Left to their own phones: {', '.join(others)}." if others else ""),
            soft_wrap=True,
        )

    async def _until(self, event: asyncio.Event, complaint: str) -> None:
        """Wait for `event`; Ctrl-C and a crashed desk end the waiting too."""
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self._stop.wait())]
        done, pending = await asyncio.wait(waits, timeout=CONNECT_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        if not done:
            raise CannotJoin(complaint)

    def _start_phone(self, name: str, lines: tuple[AgentLine, ...], voices: dict[str, str]) -> None:
        number = len(self._phones)
        config = PhoneConfig(
            name=name,
            seed=f"{self._seed}/phone/{number}",
            edge_host=self._center.host,
            edge_port=self._center.sip_port,
            realm=self._center.realm,
            # Two demos on one machine keep apart; a port that is taken all the same is passed over.
            rtp_port=RTP_FIRST + (os.getpid() % 30) * RTP_PORTS_A_DEMO + number * RTP_PORTS,
            lines=lines,
            voices=voices,
        )
        self._phones.append(_Phone(config, self._fact))

    async def _keep_calling(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), scripts.draw_pause(self._random, self._rate))
                return
            phone = min((p for p in self._phones if p.calls_free), key=lambda p: p.calls, default=None)
            idle = tuple(c for c in scripts.DEMO_CALLERS if self.tally.story_of(c.number) is None)
            if phone is not None and idle:
                script = scripts.draw_call(self._random, idle)
                self.tally.begin(script)
                phone.place(script)

    def _told(self, event: str, contact: str, data: dict[str, Any]) -> None:
        story = self.tally.told(event, contact, data)
        if story is not None and event == "CallBridged":
            for phone in self._phones:
                phone.order(Joined(story.script.caller.number))
        if story is not None and event == "CallEnded":
            self._tell_if_settled(story)

    def _fact(self, fact: Fact) -> None:
        match fact:
            case CallOver():
                story = self.tally.call_over(fact)
                if story is not None:
                    self._tell_if_settled(story)
            case LineOver():
                self.tally.line_over(fact)
            case Registration(user, sip_code, reason) if sip_code != 200:
                self._console.print(f"{user} could not register: {sip_code} {reason}", markup=False)

    def _tell_if_settled(self, story: RobotCallStory) -> None:
        if story.settled:
            self._console.print(line_of(story), markup=False, soft_wrap=True)
        if self.tally.settled:
            self._settled.set()
        else:
            self._settled.clear()

    def _crashed(self, error: BaseException) -> None:
        self._fault = error if isinstance(error, Exception) else None
        self._stop.set()

    async def _leave(self) -> None:
        """Callers hang up first, so that no agent is offered a dead call; then agents log out."""
        await asyncio.gather(*(phone.stop(STOP_WITHIN) for phone in self._phones))
        if not self.tally.settled:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), SETTLE_WITHIN)
        for desk in self._desks:
            desk.cancel()
        await asyncio.gather(*self._desks, return_exceptions=True)


class _Phone:
    """A phone process as the demo sees it."""

    def __init__(self, config: PhoneConfig, on_fact: Callable[[Fact], None]) -> None:
        self.name = config.name
        self.calls = 0
        self.ready = asyncio.Event()
        self._takes_calls = not config.lines
        self._on_fact = on_fact
        context = multiprocessing.get_context("spawn")  # pjsua2 must never be forked
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=phone_process, args=(config, theirs), name=config.name)
        self._process.start()
        theirs.close()
        self._gone = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._read, self._pipe)

    @property
    def calls_free(self) -> bool:
        return self._takes_calls and self.calls < CALLS_A_PHONE and not self._gone.is_set()

    def place(self, script: scripts.CallScript) -> None:
        self.calls += 1
        self.order(Place(script))

    def order(self, order: Order) -> None:
        with contextlib.suppress(OSError):  # it died: its end of file is on the way
            self._pipe.send(order)

    def _read(self, pipe: Connection) -> None:
        try:
            fact: Fact = pipe.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            self._gone.set()
            return
        if isinstance(fact, PhoneReady):
            self.ready.set()
        if isinstance(fact, CallOver):
            self.calls -= 1
        self._on_fact(fact)

    async def stop(self, within: float) -> None:
        self.order(HangUpAll())
        try:
            await asyncio.wait_for(self._gone.wait(), within)
        except TimeoutError:
            self._process.kill()
        await asyncio.to_thread(self._process.join)
        self._pipe.close()
