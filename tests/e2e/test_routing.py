"""Live calls by precision steps: the bilingual agent first, then who is enough, a miss, a caller who comes again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.world import CALLER_HZ, ROOT, Center
from tests.phones.baresip import Baresip

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

STEP_1_WAIT, RING_TIMEOUT = 4.0, 3.0
LOANS = {
    "name": "Préstamos",
    "steps": [
        {
            "require": "agent.spanish >= 7 and agent.english >= 7",
            "wait": f"{STEP_1_WAIT:g}s",
            "order": ["most_skilled", "longest_idle"],
        },
        {"require": "agent.spanish >= 3", "order": ["most_skilled", "longest_idle"]},
    ],
    "treatment": "queue_treatment",
    "ring_timeout": f"{RING_TIMEOUT:g}s",
    "wrap_up": "30s",
}
CHANGES: dict[str, dict[str, Any]] = {
    "config/sip.yaml": {"guests.rate": "20/s"},
    "config/agents.yaml": {
        "agents.maria.attributes": {"spanish": 10, "english": 9},
        "agents.ana.attributes": {"spanish": 6},
        "agents.john.attributes": {"spanish": 4, "english": 10},
    },
    "routing_rules/queues.yaml": {"queues.loans": LOANS},
    "routing_rules/dialled_numbers.yaml": {"dialled_numbers.3100": {"flow": "to_loans", "language": "es"}},
}
FLOW = "flow: to_loans\nlanguages: [es]\nstart: wait\nsteps: {wait: {enqueue: loans}}\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    """A center with a queue of two steps; callers who gave up keep their place for ten minutes."""
    made = Center(tmp_path_factory.mktemp("center"), changes=CHANGES)
    (made.home / "ivr_flows/to_loans.yaml").write_text(FLOW)
    (made.home / "routing_rules/priorities.yaml").write_text("re_caller_within: 10m\n")
    async with made as center:
        yield center


def explained(center: Center, contact: str, *options: str) -> str:
    """What `cti-engine explain` prints beside the running center."""
    command = [sys.executable, "-m", "cti_engine", "--home", str(center.home), "--var", str(center.var)]
    env = {"PYTHONPATH": str(ROOT), "COLUMNS": "150", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [*command, "explain", contact, *options],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def dials(center: Center, caller: Baresip, number: int) -> str:
    """The contact of the `number`-th call of the test, in the queue."""
    await caller.dial(center.number("3100"))
    return (await center.event("CallQueued", number=number)).contact


async def test_steps_a_miss_and_a_caller_who_comes_again(center: Center) -> None:
    """The first call reaches the bilingual agent by step 1; the second waits its four seconds for her, goes on to step
    2, rings the best of it in vain and reaches the next best; the fourth had called before the third and given up: it
    is served first. `explain` tells each of these things."""
    maria, _ = await center.agent("maria")
    _, missed = await center.agent("ana", answer="manual")
    john, _ = await center.agent("john")
    caller, second = (
        await center.caller(),
        await center.phone("visitor", guest=True, play=center.tone(CALLER_HZ)),
    )

    first_contact = await dials(center, caller, 1)
    reserved = await center.event("AgentReserved", agent="maria")
    assert (reserved.contact, reserved.data["why"]["step"]) == (first_contact, 0)
    await maria.state("talking")

    contact = await dials(center, second, 2)
    step = await center.event("QueueStepAdvanced", left=0, step=1)
    queued = center.events("CallQueued")[-1]
    assert step.contact == contact and step.at - queued.at == pytest.approx(STEP_1_WAIT, abs=0.25)
    assert (step.data["pool"], step.data["free"]) == (3, 2)
    why = (await center.event("AgentReserved", agent="ana")).data["why"]
    assert (why["step"], why["runner_up"]["agent"], why["lost_by"]) == (1, "john", "most_skilled")
    await missed.told("CALL_INCOMING")
    await center.event("AgentRona", agent="ana")
    await john.state("talking")
    (again,) = center.events("CallRequeued")
    assert (again.contact, again.data["position"]) == (contact, 1)
    told = " ".join(explained(center, contact).split())
    assert "Second: john, by most skilled: 4 against 6." in told
    assert "ana did not take it" in told and "talks to john" in told

    third = await center.phone("patient", guest=True, play=center.tone(CALLER_HZ))
    impatient = await center.phone("impatient", guest=True, play=center.tone(CALLER_HZ))
    await dials(center, impatient, 3)
    patient_contact = await dials(center, third, 4)
    await impatient.hang_up()
    await center.event("CallAbandoned")
    back = await dials(center, impatient, 5)
    assert center.events("CallQueued")[-1].data["position"] == 1
    waiting = json.loads(explained(center, patient_contact, "--json"))["waiting"]
    assert [(each["queue"], each["ahead"]) for each in waiting] == [("loans", 1)]
    while_waiting = explained(center, patient_contact)
    busy = {each["agent"]: each["keeps"][0]["code"] for each in waiting[0]["agents"]}
    assert busy == {"ana": "not_ready", "john": "busy", "maria": "busy"}

    await caller.hang_up()
    await maria.wrap_up()
    await maria.state("talking")
    assert maria.me_view["contact"] == back
    why = (await center.event("AgentReserved", agent="maria", number=2)).data["why"]
    assert (why["side"], why["runner_up"]["contact"], why["lost_by"]) == ("agent", patient_contact, "score")
    for phone in (second, impatient, third):
        await phone.hang_up()
    await maria.wrap_up()
    samples = f"{explained(center, contact)}\n{while_waiting}"
    (center.folder / "explain.txt").write_text(samples)  # docs/explain.md shows one run's
