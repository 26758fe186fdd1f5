"""Score, value, risk and growth once more: one customer after the other, in plain Python, from the same published
formulas. The slow oracle of `core/customers/segments.py`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from statistics import median
from typing import Any

from cti_engine.core.customers.histories import Facts, Histories
from cti_engine.core.customers.segment_rules import IMPORTED, LARGER, SegmentRules

Row = dict[str, Any]


def _by_owner(facts: Facts, now: float) -> dict[int, list[tuple[float, float]]]:
    found: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for owner, at, amount in zip(facts.owner.tolist(), facts.at.tolist(), facts.amount.tolist(), strict=True):
        if at <= now:
            found[owner].append((at, amount))
    return found


def _between(share: float) -> float:
    return min(1.0, max(0.0, share))


def _quantile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(round(share * len(ordered), 9)) - 1)]


def figures(histories: Histories, rules: SegmentRules, now: float) -> list[Row]:
    """By customer: score, value, retention_risk, growth, and the groups of each variable."""
    purchases = _by_owner(histories.purchases, now)
    complaints = _by_owner(histories.complaints, now)
    surveys = _by_owner(histories.surveys, now)
    rows: list[Row] = []
    for index in range(len(histories)):
        baskets: dict[float, float] = defaultdict(float)
        for at, amount in purchases[index]:
            baskets[at] += amount
        bought = sorted(at for at, amount in baskets.items() if amount > 0)
        lately = {at: amount for at, amount in baskets.items() if at > now - rules.window}
        row: Row = {
            "count": float(len(bought)),
            "first": bought[0] if bought else None,
            "last": bought[-1] if bought else None,
            "purchases": float(sum(amount > 0 for amount in lately.values())),
            "spent": sum(lately.values()),
            "lately": sum(a for at, a in lately.items() if at > now - rules.window / 2),
            "before": sum(a for at, a in lately.items() if at <= now - rules.window / 2),
        }
        rows.append(row)
    means = [(r["last"] - r["first"]) / (r["count"] - 1) for r in rows if r["count"] >= 2]
    usual = median(means) if means else None
    _groups(rows, histories, rules, now)
    for index, row in enumerate(rows):
        _score(row, rules)
        _value(row, float(histories.value[index]), rules)
        _risk(row, index, usual, histories, complaints[index], surveys[index], rules, now)
    for index, row in enumerate(rows):
        _growth(rows, row, index, histories, rules)
    return rows


def _groups(rows: list[Row], histories: Histories, rules: SegmentRules, now: float) -> None:
    for name, variable in rules.score.items():
        measured: list[float | None] = []
        for index, row in enumerate(rows):
            some = row["purchases"] > 0
            measured.append(
                {
                    "recency": None if row["last"] is None else row["last"] - now,
                    "frequency": row["purchases"] if some else None,
                    "monetary": row["spent"] if some else None,
                    "tenure": None if row["first"] is None else now - row["first"],
                    "products": float(histories.products[index]) or None,
                }[name]
            )
        known = [value for value in measured if value is not None]
        for row, value in zip(rows, measured, strict=True):
            if value is None:
                row[name] = 0.0
            elif variable.bounds:
                bounds = sorted(-b if name == "recency" else b for b in variable.bounds)
                row[name] = 1.0 + bisect_right(bounds, value)
            else:
                edges = [_quantile(known, i / variable.groups) for i in range(1, variable.groups)]
                row[name] = 1.0 + bisect_left(edges, value)


def _score(row: Row, rules: SegmentRules) -> None:
    weights = sum(variable.weight for variable in rules.score.values())
    row["score"] = 0.0
    for name, variable in rules.score.items():
        group = row[name] or 0.0
        if group and weights and variable.count > 1:
            row["score"] += 100 * variable.weight * (group - 1) / (variable.count - 1) / weights


def _value(row: Row, imported: float, rules: SegmentRules) -> None:
    spent = max(0.0, row["spent"] or 0.0)
    if not row["purchases"]:
        row["value"] = imported
    elif rules.value_from == LARGER:
        row["value"] = max(spent, imported)
    elif rules.value_from == IMPORTED:
        row["value"] = imported or spent
    else:
        row["value"] = spent


def _risk(
    row: Row,
    index: int,
    usual: float | None,
    histories: Histories,
    complaints: list[tuple[float, float]],
    surveys: list[tuple[float, float]],
    rules: SegmentRules,
    now: float,
) -> None:
    risk, total = rules.risk, 0.0
    if row["last"] is not None and row["first"] is not None and usual is not None:
        rhythm = (row["last"] - row["first"] + usual) / (row["count"] or 1.0)
        times = (now - row["last"]) / rhythm
        total += risk.overdue * _between(
            (times - risk.overdue_from) / max(1e-9, risk.overdue_full - risk.overdue_from)
        )
    if histories.open_complaint[index]:
        total += risk.complaint
    elif complaints:
        total += risk.complaint * _between(1 - (now - max(complaints)[0]) / risk.complaint_within)
    if surveys:
        last = max(at for at, _ in surveys)
        answer = min(amount for at, amount in surveys if at == last)
        if now - last <= risk.survey_within:
            total += risk.survey * _between((risk.survey_below - answer) / max(1e-9, risk.survey_below))
    left = float(histories.contract_ends[index]) - now
    if left >= 0:
        total += risk.contract_end * _between(1 - left / risk.contract_end_within)
    elif left >= -risk.contract_end_within:
        total += risk.contract_end
    if row["before"] > 0:
        total += risk.decline * _between(1 - max(0.0, row["lately"]) / row["before"])
    row["retention_risk"] = min(1.0, total)


def _growth(rows: list[Row], row: Row, index: int, histories: Histories, rules: SegmentRules) -> None:
    growth, total = rules.growth, 0.0
    if row["lately"] > 0 and row["before"] > 0:
        total += growth.trend * _between(1 - row["before"] / row["lately"])
    alike = [
        float(p)
        for p, k in zip(histories.products, histories.kind, strict=True)
        if k == histories.kind[index]
    ]
    peers = _quantile(alike, 0.8)
    if peers:
        total += growth.products * _between(1 - float(histories.products[index]) / peers)
    if row["purchases"]:
        group = "frequency" if "frequency" in rules.score else "purchases"
        usual = median(each["spent"] for each in rows if each["purchases"] and each[group] == row[group])
        if usual > 0:
            total += growth.spend * _between(1 - row["spent"] / usual)
    row["growth"] = min(1.0, total)
