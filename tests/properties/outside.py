"""A leg as its phone sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class OutsideLeg:
    """A phone's end of a leg. `state`: waiting (for the core), ringing, connected."""

    worker: str
    leg: str
    role: str
    agent: str = ""
    state: str = "ringing"
    playback: str = ""
