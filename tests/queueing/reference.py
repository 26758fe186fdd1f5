"""Erlang A, C and B once more, state by state in decimal arithmetic of 160 digits: slow, simple, nothing shared.

The states are a birth-death chain; who finds n waiting sees an offered wait V that is a sum of exponentials with rates
c mu + j theta, j = 0..n, so exp(-theta V) is Beta(m, n + 1) with m = c mu / theta, or V is Erlang when nobody hangs up.
Differences from 1 cost digits here: a share above 1e-40 keeps more than 50 of the 160.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

DIGITS = 160
_TINY = Decimal(10) ** -70


@dataclass(frozen=True, slots=True)
class Reference:
    """Shares of all calls and waits per call. `late`: abandoned after the threshold; `virtual`: joins, V <= T."""

    no_wait: Decimal
    wait: Decimal
    blocking: Decimal
    answered: Decimal
    abandoned: Decimal
    waited: Decimal
    waited_answered: Decimal
    in_time: Decimal
    late: Decimal
    virtual: Decimal


def blocking(load: float, servers: int) -> Decimal:
    """Erlang B by its recursion."""
    with localcontext() as context:
        context.prec = DIGITS
        inverse, a = Decimal(1), Decimal(load)
        for k in range(1, servers + 1):
            inverse = 1 + k * inverse / a
        return 1 / inverse


def erlang_a(
    arrivals: float, service: float, servers: int, theta: float, places: int | None, threshold: float
) -> Reference:
    """All of it; `theta` 0 when nobody hangs up, `places` None for any number of waiting calls."""
    with localcontext() as context:
        context.prec = DIGITS
        context.Emin, context.Emax = -(10**9), 10**9
        lam, mu, th, time = (Decimal(number) for number in (arrivals, service, theta, threshold))
        capacity = servers * mu
        below = weight = Decimal(1)  # relative to the state with c - 1 busy, from there down to nobody
        for k in range(servers - 1, 0, -1):
            weight = weight * k * mu / lam
            below += weight
            if k * mu < lam and weight < below * _TINY:
                break
        # P(Z <= n) for the law of the number of states left within the threshold: of all, of the answered
        x = (-th * time).exp()
        shape = capacity / th if th else Decimal(0)
        pmf = (-capacity * time).exp()
        pmf_answered = pmf * x
        cdf = cdf_answered = Decimal(0)
        sums = [Decimal(0)] * 7
        state = Decimal(1)
        steps = Decimal(0)
        n = 0
        while places is None or n < places:
            state = state * lam / (capacity + n * th)
            cdf += pmf
            cdf_answered += pmf_answered
            stays = capacity / (capacity + (n + 1) * th)
            if th:
                steps += 1 / (shape + 1 + n) / th
                pmf = pmf * (shape + n) * (1 - x) / (n + 1)
                pmf_answered = pmf_answered * (shape + 1 + n) * (1 - x) / (n + 1)
            else:
                steps += 1 / capacity
                pmf = pmf_answered = pmf * capacity * time / (n + 1)
            # abandoned after T: V > T and patience in (T, V): P(V > T) x - P(answered, V > T)
            late = cdf * x - stays * cdf_answered
            terms = (Decimal(1), stays, (1 - stays), stays * steps, stays * (1 - cdf_answered), late, 1 - cdf)
            sums = [total + state * term for total, term in zip(sums, terms, strict=True)]
            n += 1
            if places is None and lam < capacity + n * th and state * n < _TINY * sums[0]:
                break
        wait, answered, abandoned, waited_answered, in_time, late, virtual = sums
        # E[min(V, patience) | n] = P(abandons | n) / theta, or E[V | n]
        waited = abandoned / th if th else waited_answered
        blocked = state * lam / (capacity + n * th) if places is not None else Decimal(0)
        whole = below + wait + blocked
        return Reference(
            below / whole, wait / whole, blocked / whole, (below + answered) / whole, abandoned / whole,
            waited / whole, waited_answered / whole, (below + in_time) / whole, late / whole,
            (below + virtual) / whole,
        )  # fmt: skip
