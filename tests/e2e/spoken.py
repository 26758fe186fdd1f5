"""What callers say over the telephone: human words of Debian's recordings, synthetic Korean, and what is no word."""

from __future__ import annotations

from tests.e2e.world import Center
from tests.phones.baresip import Baresip
from tests.phones.waiting import until
from tests.speech.callers import Samples, at_level, silence, written
from tests.speech.recogniser_process import awake

LEVEL = -22.0  # dBFS, as a voice comes through the telephone network
REST = 120.0  # a phone's source must not end before the call does


async def speaks(center: Center, caller: Baresip, *said: Samples) -> None:
    """The caller begins to say this now, and is silent afterwards."""
    folder = center.folder / "said"
    folder.mkdir(exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}.wav"
    written(path, *(at_level(each, LEVEL) if each.any() else each for each in said), silence(REST))
    await caller.say(path)


async def can_hear(center: Center, recogniser: str, since: float = 0.0) -> None:
    """Have the recogniser process of this name, which was killed at `since`, load its model."""
    socket, ready = (center.var / "run" / f"{recogniser}.{kind}" for kind in ("sock", "json"))
    language = recogniser.split("-")[2]
    await until(lambda: awake(str(socket), language), f"{recogniser} to be there", within=20.0, every=0.05)
    await until(
        lambda: ready.exists() and ready.stat().st_mtime > since,
        f"{recogniser} to have its model", within=90.0, every=0.05,
    )  # fmt: skip


async def listened(center: Center, dnis: str, step: str = "menu", *, number: int = 1) -> Baresip:
    """A silent caller, the `number`-th of the test, who has dialled `dnis` and stands in the flow's `step`, where words
    are taken."""
    caller = await center.phone("caller")
    await caller.dial(center.number(dnis))
    await center.event("IvrStepEntered", step=step, number=number, within=20.0)
    await caller.hears(0.5)
    return caller


def recogniser_names(center: Center) -> set[str]:
    """The recogniser processes that run."""
    return {name for name in center.run["pids"] if name.startswith("speech-")}
