"""One row of the table of known mistakes.

A mistake is told in four sentences and made in one of two ways: by forms, which replace what a stage of the
backward pass computes, or by factors, which multiply it. To add one: a row in a file beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..passes import Edit, Pass
from ..problem import Problem


@dataclass(frozen=True)
class Form:
    """One way in which a mistake shows: see `passes.Edit`, which has the same fields."""

    stage: str
    make: Callable[[Pass], Any]
    detail: str = ""
    free: str = ""
    linear: bool = True
    whole: bool = False


def nothing(problem: Problem, l: int) -> Iterable[Any]:
    """No form, no factor."""
    return ()


@dataclass(frozen=True)
class KnownMistake:
    """A mistake that people make in backward passes.

    Attributes:
        slug: its name.
        group: what it goes wrong in: loss, activation, chain, input, reduction, bias, penalty, constant.
        phrase: completes "equal to the right gradient with …".
        what: one sentence, what it is.
        mend: one sentence, how to mend it.
        formula: one sentence, how to see it in the formula.
        forms: the forms that can occur at layer l of a problem.
        factors: (stage, factor) pairs that can occur at layer l; a layer's "dC_da" also scales all below it.
    """

    slug: str
    group: str
    phrase: str
    what: str
    mend: str
    formula: str
    forms: Callable[[Problem, int], Iterable[Form]] = nothing
    factors: Callable[[Problem, int], Iterable[tuple[str, float]]] = nothing

    def edits(self, problem: Problem, l: int) -> Iterator[Edit]:
        """The forms of this mistake at layer l."""
        for f in self.forms(problem, l):
            yield Edit(self.slug, f.stage, l, f.make, f.detail, f.free, f.linear, f.whole)
