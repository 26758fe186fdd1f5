"""The demo's account of what happened, from the engine's events and the phones' own view."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from cti_engine.runtime.demo.facts import CallOver, LineOver
from cti_engine.runtime.demo.scripts import DEMO_CALLERS, CallScript
from cti_engine.runtime.demo.tally import Tally, line_of


def script(number: int) -> CallScript:
    return CallScript(DEMO_CALLERS[number], "1000", ((3.0, "1"),), 60.0, 20.0)


def over(number: int, **seen: bool) -> CallOver:
    facts = {"answered": True, "joined": False, "heard": False, "hung_up": False, **seen}
    return CallOver(DEMO_CALLERS[number].number, 200, "OK", **facts)


def printed(tally: Tally) -> list[list[str]]:
    """The cells of the summary's rows."""
    text = StringIO()
    Console(file=text, width=120).print(tally.summary())
    return [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in text.getvalue().splitlines()
        if "│" in line
    ]


def test_each_call_ends_in_one_line_and_all_in_a_table() -> None:
    """Talked, given up, hung up in the menu, refused: told by name, queue and wait as the engine reported them,
    and counted with shares, mean waits and who heard whom."""
    tally = Tally()
    for number in range(4):
        tally.begin(script(number))
        if number != 3:
            tally.told("CallArrived", f"c{number}", {"ani": DEMO_CALLERS[number].number})
    for number in (0, 1):
        tally.told("CallQueued", f"c{number}", {"queue": "sales_es"})
    bridged = tally.told("CallBridged", "c0", {"agent": "maria", "waited_s": 4.0})
    assert bridged is tally.stories[0]
    tally.told("CallAbandoned", "c1", {"queue": "sales_es", "waited_s": 9.0})
    lines = []
    for number, fact in enumerate(
        [
            over(0, joined=True, heard=True),
            over(1, hung_up=True),
            over(2, hung_up=True),
            CallOver(DEMO_CALLERS[3].number, 503, "Service Unavailable", False, False, False, False),
        ]
    ):
        story = tally.call_over(fact)
        assert story is tally.stories[number]
        assert story.settled is (number == 3), (
            "the engine's word is awaited, unless the call never came there"
        )
        tally.told("CallEnded", f"c{number}", {"cause": "normal", "party": "caller"})
        assert story.settled
        lines.append(line_of(story))
    assert lines == [
        "Lucía Herrera +34600000101 dialled 1000: talked to maria in sales_es, having waited 4 s",
        "Carlos Restrepo +573005550102 dialled 1000: gave up in sales_es after 9 s",
        "unknown +12135550103 dialled 1000: hung up in the menu",
        "Emily Carter +12135550104 dialled 1000: was refused: 503 Service Unavailable",
    ]
    tally.line_over(LineOver("maria", DEMO_CALLERS[0].number, True, 20.0, True))
    tally.line_over(LineOver("maria", DEMO_CALLERS[1].number, False, 0.0, False))
    assert printed(tally) == [
        ["talked", "1", "25%", "4.0 s", "1 of 1"],
        ["gave up waiting", "1", "25%", "9.0 s", ""],
        ["hung up in the menu", "1", "25%", "", ""],
        ["refused", "1", "25%", "", ""],
        ["maria", "1", "1", "20 s", "1 of 1"],
    ]


def test_calls_of_others_are_not_ours() -> None:
    """Real callers on the same center are nobody's robot: their events change nothing and raise nothing."""
    tally = Tally()
    assert tally.told("CallArrived", "c1", {"ani": "+12025550000"}) is None
    assert tally.told("CallBridged", "c1", {"agent": "ana", "waited_s": 1.0}) is None
    assert tally.told("AgentStateChanged", "", {"agent": "ana"}) is None
    assert tally.call_over(over(0)) is None
    assert printed(tally) == [["no call was made", "0", "", "", ""]]


def test_a_caller_who_calls_again_is_a_new_story() -> None:
    """After a robot's call is over its next call from the same number is counted apart."""
    tally = Tally()
    for contact in ("c1", "c2"):
        tally.begin(script(0))
        tally.told("CallArrived", contact, {"ani": DEMO_CALLERS[0].number})
        tally.told("CallQueued", contact, {"queue": "sales_es"})
        tally.call_over(over(0, hung_up=True))
    assert [story.contact for story in tally.stories] == ["c1", "c2"]
    assert tally.story_of(DEMO_CALLERS[0].number) is None
