"""`make bench-offers`: are the guesses good, the report right, and the choice quick?

Guesses: learned from 21 months of a world whose laws are known (`purchase_world`), judged on what is bought in the
three after them; ARGS="--seed 7" for another one, "--generator MODULE:FUNCTION" for one of other laws. Report: 100
centers of 20,000 simulated offers with a planted uplift of three points. Choice: `offer_choice`.
"""

from __future__ import annotations

import argparse
import statistics
import sys

import numpy as np

from benchmarks import basket_set
from benchmarks.offer_choice import times
from benchmarks.offer_guesses import generator, guesses, judge
from benchmarks.report import Report
from cti_engine.learning.uplift import Call, uplift

SEED = 6
FROZEN = "benchmarks.purchase_world:make"
CENTERS, OFFERS_EACH, HELD_OUT, UPLIFT = 100, 20_000, 0.05, 0.03
CHOICES = 6_000


def main() -> int:
    options = _options()
    try:
        make = generator(options.generator)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    report = Report("bench-offers")
    report.figure("generator", options.generator)
    report.figure("seed", options.seed)
    guesses(report, make(options.seed))
    coverage(report, options.seed)
    speed(report)
    real_baskets(report)
    return report.finish()


def real_baskets(report: Report) -> None:
    """No goal: nobody knows how well it could be told."""
    if not basket_set.installed():
        report.figure("real_basket_set", "not installed: the extra `baskets`")
        return
    judged = judge(basket_set.load())
    report.figure(
        "real_basket_set", "The Complete Journey, categories of non-food that are new to a household"
    )
    report.figure("real_hit_rate_at_3_vs_popularity", judged.against_popularity)
    report.figure("real_hit_rate_at_3", judged.hit_rate)
    report.figure("real_customers_judged", judged.customers)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-offers")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="of the world of purchases and of the simulated centers"
    )
    parser.add_argument(
        "--generator",
        default=FROZEN,
        metavar="MODULE:FUNCTION",
        help="makes a world of purchases of a seed (docs/benchmark-offers.md); default: the frozen one",
    )
    return parser.parse_args()


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
