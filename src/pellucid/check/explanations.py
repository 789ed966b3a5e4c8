"""From partial explanations of the search to explanations in order of likelihood, each of one or two mistakes.

Before it: `search`. After it: `report` shows them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .constants import as_expression, is_round
from .mistakes import MISTAKES, NOISE, WRONG_FACTOR, KnownMistake
from .mistakes import ORDER as LIKELIEST
from .partial_explanations import MistakeStep, PartialExplanation, mistakes_in
from .problem import Problem
from .verdict import address

WHOLE = "the gradient itself"  # the form of `transposed` that a layout looks like
MOST = 8  # explanations that are kept


@dataclass(frozen=True)
class Mistake:
    """A mistake that was found.

    Attributes:
        slug, group, what, mend, formula: as in the table.
        layers: the layers where it is made.
        where: the quantities that go wrong first, by address.
        detail: which form of it, such as "g′ of layer 2 at z of layer 1".
        constant: the factor or free constant, solved for; None where there is none.
        expression: the constant as a likely expression, or None.
        name: what the constant is ("factor", "learning rate", "l2"), or "".
        agreement: largest relative difference between the candidate and what the mistake gives.
        with_: the slugs of the other mistakes of the same explanation.
    """

    row: KnownMistake
    layers: tuple[int, ...] = ()
    where: tuple[str, ...] = ()
    detail: str = ""
    constant: float | None = None
    expression: str | None = None
    name: str = ""
    agreement: float = 0.0
    with_: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """Its name in the table."""
        return self.row.slug

    @property
    def group(self) -> str:
        """What it goes wrong in."""
        return self.row.group

    @property
    def what(self) -> str:
        """One sentence: what it is."""
        return self.row.what

    @property
    def mend(self) -> str:
        """One sentence: how to mend it."""
        return self.row.mend

    @property
    def formula(self) -> str:
        """One sentence: how to see it in the formula."""
        return self.row.formula

    @property
    def phrase(self) -> str:
        """What completes "the right gradient with …", constant and form included."""
        said = self.row.phrase
        if self.constant is not None:
            value = f"{self.name} {self.constant:.10g}"
            said += f" ({value} = {self.expression})" if self.expression else f" ({value})"
        return said + (f" ({self.detail})" if self.detail else "")

    def to_dict(self) -> dict:
        """As JSON values."""
        return {
            "slug": self.slug,
            "group": self.group,
            "what": self.what,
            "mend": self.mend,
            "formula": self.formula,
            "layers": list(self.layers),
            "where": list(self.where),
            "detail": self.detail,
            "constant": self.constant,
            "constant_name": self.name,
            "expression": self.expression,
            "agreement": self.agreement,
            "with": list(self.with_),
        }


@dataclass(frozen=True)
class Explanation:
    """One or two mistakes that together give the candidate on this data.

    Attributes:
        steps: where each is made, for running the pass with them again.
    """

    mistakes: tuple[Mistake, ...]
    steps: tuple[MistakeStep, ...]
    agreement: float

    @property
    def slugs(self) -> tuple[str, ...]:
        """The names of its mistakes."""
        return tuple(m.slug for m in self.mistakes)


def stage_address(step: MistakeStep) -> str:
    """The quantity that a step makes wrong."""
    return address({"R": "w", "Rb": "b"}.get(step.stage, step.stage), step.l)


def explanation(partial: PartialExplanation, problem: Problem) -> Explanation:
    """The mistakes of a partial explanation, each with its layers and its constant."""
    groups = mistakes_in(partial.steps)
    slugs = [group[0].slug for group in groups]
    found = []
    for k, group in enumerate(groups):
        first = group[0]
        constant, name = None, ""
        if first.edit and first.edit.free:
            constant, name = first.constant, first.edit.free
        elif first.slug in (WRONG_FACTOR, "stale-accumulation") and first.constant is not None:
            constant, name = first.constant, "factor"
        text = None
        if constant is not None:
            text = penalty_text(constant, name, problem) or as_expression(constant, problem, first.l, 1e-7)
            if text is not None and len(f"{constant:.10g}") <= 5 and not re.search("[a-zη½]", text):
                text = None  # 0.1 is as plain as 1/10
        found.append(
            Mistake(
                MISTAKES[first.slug],
                tuple(sorted({step.l for step in group})),
                tuple(dict.fromkeys(stage_address(step) for step in group)),
                ", ".join(dict.fromkeys(step.detail for step in group if step.detail)),
                constant,
                text,
                name,
                partial.agreement,
                tuple(slugs[:k] + slugs[k + 1 :]),
            )
        )
    found.sort(key=lambda m: LIKELIEST.index(m.slug))
    return Explanation(tuple(found), partial.steps, partial.agreement)


def penalty_text(constant: float, name: str, problem: Problem) -> str | None:
    """A penalty's strength as a multiple of the network's."""
    if name not in ("l2", "l1"):
        return None
    own = getattr(problem.architecture.penalty, name)
    if not own:
        return None
    text = as_expression(constant / own, problem, 1, 1e-6)
    return f"{text} · the network's {own:g}" if text else None


def implausibility(e: Explanation, problem: Problem) -> float:
    """What the explanations are ordered by; lower is likelier."""
    total = 0.0
    for m in e.mistakes:
        own = [s for s in e.steps if s.slug == m.slug]
        total += 2.5 if m.slug == WRONG_FACTOR else 1.0
        total += 0.1 * (m.constant is not None)
        if 1 < len(m.layers) < possible(m.slug, problem):
            total += 0.2  # in some layers, but not in all
        if m.slug == "sum-instead-of-mean" and not any(s.stage == "w" for s in own):
            total += 0.3  # that is the bias's own mistake
        if m.slug == "stale-accumulation" and m.constant is not None and not everywhere(own, problem):
            total += 2.0  # what is left over is left over in every array
        if sum(s.detail == WHOLE for s in own) > 1:
            total += 1.0  # that is a layout
        total += LIKELIEST.index(m.slug) / 1000 + len(own) / 10000
    return total


def everywhere(steps: list[MistakeStep], problem: Problem) -> bool:
    """Whether a factor stands at every ∂C/∂w and ∂C/∂b."""
    have = {(s.stage, s.l) for s in steps}
    layers = range(1, problem.L + 1)
    return {(k, l) for l in layers for k in ("w", "b") if k == "w" or problem.b(l) is not None} <= have


def fitted(e: Explanation) -> bool:
    """Whether it rests on a factor beside another mistake that is no number a person writes: that fits too much."""
    for m in e.mistakes if len(e.mistakes) > 1 else ():
        unnamed = m.slug == WRONG_FACTOR and m.constant is not None and m.expression is None
        if unnamed and not is_round(m.constant, min(1e-5, 10 * e.agreement + 1e-9)):  # type: ignore[arg-type]
            return True
    return False


def possible(slug: str, problem: Problem) -> int:
    """In how many layers a mistake can occur."""
    row = MISTAKES[slug]
    count = sum(bool(any(row.edits(problem, l)) or list(row.factors(problem, l))) for l in range(1, problem.L + 1))
    return count or problem.L


def explanations(partials: list[PartialExplanation], problem: Problem) -> tuple[Explanation, ...]:
    """The explanations, likeliest first, one for each set of mistakes."""
    found = [e for e in (explanation(t, problem) for t in partials) if not fitted(e)]
    ordered = sorted(found, key=lambda e: implausibility(e, problem))
    best: dict[frozenset, Explanation] = {}
    for e in ordered:
        best.setdefault(frozenset(e.slugs), e)
    kept = []
    for slugs, e in best.items():
        # A mistake more than what is enough explains nothing; a bare factor says less than a name.
        if not any(other < slugs and WRONG_FACTOR not in other for other in best):
            kept.append(e)
    return tuple(kept[:MOST])


def noise(agreement: float) -> Explanation:
    """Nothing but a coarser number format."""
    return Explanation((Mistake(MISTAKES[NOISE], agreement=agreement),), (), agreement)


def leftover() -> Explanation:
    """Gradients that a function adds to those of its last call."""
    return Explanation((Mistake(MISTAKES["stale-accumulation"], detail="between two calls"),), (), 0.0)


def agreement(e: Explanation, wrong: Sequence[str]) -> str:
    """One sentence: what the candidate equals, how closely, and where.

    Args:
        wrong: the addresses of the arrays that are wrong.
    """
    phrases = " and ".join(m.phrase for m in e.mistakes)
    if not e.steps:
        return f"equal to the right gradient but for {phrases}, {e.agreement:.1g} at most"
    return f"equal to the right gradient with {phrases}, to {e.agreement:.1g}, in {', '.join(wrong)}"
