"""How a line sounds: a mean opinion score (MOS) by the E-model, and from which one on it is poor.

ITU-T G.107 (06/2015): R = R0 - Is - Id - Ie,eff with the default R0 - Is = 93.2; Ie,eff = Ie + (95 - Ie) P / (P + Bpl)
for a loss of P per cent at random, of G.711 with concealment Ie 0 and Bpl 25.1 (G.113 Appendix I); Id as R. G. Cole and
J. H. Rosenbluth (2001, "Voice over IP performance monitoring") have it: 0.024 d + 0.11 (d - 177.3) above 177.3 ms; MOS
by G.107 Annex B. The page's `quality.js` says the same of the agent's own line.
"""

from __future__ import annotations

from dataclasses import dataclass

POOR = 3.6
"""G.107 Annex B: below it many users are dissatisfied. With little delay that is 8 % of the packets."""
RECOVERED = 4.03
"""What was poor is good again from here on: below it some users are dissatisfied."""
_BEST, _BPL = 93.2, 25.1


@dataclass(frozen=True, slots=True)
class LineChanged:
    """The line of a phone that is not an agent's has become `poor`, or good again: `mos` 1 to 4.4, `loss` a share of
    the packets, `jitter` and `delay` (one way, mouth to ear) in ms, of some seconds. A worker's signal.
    """

    worker: str
    leg: str
    poor: bool
    mos: float
    loss: float
    jitter: float
    delay: float


@dataclass(frozen=True, slots=True)
class CallerLineChanged:
    """The event of it. `agent`: who has the call, if anybody."""

    contact: str
    agent: str
    poor: bool
    mos: float
    loss: float
    jitter: float
    delay: float


def mos(loss: float, delay: float) -> float:
    """1 to 4.41. `loss`: share of the packets, 0 to 1; `delay`: ms from mouth to ear."""
    percent = 100 * min(max(loss, 0.0), 1.0)
    by_loss = 95 * percent / (percent + _BPL)
    by_delay = 0.024 * delay + 0.11 * max(0.0, delay - 177.3)
    r = min(max(_BEST - by_loss - by_delay, 0.0), 100.0)
    return 1.0 if r == 0 else 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6


def is_poor(score: float, was: bool) -> bool:
    """A line between the bounds is what it was: it would else come and go."""
    return score < (RECOVERED if was else POOR)
