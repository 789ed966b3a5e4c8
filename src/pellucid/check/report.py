"""What a check found: the verdict, the mistakes, the first wrong quantity, the entries; as text and JSON.

Before it: `checking` gathers it. After it: `page` makes HTML of it, the command line prints it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .bounds import TOLERANCE
from .candidate import Seen
from .explanations import Explanation, Mistake
from .problem import Problem
from .verdict import WRONG, Entry, Judgement, Quantity


@dataclass(frozen=True)
class Report:
    """The result of a check.

    Attributes:
        verdict: "right", "right but less precise", "kink, within the interval",
            "below what this test can see" or "wrong".
        explanations: what explains the candidate, likeliest first, each of one or two mistakes.
        quantities: every array of the candidate, judged, in backward order.
        entries: the numbers that differ, worst first.
        notes: what was assumed, and what could not be seen.
    """

    verdict: str
    explanations: tuple[Explanation, ...]
    quantities: tuple[Quantity, ...]
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]
    tolerance: str = TOLERANCE

    @classmethod
    def of(cls, given: Problem, seen: Seen, judgement: Judgement, found: Sequence[Explanation]) -> Report:
        """The report of a check."""
        verdict = judgement.verdict
        if found and any(e.steps for e in found):
            verdict = WRONG
        return cls(verdict, tuple(found), judgement.quantities, judgement.entries, seen.notes)

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

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "ok": self.ok,
            "verdict": self.verdict,
            "first_wrong": self.first_wrong,
            "mistakes": [m.to_dict() for m in self.mistakes],
            "explanations": [list(e.slugs) for e in self.explanations],
        }
