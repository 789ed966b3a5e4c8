"""A partial explanation: which mistakes were made so far, and the pass as the candidate must have computed it.

Before it: `passes`. After it: `search` grows them layer by layer, `explanations` tells them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..arrays import Array
from .least_squares import size
from .mistakes import WRONG_FACTOR
from .passes import Edit, Pass


@dataclass(frozen=True)
class MistakeStep:
    """One mistake at one stage of one layer.

    Attributes:
        edit: its form, or None for a factor.
        constant: the factor, or the value of the form's free constant.
    """

    slug: str
    stage: str
    l: int
    edit: Edit | None = None
    constant: float | None = None

    @property
    def detail(self) -> str:
        """Which form of the mistake."""
        return self.edit.detail if self.edit else ""

    def like(self, other: MistakeStep) -> bool:
        """Whether both are one and the same mistake."""
        if self.slug != other.slug:
            return False
        mine, theirs = self.own_constant, other.own_constant
        return mine is None or theirs is None or abs(mine - theirs) <= 1e-3 * max(abs(mine), abs(theirs))

    @property
    def own_constant(self) -> float | None:
        """The constant, where two different ones make two mistakes."""
        return self.constant if self.edit or self.slug in (WRONG_FACTOR, "stale-accumulation") else None


@dataclass(frozen=True)
class PartialExplanation:
    """A partial explanation: the steps so far, the pass as the candidate must have computed it, the agreement."""

    steps: tuple[MistakeStep, ...]
    done: Pass
    agreement: float = 0.0


def mistakes_in(steps: Iterable[MistakeStep]) -> list[list[MistakeStep]]:
    """The steps grouped by mistake."""
    groups: list[list[MistakeStep]] = []
    for step in steps:
        for group in groups:
            if group[0].like(step):
                group.append(step)
                break
        else:
            groups.append([step])
    return groups


def solved_before(steps: Iterable[MistakeStep], slug: str) -> list[float]:
    """The values that a mistake's free constant has had in the layers above."""
    return list(dict.fromkeys(s.constant for s in steps if s.slug == slug and s.edit and s.constant is not None))


def same(one: Array, two: Array) -> bool:
    """Whether two δ are equal but for rounding."""
    return one.shape == two.shape and size(one - two) <= 1e-12 * max(size(one), size(two))


def merged(partials: list[PartialExplanation], l: int) -> list[PartialExplanation]:
    """One explanation of those that name the same mistakes and hand down the same δ: the one with the fewest steps."""
    best: dict[tuple, PartialExplanation] = {}
    for partial in partials:
        delta = partial.done.delta[l].ravel()
        probe = delta[:: max(1, delta.size // 16)]
        names = frozenset((g[0].slug, None if g[0].own_constant is None else f"{g[0].own_constant:.3e}")
                          for g in mistakes_in(partial.steps))  # fmt: skip
        key = (names, " ".join(f"{v:.8e}" for v in probe))
        if key not in best or len(partial.steps) < len(best[key].steps):
            best[key] = partial
    return sorted(best.values(), key=lambda t: (len(mistakes_in(t.steps)), len(t.steps)))
