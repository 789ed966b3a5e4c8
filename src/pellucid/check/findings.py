"""What a check found: the verdict, the mistakes, the first wrong array, the entries, and the evidence for them.

Before it: `checking` gathers it. After it: `layout` puts it on a page, `report` prints it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from ..errors import PellucidError
from .bounds import TOLERANCE
from .candidate import Seen
from .evidence import Difference, complex_step, difference, taylor
from .explanations import Explanation, Mistake
from .marked_derivation import MarkedDerivation, marked
from .patterns import Pattern, pattern
from .problem import Problem
from .telling_apart import Proposal
from .verdict import BELOW, RIGHT, WRONG, DifferingEntry, JudgedArray, Judgement


@dataclass(frozen=True)
class Evidence:
    """What the loss itself says about one entry.

    Attributes:
        central: by central differences, with its own error and step.
        complex_step: by the complex step, None where it breaks down.
    """

    entry: DifferingEntry
    central: Difference
    complex_step: float | None


@dataclass(frozen=True)
class Findings:
    """The result of a check.

    Attributes:
        verdict: "right", "right but less precise", "kink, within the interval",
            "below what this test can see" or "wrong".
        explanations: what explains the candidate, likeliest first, each of one or two mistakes.
        quantities: every array of the candidate, judged, in backward order.
        entries: the numbers that differ, worst first.
        kinks: the nodes at a kink that the verdict depends on, (l, i, j).
        notes: what was assumed, and what could not be seen.
        proposal: data that would tell several explanations apart, or None.
        tolerance: the formula of the tolerance.
    """

    verdict: str
    explanations: tuple[Explanation, ...]
    quantities: tuple[JudgedArray, ...]
    entries: tuple[DifferingEntry, ...]
    kinks: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...]
    proposal: Proposal | None
    given: Problem = field(repr=False, compare=False)
    seen: Seen = field(repr=False, compare=False)
    tolerance: str = TOLERANCE

    @classmethod
    def of(
        cls,
        given: Problem,
        seen: Seen,
        judgement: Judgement,
        found: tuple[Explanation, ...],
        notes: tuple[str, ...] = (),
        proposal: Proposal | None = None,
    ) -> Self:
        """What a judgement and its explanations come to."""
        verdict = WRONG if any(e.mistakes and e.mistakes[0].group != "precision" for e in found) else judgement.verdict
        quantities = with_inheritance(judgement.quantities, found[0]) if found else judgement.quantities
        unseen = [q.address for q in quantities if q.verdict == BELOW]
        zero = [
            q.address for q in quantities if q.verdict == RIGHT and not judgement.right.balls[q.kind, q.l].middle.any()
        ]
        notes = (*seen.notes, *notes)
        if zero:
            notes += (f"{', '.join(zero)}: 0 everywhere on this data, so hardly a mistake would show there.",)
        over = [q.address for q in quantities if not np.isfinite(judgement.right.balls[q.kind, q.l].middle).all()]
        if over:
            notes += (f"{', '.join(over)}: the right values themselves overflow here, so there is nothing to compare.",)
        if unseen and verdict != BELOW:
            notes += (f"{', '.join(unseen)}: rounding hides what is smaller than the tolerance.",)
        return cls(verdict, found, quantities, judgement.entries, judgement.kinks, notes, proposal, given, seen)

    @property
    def ok(self) -> bool:
        """Whether no mistake was found."""
        return self.verdict != WRONG

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The mistakes of all explanations, likeliest first, each slug once."""
        found: dict[str, Mistake] = {}
        for e in self.explanations:
            for m in e.mistakes:
                found.setdefault(m.slug, m)
        return tuple(found.values())

    @property
    def wrong(self) -> tuple[str, ...]:
        """The addresses of the arrays that are wrong, in backward order."""
        return tuple(q.address for q in self.quantities if q.verdict == WRONG)

    @property
    def first_wrong(self) -> str | None:
        """The address of the first wrong quantity in backward order."""
        return next(iter(self.wrong), None)

    @cached_property
    def pattern(self) -> Pattern | None:
        """What the error of the first wrong quantity looks like; None where it can't be compared."""
        for q in self.quantities:
            at = (q.kind, q.l)
            if q.verdict == WRONG and not q.problem and q.kind in "wb":
                right = self.given.gradients[q.l - 1][q.kind]
                if self.seen.arrays[at].shape == right.shape and right.ndim <= 2:
                    return pattern(self.given, q.kind, q.l, self.seen.arrays[at], right, q.address)
        return None

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """The worst entries of ∂C/∂w and ∂C/∂b as the loss itself gives them; at most three."""
        found = []
        for e in [e for e in self.entries if e.kind in ("w", "b") and self.seen.reduction != "per_sample"][:3]:
            at = (e.kind, e.l)
            found.append(Evidence(e, difference(self.given, at, e.index), complex_step(self.given, at, e.index)))
        return tuple(found)

    @cached_property
    def orders(self) -> tuple[float | None, float | None]:
        """The order of the Taylor remainder with the candidate's gradient, and with the right one."""
        usable = {at: v for at, v in self.seen.arrays.items() if at[0] in "wb" and at not in self.seen.odd}
        if not usable or not all(np.isfinite(v).all() for v in usable.values()):
            return None, None
        return taylor(self.given, usable)

    @cached_property
    def derivation(self) -> MarkedDerivation | None:
        """The derivation of a number that goes wrong, the wrong factor marked; None where no mistake was named."""
        for e in self.explanations[:1]:
            first = e.mistakes[0]
            step = next((s for s in e.steps if s.slug == first.slug), None)
            if step is not None and self.seen.reduction != "per_sample":
                try:
                    return marked(self.given, first, step)
                except PellucidError:
                    return None
        return None


def with_inheritance(quantities: tuple[JudgedArray, ...], e: Explanation) -> tuple[JudgedArray, ...]:
    """Quantities that are wrong only because one before them is, marked as such."""
    own = {(s.stage, s.l) for s in e.steps}
    out = []
    for q in quantities:
        kinds = {"w": ("w", "R"), "b": ("b", "Rb")}.get(q.kind, (q.kind,))
        made_here = any((stage, q.l) in own for stage in (*kinds, *(("delta", "dC_da") if q.kind in "wb" else ())))
        if q.kind == "delta":
            made_here |= ("dC_da", q.l) in own
        out.append(replace(q, inherited=q.verdict == WRONG and bool(e.steps) and not made_here))
    return tuple(out)
