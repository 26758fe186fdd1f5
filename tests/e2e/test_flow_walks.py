"""The shipped flows by real phones: their own tests, key by key and prompt by prompt, to each end of each flow.

`make walk-flows` does all that a phone can do (`FLOW=main_en`: of one flow); CI the fewest that reach every end.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import yaml
from aiohttp import web

from cti_engine.core.commands import Prompt
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.ivr.flow import Flow
from cti_engine.core.ivr.flow_graph import flow_and_run
from cti_engine.definitions.flow_test_loader import FlowTest, load_flow_tests
from cti_engine.definitions.library import load_definitions
from cti_engine.ports import StoredEvent
from speech.prompt_cache import PromptCache
from tests.e2e.ear import Ear
from tests.e2e.flow_walks import (
    ANONYMOUS,
    NOWHERE,
    REGIONS,
    TREATMENT,
    Phase,
    Walk,
    calendar,
    ends,
    fewest,
    plan,
    sounds,
)
from tests.e2e.spoken import speaks
from tests.e2e.world import CARRIER, ROOT, Center, prompts
from tests.phones.baresip import Baresip
from tests.phones.ports import HOST
from tests.phones.tones import tone_wav
from tests.phones.waiting import until
from tests.speech.callers import recorded

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

WALKED = os.environ.get("CTI_WALK", "")
"""A flow's name, `all`, or empty: the fewest."""
AT_ONCE = 20
"""Calls at once; a phone, a worker and an ear each take some of a core."""
HEARD_WITHIN = 75.0
DONE_WITHIN = 60.0
LONGEST_CALL = 300.0
FIRST_NUMBER = 7000
BEHIND_MUSIC = "queue-thankyou"
SPEECH = "dir-instr"
"""Human speech, for messages."""
CHANGES: dict[str, dict[str, Any]] = {
    "config/speech.yaml": {"enabled": False},
    "config/sip.yaml": {"guests.rate": "20/s"},
}


@dataclass
class Services:
    """Stands in for the services of config/services.yaml: `answers` by service, number and PIN, as the tests say."""

    declared: dict[str, Any]
    answers: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def route(self, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            asked = {key: str(value) for key, value in (await request.json()).items()}
            self.asked.append((name, asked))
            number = next(value for key, value in asked.items() if key != "pin")
            known = self.answers.get((name, number, asked["pin"]))
            if known is None:
                return web.json_response({"accepted": False})
            await asyncio.sleep(known.after)
            if known.answer is None:
                raise web.HTTPServiceUnavailable
            return web.json_response(self._shaped(name, known.answer))

        return answer

    def _shaped(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Each value at the path where the file says that the service has it."""
        shaped: dict[str, Any] = {}
        for key, value in values.items():
            *way, last = self.declared[name]["answer"][key]["path"].split(".")
            place = shaped
            for part in way:
                place = place.setdefault(part, {})
            place[last] = value
        return shaped


@dataclass
class Walked:
    """A center prepared for these phases, and what its callers have reached."""

    center: Center
    definitions: CenterDefinitions
    services: Services
    phases: list[Phase]
    numbers: dict[str, str]
    reached: set[tuple[str, str]] = field(default_factory=set)


def chosen_tests(definitions: CenterDefinitions) -> list[FlowTest]:
    tests, problems = load_flow_tests(ROOT, list(definitions.flows))
    assert not problems, problems
    if not WALKED:
        return fewest(definitions, tests)
    return [test for test in tests if WALKED in ("all", test.flow)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def walked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walked]:
    """A center with a number for each walk, and for each walk through a queue's treatment a queue of its own."""
    definitions, _ = load_definitions(ROOT)
    assert definitions is not None
    phases, _ = plan(definitions, chosen_tests(definitions))
    made = Center(tmp_path_factory.mktemp("center"), changes=CHANGES)
    numbers = _write_numbers(made, definitions.flows, [walk for phase in phases for walk in phase.walks])
    regions = {
        name: {"callers": start, "languages": languages} for name, (start, languages) in REGIONS.items()
    }
    (made.home / "config/sites.yaml").write_text(
        yaml.safe_dump({"sites": {"main": {"callers": "+34"}}, "regions": regions})
    )
    made.change(
        "config/sip.yaml", {"trunks.carrier.destination": f"{CARRIER}:9"}
    )  # callbacks are never dialled here
    made.change("config/engine.yaml", {"callbacks.numbers": ["+34", "9"], "workers.spares": AT_ONCE})
    services = Services(made.read("config/services.yaml")["services"])
    app = web.Application()
    for name in services.declared:
        app.router.add_post(f"/{name}", services.route(name))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    port = runner.addresses[0][1]
    for name in services.declared:
        made.change("config/services.yaml", {f"services.{name}.url": f"http://{HOST}:{port}/{name}"})
    async with made as center:
        yield Walked(center, definitions, services, phases, numbers)
    await runner.cleanup()


def _write_numbers(made: Center, flows: Mapping[str, Flow], walks: list[Walk]) -> dict[str, str]:
    """Dialled number by walk."""
    numbers = {}
    queues, dialled = {}, {}
    like = made.read("routing_rules/queues.yaml")["queues"]["support_en"]
    for index, walk in enumerate(walks):
        number, flow = str(FIRST_NUMBER + index), walk.test.flow
        numbers[walk.name] = number
        language = walk.test.given.language or flows[flow].languages[0]
        if flow == TREATMENT:
            queues[f"queues.line_{number}"] = {**like, "max_wait": "30m"}
            flow = f"to_line_{number}"
            steps = {"wait": {"enqueue": f"line_{number}"}}
            content = {"flow": flow, "languages": ["es", "en"], "start": "wait", "steps": steps}
            (made.home / f"ivr_flows/{flow}.yaml").write_text(yaml.safe_dump(content))
        dialled[f"dialled_numbers.{number}"] = {"flow": flow, "language": language}
    made.change("routing_rules/queues.yaml", queues)
    made.change("routing_rules/dialled_numbers.yaml", dialled)
    return numbers


class Caller:
    """Does the lines of a test with a phone, and sees to it that what they expect happens."""

    def __init__(self, walked: Walked, walk: Walk) -> None:
        self._center, self._walk = walked.center, walk
        self._services = walked.services
        self._number = walked.numbers[walk.name]
        flows = list(flow_and_run(walked.definitions.flows[walk.test.flow], walked.definitions.flows))
        cache = PromptCache(prompts(), base=ROOT)
        self._sounds = {
            prompt: cache.files(prompt) for language in ("es", "en") for prompt in sounds(flows, language)
        }
        self._contact = ""
        self._phone: Baresip
        self._ear: Ear
        self._never: list[Prompt] = []
        self._hasty = False
        self._ends = ends(flows)

    async def walk(self) -> set[tuple[str, str]]:
        """The steps that the call has entered."""
        await self._dial()
        over = False
        for line in self._walk.test.script:
            try:
                await getattr(self, "_ends_as" if line.verb == "ends" else f"_{line.verb}")(line.value)
            except AssertionError as error:
                raise AssertionError(f"line {line.line}: {error}") from error
            over = line.verb in ("leaves", "calls_back", "ends", "hangs_up")
        waits_for_an_agent = bool(self._events("CallQueued"))
        if not over and (waits_for_an_agent or self._last_step() not in self._ends):
            await self._phone.hang_up()
        await self._record()
        for prompt in self._never:
            assert not self._ear.has_heard(self._sounds[prompt][0]), f"{prompt} was heard"
        await self._phone.stop()
        return {(event.data["flow"], event.data["step"]) for event in self._events("IvrStepEntered")}

    async def _dial(self) -> None:
        ani = self._walk.ani
        if self._walk.test.flow == "choose_language" and not self._walk.test.given.names:
            ani = NOWHERE
        silent = self._center.folder / "silent.wav"
        if not silent.exists():
            tone_wav(silent, 0, seconds=LONGEST_CALL)
        if ani == "caller":
            self._phone = await self._center.phone("caller", play=silent)
        elif ani == ANONYMOUS:
            self._phone = await self._center.phone(ANONYMOUS, guest=True, play=silent)
        else:
            self._phone = await self._center.phone(ani, guest=True, play=silent, host=CARRIER)
        self._ear = Ear(self._phone)
        await self._phone.dial(self._center.number(self._number))
        arrived = await self._center.event("CallArrived", dnis=self._number, within=DONE_WITHIN)
        self._contact = arrived.contact
        await self._phone.told("CALL_ESTABLISHED", within=20.0)

    # --- what the call has done ------------------------------------------------------------------

    def _events(self, name: str) -> list[StoredEvent]:
        return [event for event in self._center.events(name) if event.contact == self._contact]

    async def _event(self, name: str, **data: Any) -> StoredEvent:
        def look() -> list[StoredEvent]:
            return [
                event
                for event in self._events(name)
                if all(event.data.get(key) == value for key, value in data.items())
            ]

        found = await until(look, f"{name} {data} of {self._contact}", within=DONE_WITHIN, every=0.1)
        return found[0]

    def _last_step(self) -> tuple[str, str]:
        entered = self._events("IvrStepEntered")
        return (entered[-1].data["flow"], entered[-1].data["step"]) if entered else ("", "")

    async def _record(self) -> dict[str, Any]:
        closed = await self._event("ContactClosed")
        record: dict[str, Any] = closed.data["cdr"]
        return record

    # --- the verbs -------------------------------------------------------------------------------

    def _named(self, text: str) -> list[Prompt]:
        """The sounds that a text stands for; none for a value's, which is not the same at every call."""
        return [
            prompt
            for prompt, files in self._sounds.items()
            if files and text.casefold() in prompt.value.casefold()
        ]

    async def _hears(self, texts: tuple[str, ...]) -> None:
        if self._hasty:  # each key cuts short what the one before has set off
            self._hasty = False
            texts = texts[1:]
        for text in texts:
            if named := self._named(text):
                await self._ear.hears(
                    [self._sounds[prompt][0] for prompt in named], text, within=HEARD_WITHIN
                )

    async def _hears_not(self, texts: tuple[str, ...]) -> None:
        self._never += [prompt for text in texts for prompt in self._named(text)]

    async def _presses(self, keys: str) -> None:
        self._hasty = len(keys) > 1 and len(set(keys)) == 1
        await self._phone.digits(keys)

    async def _is_silent(self, _: object) -> None:
        """The phone sends silence anyway; what follows waits for what comes of it."""

    async def _speaks(self, seconds: float) -> None:
        spoken = np.resize(recorded("en", SPEECH), int(seconds * 8000))  # again and again
        if not any(line.verb == "hears" and "beep" in line.value for line in self._walk.test.script):
            await self._hears(("beep",))
        await speaks(self._center, self._phone, spoken)
        await self._phone.hears_more(seconds)

    async def _waits(self, seconds: float) -> None:
        await self._phone.hears_more(seconds)

    async def _hangs_up(self, _: object) -> None:
        await self._phone.hang_up()

    async def _step(self, name: str) -> None:
        if (
            self._walk.test.flow == TREATMENT
        ):  # no events tell of it in a queue; what is said behind the music does
            assert name == "music"
            await self._hears((BEHIND_MUSIC,))
            return
        wanted = (self._walk.test.flow, name)
        await until(
            lambda: self._last_step() == wanted,
            f"{name}, not {self._last_step()}",
            within=DONE_WITHIN,
            every=0.1,
        )

    async def _sets(self, values: dict[str, object]) -> None:
        for name, value in values.items():
            if name == "call.language":
                await self._language_is(str(value))
            elif name.startswith("call."):
                await self._event("CallAttributesSet", attributes={name.removeprefix("call."): value})

    async def _language_is(self, language: str) -> None:
        assert (await self._record())["language"] == language

    async def _asks(self, wanted: dict[str, Any]) -> None:
        def look() -> bool:
            return any(
                service == wanted["service"] and wanted["with"].items() <= asked.items()
                for service, asked in self._services.asked
            )

        await until(look, f"the service to be asked {wanted}", within=DONE_WITHIN)

    async def _sends(self, wanted: dict[str, Any]) -> None:
        def look() -> bool:
            said = [event.data for event in self._events("FlowMessage")]
            return any(
                one["name"] == wanted["message"] and wanted["data"].items() <= one["data"].items()
                for one in said
            )

        await until(look, f"the message {wanted}", within=DONE_WITHIN, every=0.1)

    async def _answers(self, values: dict[str, Any]) -> None:
        """Of a survey's questions; a spoken comment by its seconds, some of which a phone's caller is silent."""
        for question, value in values.items():
            answered = await self._event("SurveyAnswered", question=question)
            if isinstance(value, int):
                assert answered.data["answer"] == value, answered.data
            else:
                assert answered.data["seconds"] > value / 2, answered.data

    async def _enters(self, wanted: dict[str, Any]) -> None:
        await self._event("CallQueued", queue=wanted["queue"])

    async def _leaves(self, queue: str) -> None:
        await self._event("MessageLeft", queue=queue)

    async def _calls_back(self, wanted: dict[str, Any]) -> None:
        def look() -> list[StoredEvent]:
            return [
                event
                for event in self._center.events("CallbackRequested")
                if (event.data["origin"], event.data["number"]) == (self._contact, wanted["number"])
            ]

        await until(look, f"a callback to {wanted['number']}", within=DONE_WITHIN, every=0.1)

    async def _ends_as(self, cause: str) -> None:
        record = await self._record()
        assert record["cause"].endswith(cause), record

    async def _within(self, _: float) -> None:
        """Virtual seconds: a phone rings and a prompt takes as long as it does."""


async def _set_up(walked: Walked, phase: Phase) -> None:
    """The calendars and the services as this phase needs them."""
    walked.services.answers = phase.services()
    content = walked.center.read("config/business_hours.yaml")["calendars"]
    changes = {}
    for name in ("phones", "office"):
        wanted = {"time_zone": content[name].get("time_zone"), **calendar(phase.needs.get((name,), "open"))}
        if wanted != content[name]:
            changes[f"calendars.{name}"] = wanted
    if changes:
        await walked.center.changed("config/business_hours.yaml", changes)


async def test_every_end_of_every_flow_is_reached(walked: Walked) -> None:
    """Phones do what the flows' tests say, hear what they should, and come where they should; together they have been
    at every step of every shipped flow behind which there is none."""
    gate = asyncio.Semaphore(AT_ONCE)
    failed: list[str] = []

    async def one(walk: Walk) -> None:
        async with gate:
            try:
                walked.reached |= await Caller(walked, walk).walk()
            except AssertionError as error:
                failed.append(f"{walk.name}: {error}")

    begun = asyncio.get_running_loop().time()
    for phase in walked.phases:
        await _set_up(walked, phase)
        longest_first = sorted(phase.walks, key=lambda walk: walk.test.flow != TREATMENT)
        await asyncio.gather(*(one(walk) for walk in longest_first))
    took = asyncio.get_running_loop().time() - begun
    flows = [walked.definitions.flows[name] for name in sorted(walked.definitions.written_flows)]
    steps = {(flow.id, step) for flow in flows for step in flow.steps}
    walks = sum(len(phase.walks) for phase in walked.phases)
    left = sorted(steps - walked.reached)
    print(
        f"{walks} walks in {took:.0f} s, {len(steps) - len(left)} of {len(steps)} steps; not entered: {left}"
    )
    assert not failed, "\n\n".join(failed)
    assert {end for end in ends(flows) if WALKED in ("", "all", end[0])} <= walked.reached
