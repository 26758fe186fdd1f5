"""A leg: one SIP dialog of an interaction, as the core knows it (RFC 3261 section 13; the UAS side for callers).

offered --answer--> answering --answered--> connected --ended--> gone
dialling --ringing--> ringing --answered--> connected --end--> ending --ended|failed--> gone
We may `end` a leg in any state, and until it is connected its far end may fail it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cti_engine.core.machine import table
from cti_engine.core.signals import Dialog

LEG = table(
    "leg",
    {
        "offered": {"answer": "answering", "end": "ending", "ended": "gone", "failed": "gone"},
        "answering": {"answered": "connected", "end": "ending", "ended": "gone", "failed": "gone"},
        "dialling": {
            "ringing": "ringing",
            "answered": "connected",
            "failed": "gone",
            "ended": "gone",
            "end": "ending",
        },
        "ringing": {
            "ringing": "ringing",
            "answered": "connected",
            "failed": "gone",
            "ended": "gone",
            "end": "ending",
        },
        "connected": {"end": "ending", "ended": "gone"},
        "ending": {"ended": "gone", "failed": "gone"},
    },
    late={
        "answering": ["answer", "ringing"],
        "connected": ["ringing", "answered", "failed"],
        "ending": ["answer", "ringing", "answered", "end"],
    },
    final="gone",
)


@dataclass(slots=True)
class Leg:
    """`role` caller | agent | outside (whoever answers `number`) | supervisor (who listens, at `number`) | line (the
    second one of `agent`'s phone, by which they consult). `offer` is the reservation that dialled it. `poor`: what
    comes of it sounds bad (`line_quality`), as far as the worker has heard.
    Row kind `leg`.
    """

    id: str
    worker: str
    contact: str
    role: str
    state: str
    agent: str = ""
    offer: str = ""
    dialog: Dialog | None = None
    held: bool = False
    number: str = ""
    poor: bool = False
