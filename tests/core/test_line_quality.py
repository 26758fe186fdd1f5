"""How a line sounds, by figures worked out by hand; and when it is poor."""

from __future__ import annotations

import pytest

from cti_engine.core.line_quality import is_poor, mos

SCORES = [(0, 0, 4.41), (0, 150, 4.33), (0.01, 20, 4.32), (0.05, 100, 3.82), (0.2, 300, 1.62)]
"""Loss, delay (ms), MOS: R by G.107 and G.113, for G.711 with concealment, is 93.2, 89.6, 89.1, 75.0 and 30.4."""


@pytest.mark.parametrize(("loss", "delay", "score"), SCORES)
def test_the_mean_opinion_score(loss: float, delay: float, score: float) -> None:
    """The same as the page has for the agent's own line (tests/webrtc_gateway/test_browser.py)."""
    assert mos(loss, delay) == pytest.approx(score, abs=0.005)


def test_any_figures() -> None:
    """Worse never scores better, and nothing leaves the scale."""
    scores = [mos(loss / 50, 40) for loss in range(-5, 60)]
    assert scores == sorted(scores, reverse=True) and scores[-1] == pytest.approx(1.0, abs=0.3)
    assert mos(0.0, 1e9) == 1.0


def test_what_is_poor() -> None:
    """One in ten packets lost is, one in twenty is not; a poor line has to be clearly better to be good again."""
    assert is_poor(mos(0.10, 60), was=False) and not is_poor(mos(0.05, 60), was=False)
    assert is_poor(mos(0.05, 60), was=True) and not is_poor(mos(0.01, 60), was=True)
