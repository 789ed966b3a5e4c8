"""What a check found as text for a terminal, as a page, as JSON.

Before it: `findings` and their `layout`. After it: `print`, a browser or a notebook, the command line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..explain.render.html import page_to_html
from ..explain.render.text import page_to_text
from .explanations import agreement
from .findings import Findings
from .layout import page

FORMAT, VERSION = "pellucid-check", 1


@dataclass(frozen=True)
class Evidence:
    """What the loss itself says about one entry.

    Attributes:
        central: by central differences, with its own error and step.
        complex_step: by the complex step, None where it breaks down.
    """

    entry: Entry
    central: Difference
    complex_step: float | None


@dataclass(frozen=True)
class Report:
    """The result of a check. `print` shows it; `to_dict` and `to_html` write it.

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
    quantities: tuple[Quantity, ...]
    entries: tuple[Entry, ...]
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
    ) -> Report:
        """The report of a check."""
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
    def first_wrong(self) -> str | None:
        """The address of the first wrong quantity in backward order."""
        return next((q.address for q in self.quantities if q.verdict == WRONG), None)

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
    def marked(self) -> Marked | None:
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

    def to_text(self, *, width: int = 100, entries: int = 5) -> str:
        """For a terminal.

        Args:
            width: where long lines are cut.
            entries: how many of the differing numbers to show.
        """
        return page_to_text(page(self, entries), width=width)

    def __str__(self) -> str:
        return self.to_text()

    def to_html(self) -> str:
        """A page of its own, light and dark."""
        return page_to_html(page(self, 20))

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; what is infinite or not a number is None."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "ok": self.ok,
            "verdict": self.verdict,
            "first_wrong": self.first_wrong,
            "mistakes": [m.to_dict() for m in self.mistakes],
            "explanations": [
                {"mistakes": list(e.slugs), "agreement": plain(e.agreement), "evidence": agreement(e, self.wrong)}
                for e in self.explanations
            ],
            "quantities": [
                {
                    "address": q.address,
                    "verdict": q.verdict,
                    "size": q.size,
                    "wrong": q.wrong,
                    "error": plain(q.error),
                    "tolerance": plain(q.tolerance),
                    "inherited": q.inherited,
                    "problem": q.problem,
                }
                for q in self.quantities
            ],
            "entries": [
                {
                    "address": e.address,
                    "yours": plain(e.yours),
                    "right": plain(e.right),
                    "tolerance": plain(e.tolerance),
                    "interval": None if e.interval is None else [plain(v) for v in e.interval],
                }
                for e in self.entries
            ],
            "pattern": None if self.pattern is None else {"kind": self.pattern.kind, "text": self.pattern.text},
            "evidence": [
                {
                    "address": v.entry.address,
                    "central_difference": plain(v.central.value),
                    "error": plain(v.central.error),
                    "step": plain(v.central.step),
                    "complex_step": plain(v.complex_step),
                }
                for v in self.evidence
            ],
            "taylor_order": {"yours": plain(self.orders[0]), "right": plain(self.orders[1])},
            "derivation": None
            if self.derivation is None
            else {
                "address": self.derivation.address,
                "lines": [[{"text": t, "marked": m} for t, m in line] for line in self.derivation.lines],
            },
            "proposal": None
            if self.proposal is None
            else {
                "text": self.proposal.text,
                "x": self.proposal.x.tolist(),
                "y": self.proposal.y.tolist(),
                "groups": [[list(slugs) for slugs in group] for group in self.proposal.groups],
            },
            "notes": list(self.notes),
            "tolerance": self.tolerance,
        }


def plain(value: float | None) -> float | None:
    """A number for JSON."""
    return None if value is None or not np.isfinite(value) else float(value)
