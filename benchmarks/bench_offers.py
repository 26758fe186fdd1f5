"""`make bench-offers`: are the guesses good, the report right, and the choice quick? ARGS="--seed 7" for another world.

Guesses: learned from 21 months of a world whose laws are known (`purchase_world`), judged on what is bought in the
three after them. Report: 100 centers of 20,000 simulated offers with a planted uplift of three points. Choice:
`offer_choice`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import numpy as np

from benchmarks.offer_choice import times
from benchmarks.purchase_world import World, make
from benchmarks.report import Report
from cti_engine.learning.time_split import TOP, hit_rate, split
from cti_engine.learning.uplift import Call, uplift

SEED = 6
CENTERS, OFFERS_EACH, HELD_OUT, UPLIFT = 100, 20_000, 0.05, 0.03
CHOICES = 6_000


def main() -> int:
    options = _options()
    report = Report("bench-offers")
    guesses(report, make(options.seed))
    coverage(report, options.seed)
    speed(report)
    report.figure("seed", options.seed)
    report.figure("real_basket_set", "no: no package on PyPI that we know ships one with customers and times")
    return report.finish()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-offers")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="of the world of purchases and of the simulated centers"
    )
    return parser.parse_args()


def guesses(report: Report, world: World) -> None:
    """The penalty is chosen within the time before the cut: nothing of the test is seen."""
    began = time.perf_counter()
    judged = split(
        [(each.customer, each.at, each.product) for each in world.purchases], world.segments, world.cut
    )
    bought: dict[str, set[str]] = {}
    for each in world.purchases:
        if each.at >= world.cut:
            bought.setdefault(each.customer, set()).add(each.product)
    optimum = hit_rate(world.optima(bought, TOP), bought)
    report.goal("hit_rate_at_3_vs_popularity", ">= 1.2", judged.against_popularity)
    report.figure("hit_rate_at_3", judged.hit_rate)
    report.figure("popularity_hit_rate_at_3", judged.popularity)
    report.figure("optimum_hit_rate_at_3", optimum)
    report.figure("share_of_optimum", judged.hit_rate / optimum)
    report.figure("purchases_learned", judged.learned.purchases)
    report.figure("customers_judged", judged.customers)
    report.figure("penalty", judged.learned.penalty)
    report.figure("learn_and_judge_s", time.perf_counter() - began)


def coverage(report: Report, seed: int) -> None:
    """Through the report's own arithmetic, call by call; handle time and survey have no effect planted."""
    random = np.random.default_rng([60, seed])
    inside, beside, widths = 0, 0, []
    for _ in range(CENTERS):
        held = random.random(OFFERS_EACH) < HELD_OUT
        sold = random.random(OFFERS_EACH) < np.where(held, 0.10, 0.10 + UPLIFT)
        handled = random.lognormal(5.5, 0.6, OFFERS_EACH)
        found = uplift(Call(bool(h), bool(s), float(t)) for h, s, t in zip(held, sold, handled, strict=True))
        low, high = found.sales.low, found.sales.high
        assert low is not None and high is not None
        assert found.handle_s.low is not None and found.handle_s.high is not None
        inside += low <= UPLIFT <= high
        beside += found.handle_s.low <= 0.0 <= found.handle_s.high
        widths.append(high - low)
    report.goal("uplift_coverage", ">= 0.9", inside / CENTERS)
    report.figure("uplift_interval_width", statistics.mean(widths))
    report.figure("handle_time_coverage", beside / CENTERS)


def speed(report: Report) -> None:
    took = sorted(times(CHOICES))
    report.goal("score_customer_p99_ms", "<= 2", took[int(len(took) * 0.99)] * 1000, "ms")
    report.figure("score_customer_p50_ms", took[len(took) // 2] * 1000)


if __name__ == "__main__":
    sys.exit(main())
