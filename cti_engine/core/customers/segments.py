"""Score, value, retention risk, growth and segment of many customers at once; each figure with how it came about.

Every figure is a sum of parts, one per reason: a weight of the admin's times a share from 0 to 1. So the reasons that
are told add up to the figure. The formulas stand at each part; docs/design.md says why these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cti_engine.core.customers.histories import Facts, Floats, Histories, Ints
from cti_engine.core.customers.purchase_figures import PurchaseFigures, purchase_figures
from cti_engine.core.customers.segment_rules import (
    DAY,
    IMPORTED,
    LARGER,
    Segment,
    SegmentRules,
    Variable,
)

PEERS_SHARE = 0.8
"""So many of a customer's kind hold no more products than what `products` of growth measures by."""


@dataclass(frozen=True, slots=True)
class Part:
    """One reason of a figure: `points` that it adds for each customer, and what is told beside them."""

    figure: str
    code: str
    points: Floats
    values: Mapping[str, Floats | Ints]


@dataclass(frozen=True, slots=True)
class Scores:
    """`columns` by the name of `CUSTOMER_NAMES` without its prefix: numbers, NaN where there is none, flags or texts.
    `segment`: by customer, empty where no segment of the rules holds.
    """

    customers: tuple[str, ...]
    columns: Mapping[str, list[Any]]
    segment: list[str]
    parts: tuple[Part, ...]

    def names(self, index: int) -> Callable[[str], object]:
        """What a condition about the customer at `index` may ask, `customer.segment` too."""
        return _names(self.columns, index, self.segment)

    def reasons(self) -> list[list[dict[str, Any]]]:
        """By customer those with points: `figure`, `code`, `points`, and `values` by name, as pages and commands word
        them.
        """
        found: list[list[dict[str, Any]]] = [[] for _ in self.customers]
        for part in self.parts:
            places = np.flatnonzero(part.points)
            columns = [np.round(column[places], 4).tolist() for column in part.values.values()]
            rows = zip(*columns, strict=True) if columns else iter([()] * len(places))
            points = np.round(part.points[places], 4).tolist()
            names = tuple(part.values)
            for place, point, row in zip(places.tolist(), points, rows, strict=True):
                found[place].append(
                    {"figure": part.figure, "code": part.code, "points": point,
                     "values": dict(zip(names, row, strict=True))}
                )  # fmt: skip
        return found


def scored(histories: Histories, rules: SegmentRules, now: float) -> Scores:
    """`now`: wall seconds."""
    count = len(histories)
    bought = purchase_figures(histories.purchases, count, rules.window, now)
    groups = _groups(histories, bought, rules)
    complaint = _newest(histories.complaints, count, now)
    survey, surveyed = _newest_amount(histories.surveys, count, now)
    parts = [
        *_score(groups, bought, histories, rules),
        *_value(bought, histories, rules),
        *_risk(histories, bought, complaint, survey, surveyed, rules, now),
        *_growth(histories, bought, groups.get("frequency"), rules),
    ]
    none = np.zeros(count, np.int64)
    columns: dict[str, Any] = {
        "kind": list(histories.kind),
        "language": list(histories.language),
        "imported_segment": list(histories.segment),
        "imported_value": histories.value,
        "score": _total(parts, "score", count),
        "value": _total(parts, "value", count),
        **{name: groups.get(name, none) for name in ("recency", "frequency", "monetary")},
        "purchases": bought.purchases,
        "spent": bought.spent,
        "days_since_purchase": bought.idle / DAY,
        "tenure_days": bought.tenure / DAY,
        "products": histories.products,
        "retention_risk": np.minimum(1.0, _total(parts, "retention_risk", count)),
        "growth": np.minimum(1.0, _total(parts, "growth", count)),
        "days_since_complaint": complaint / DAY,
        "open_complaint": histories.open_complaint,
        "survey": survey,
        "days_since_survey": surveyed / DAY,
        "days_to_contract_end": (histories.contract_ends - now) / DAY,
    }
    plain = {name: _plain(column) for name, column in columns.items()}
    segment = [_segment(rules.segments, plain, index) for index in range(count)]
    return Scores(tuple(histories.customers), plain, segment, tuple(parts))


def _names(
    columns: Mapping[str, list[Any]], index: int, segment: list[str] | None = None
) -> Callable[[str], object]:
    def named(name: str) -> object:
        known = name.removeprefix("customer.")
        if known == "segment":
            return segment[index] if segment is not None else None
        column = columns.get(known)
        value = column[index] if column is not None else None
        return None if value != value else value  # NaN: undefined

    return named


def _plain(column: Any) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def _segment(segments: tuple[Segment, ...], columns: Mapping[str, list[Any]], index: int) -> str:
    names = _names(columns, index)
    score = columns["score"][index]
    assert isinstance(score, float)
    for each in segments:
        if each.least is not None and score < each.least:
            continue
        if each.below is not None and score >= each.below:
            continue
        if each.when is None or each.when.holds(names):
            return each.id
    return ""


def _total(parts: list[Part], figure: str, count: int) -> Floats:
    return sum((part.points for part in parts if part.figure == figure), np.zeros(count))


# --- the parts --------------------------------------------------------------------------------


def _groups(histories: Histories, bought: PurchaseFigures, rules: SegmentRules) -> dict[str, Ints]:
    """The group of each customer in each variable, from 1, the best is the last; 0 where there is nothing to go by."""
    measured = {
        "recency": -bought.idle,
        "frequency": np.where(bought.purchases > 0, bought.purchases, np.nan),
        "monetary": np.where(bought.purchases > 0, bought.spent, np.nan),
        "tenure": bought.tenure,
        "products": np.where(histories.products > 0, histories.products, np.nan),
    }
    groups = {}
    for name, variable in rules.score.items():
        bounds = tuple(-b for b in reversed(variable.bounds)) if name == "recency" else variable.bounds
        groups[name] = _cut(measured[name], variable, bounds)
    return groups


def _cut(measured: Floats, variable: Variable, bounds: tuple[float, ...]) -> Ints:
    """With bounds: 1 + how many are reached. Without: 1 + how many of the quantiles i/groups are exceeded, so that
    equal customers are in one group, the lower one.
    """
    known = ~np.isnan(measured)
    groups = np.zeros(len(measured), np.int64)
    if not known.any():
        return groups
    if bounds:
        groups[known] = 1 + np.searchsorted(np.array(bounds), measured[known], side="right")
    else:
        cuts = np.arange(1, variable.groups) / variable.groups
        edges = np.quantile(measured[known], cuts, method="inverted_cdf")
        groups[known] = 1 + np.searchsorted(edges, measured[known], side="left")
    return groups


def _score(
    groups: Mapping[str, Ints], bought: PurchaseFigures, histories: Histories, rules: SegmentRules
) -> Iterator[Part]:
    """100 * weight * (group - 1) / (groups - 1) / all weights; who has no group gets nothing."""
    weights = sum(variable.weight for variable in rules.score.values())
    measures: dict[str, Floats | Ints] = {
        "recency": bought.idle / DAY,
        "frequency": bought.purchases,
        "monetary": bought.spent,
        "tenure": bought.tenure / DAY,
        "products": histories.products,
    }
    for name, group in groups.items():
        variable = rules.score[name]
        share = np.maximum(0, group - 1) / max(1, variable.count - 1)
        of = np.full(len(group), variable.count)
        values = {"measure": measures[name], "group": group, "groups": of}
        yield Part(
            "score", name, 100.0 * variable.weight * share / weights if weights else share * 0.0, values
        )


def _value(bought: PurchaseFigures, histories: Histories, rules: SegmentRules) -> Iterator[Part]:
    spent, imported = np.maximum(0.0, bought.spent), histories.value
    has_spent, has_imported = bought.purchases > 0, imported > 0
    if rules.value_from == LARGER:
        takes = has_spent & (spent >= imported)
    elif rules.value_from == IMPORTED:
        takes = has_spent & ~has_imported
    else:
        takes = has_spent
    days = np.full(len(spent), rules.window / DAY)
    yield Part("value", "spent", np.where(takes, spent, 0.0), {"purchases": bought.purchases, "days": days})
    yield Part("value", "imported", np.where(takes, 0.0, imported), {})


def _risk(
    histories: Histories,
    bought: PurchaseFigures,
    complaint: Floats,
    survey: Floats,
    surveyed: Floats,
    rules: SegmentRules,
    now: float,
) -> Iterator[Part]:
    """Weight times a share from 0 to 1; the sum is cut at 1.

    overdue: from `overdue_from` times the own rhythm since the last purchase, rising evenly to `overdue_full` times.
    open_complaint: wholly; complaint: falling evenly from the day of it to `complaint_within` days later.
    survey: how far the last answer is below `survey_below`. contract_end: rising evenly as it comes near, and wholly
    for as long after it. decline: by which share the second half of the window brought less than the first.
    """
    risk = rules.risk
    with np.errstate(invalid="ignore", divide="ignore"):
        late = bought.idle / bought.rhythm
    overdue = _known((late - risk.overdue_from) / max(1e-9, risk.overdue_full - risk.overdue_from))
    yield Part(
        "retention_risk",
        "overdue",
        risk.overdue * overdue,
        {"days": bought.idle / DAY, "rhythm_days": bought.rhythm / DAY, "times": late},
    )
    is_open = histories.open_complaint
    yield Part("retention_risk", "open_complaint", np.where(is_open, risk.complaint, 0.0), {})
    fading = np.where(is_open, 0.0, _known(1.0 - complaint / risk.complaint_within))
    yield Part("retention_risk", "complaint", risk.complaint * fading, {"days": complaint / DAY})
    bad_below = max(1e-9, risk.survey_below)
    bad = np.where(surveyed <= risk.survey_within, _known((bad_below - survey) / bad_below), 0.0)
    yield Part("retention_risk", "survey", risk.survey * bad, {"answer": survey, "days": surveyed / DAY})
    left = histories.contract_ends - now
    near = np.where(
        left >= 0, _known(1.0 - left / risk.contract_end_within), left >= -risk.contract_end_within
    )
    yield Part("retention_risk", "contract_end", risk.contract_end * near, {"days": left / DAY})
    yield Part(
        "retention_risk",
        "decline",
        risk.decline * _fall(bought.spent_before, bought.spent_lately),
        {"lately": bought.spent_lately, "before": bought.spent_before},
    )


def _growth(
    histories: Histories, bought: PurchaseFigures, often: Ints | None, rules: SegmentRules
) -> Iterator[Part]:
    """Weight times a share from 0 to 1; the sum is cut at 1.

    trend: by which share the first half of the window brought less than the second, for who bought in both.
    products: how much fewer than four of five of their kind hold at most. spend: how far below the median of those who
    buy as often.
    """
    growth = rules.growth
    both = (bought.spent_before > 0) & (bought.spent_lately > 0)
    trend = np.where(both, _fall(bought.spent_lately, bought.spent_before), 0.0)
    values = {"lately": bought.spent_lately, "before": bought.spent_before}
    yield Part("growth", "trend", growth.trend * trend, values)
    peers = _of_peers(histories)
    room = _known(1.0 - histories.products / np.maximum(peers, 1e-9)) * (peers > 0)
    yield Part("growth", "products", growth.products * room, {"held": histories.products, "peers": peers})
    usual = np.zeros(len(histories))
    group = bought.purchases if often is None else often
    for each in np.unique(group[bought.purchases > 0]):
        same = (group == each) & (bought.purchases > 0)
        usual[same] = float(np.median(bought.spent[same]))
    below: Floats = _known(1.0 - bought.spent / np.maximum(usual, 1e-9)) * (usual > 0)
    yield Part("growth", "spend", growth.spend * below, {"spent": bought.spent, "peers": usual})


def _of_peers(histories: Histories) -> Floats:
    """By customer the products that four of five of the same kind hold at most."""
    kinds = np.array(histories.kind, dtype=str)
    peers = np.zeros(len(histories))
    for kind in np.unique(kinds):
        same = kinds == kind
        peers[same] = np.quantile(histories.products[same], PEERS_SHARE, method="inverted_cdf")
    return peers


def _known(share: Floats) -> Floats:
    """Between 0 and 1, and 0 where nothing is known."""
    return np.clip(np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)


def _fall(before: Floats, after: Floats) -> Floats:
    """By which share `after` is less; 0 where nothing was before."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(before > 0, _known(1.0 - np.maximum(0.0, after) / before), 0.0)


def _newest(facts: Facts, count: int, now: float) -> Floats:
    """Seconds since the last; NaN where there is none. What lies in the future is left out."""
    past = facts.where(facts.at <= now)
    newest = np.full(count, -np.inf)
    np.maximum.at(newest, past.owner, past.at)
    return np.where(np.isinf(newest), np.nan, now - newest)


def _newest_amount(facts: Facts, count: int, now: float) -> tuple[Floats, Floats]:
    """The last amount, the lowest of those at one moment, and the seconds since; NaN where there is none."""
    past = facts.where(facts.at <= now)
    order = np.lexsort((-past.amount, past.at, past.owner))
    amount, at = np.full(count, np.nan), np.full(count, np.nan)
    amount[past.owner[order]] = past.amount[order]  # of several writes to one place the last stays
    at[past.owner[order]] = past.at[order]
    return amount, now - at
