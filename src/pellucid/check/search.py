"""Which mistake makes the right pass give the candidate? Layer by layer, in backward order.

At layer L every mistake that can occur there is tried; those that give the candidate's ∂C/∂w and ∂C/∂b go on
to the layer below with the δ that the mistake hands down, and so forth. What reaches layer 1 explains
everything. The number of different mistakes is limited, to one first, then to two. So a mistake in one layer,
in some or in all costs the same, and a pair costs little more than a single one.

Before it: `passes`, `mistakes`, `least_squares`. After it: `explanations` puts them in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np

from ..arrays import Array
from .bounds import Bounds
from .candidate import Seen
from .comparison import Comparison
from .constants import as_expression, is_round
from .least_squares import Fit
from .mistakes import MISTAKES, WRONG_FACTOR
from .partial_explanations import MistakeStep, PartialExplanation, merged, mistakes_in, same, solved_before
from .passes import STAGES, Edit, Pass, upstream
from .problem import Problem

Steps = tuple[MistakeStep, ...]
BEAM = 256  # partial explanations that are followed at once


class MistakeSearch:
    """One candidate against the whole table.

    Args:
        right: the balls of right values, in the precision of the candidate.
    """

    @np.errstate(all="ignore")  # a mistake may overflow where the right pass does not
    def __init__(self, problem: Problem, seen: Seen, right: Bounds):
        self.problem, self.seen = problem, seen
        self.comparison = Comparison(problem, seen, right)
        self.tolerance = self.comparison.tolerance
        self.forms: dict[int, dict[str, list[Edit]]] = {}
        self.factors: dict[int, list[tuple[str, str, float]]] = {}
        for l in range(1, problem.L + 1):
            self.forms[l] = {stage: [] for stage in STAGES}
            for row in MISTAKES.values():
                for edit in row.edits(problem, l):
                    self.forms[l][edit.stage].append(edit)
            self.factors[l] = [(row.slug, s, f) for row in MISTAKES.values() for s, f in row.factors(problem, l)]

    @np.errstate(all="ignore")
    def run(self, most: int) -> list[PartialExplanation]:
        """Every explanation with at most `most` different mistakes."""
        partials = [PartialExplanation((), Pass(self.problem))]
        for l in range(self.problem.L, 0, -1):
            grown = [t for partial in partials for t in self.grow(partial, l, most)]
            partials = merged(grown, l)[:BEAM]
            if not partials:
                return []
        return [partial for partial in partials if partial.steps]

    def grow(self, partial: PartialExplanation, l: int, most: int) -> Iterator[PartialExplanation]:
        """The ways to go on through layer l."""
        forms = self.forms[l]
        handed = {e: self.handed(partial, l, e) for e in (None, *forms["dC_da"])}
        plain = self.hand_down(partial, l, (), handed)
        if plain is not None:
            yield from self.settle(partial, (), *plain, most)
        known: dict[Edit, Array] = {}  # δ of each single form
        singles = [(e,) for stage in ("dC_da", "delta") for e in forms[stage]]
        pairs = [(one, two) for one in forms["dC_da"] for two in forms["delta"]]
        for edits in [*singles, *pairs]:
            steps = tuple(MistakeStep(e.slug, e.stage, l, e) for e in edits)
            if len(mistakes_in((*partial.steps, *steps))) > most:
                continue
            found = self.hand_down(partial, l, edits, handed)
            if found is None:
                continue
            p, parts = found
            if len(parts) == 1:
                simpler = [known[e] for e in edits if e in known] + ([plain[1][0]] if plain else [])
                if any(same(parts[0], other) for other in simpler):
                    continue  # does not show on this data, or half of a pair does not
                if len(edits) == 1:
                    known[edits[0]] = parts[0]
            yield from self.settle(partial, steps, p, parts, most)

    def handed(self, partial: PartialExplanation, l: int, edit: Edit | None) -> Any:
        """∂C/∂a of layer l under an edit, or None where it does not fit."""
        p = partial.done.at(l)
        try:
            return edit.make(p) if edit else p.right_dC_da()
        except (ValueError, IndexError, KeyError):  # arrays whose shapes do not fit: the mistake can't be this
            return None

    def hand_down(
        self, partial: PartialExplanation, l: int, edits: Sequence[Edit], handed: dict[Edit | None, Any]
    ) -> tuple[Pass, list[Array]] | None:
        """δ of layer l under these edits, [δ] or [base, direction]."""
        p = partial.done.at(l)
        by_stage = {e.stage: e for e in edits}
        given = handed[by_stage.get("dC_da")]
        if given is None:
            return None
        try:
            parts = upstream(p, by_stage, handed=given)
        except (ValueError, IndexError, KeyError):
            return None
        return None if parts is None else (p, parts)

    def settle(
        self, partial: PartialExplanation, steps: Steps, p: Pass, parts: list[Array], most: int
    ) -> Iterator[PartialExplanation]:
        """Compare ∂C/∂w and ∂C/∂b of layer p.l with the candidate's, and go on where they agree."""
        if len(parts) == 1:
            p.delta[p.l] = parts[0]
            yield from self.compare(partial, steps, p, most)
            return
        tried: list[float] = []
        for t in self.constants(partial, steps, p, parts, most):
            if any(abs(t - other) <= 1e-6 * abs(t) for other in tried):
                continue
            tried.append(t)
            free = next(s for s in steps if s.edit and s.edit.free)
            solved = tuple(replace(s, constant=t) if s is free else s for s in steps)
            q = p.at(p.l)
            known = upstream(q, {s.stage: s.edit for s in steps if s.edit}, constants={free.slug: t})
            if known and len(mistakes_in((*partial.steps, *solved))) <= most:
                yield from self.compare(partial, solved, q, most)

    def constants(self, partial: PartialExplanation, steps, p: Pass, parts: list[Array], most: int) -> Iterator[float]:
        """Values of a free constant in δ: what it was in the layers above, or what this layer's arrays allow."""
        slug = next(s.slug for s in steps if s.edit and s.edit.free)
        yield from solved_before(partial.steps, slug)
        if self.problem.learning_rate:
            yield self.problem.learning_rate
        for kind in ("w", "b"):
            for edit in (None, *self.allowed(kind, partial.steps + steps, p.l, most)):
                found = self.comparison.compare(kind, edit, None, p, parts)
                if found and found.free is not None:
                    yield found.free

    def allowed(self, stage: str, steps: Steps, l: int, most: int) -> list[Edit]:
        """The forms of a stage that the number of mistakes leaves room for."""
        room = len(mistakes_in(steps)) < most
        used = {s.slug for s in steps}
        return [e for e in self.forms[l][stage] if room or e.slug in used]

    def compare(self, partial: PartialExplanation, steps: Steps, p: Pass, most: int) -> Iterator[PartialExplanation]:
        """Go on with every combination of forms and factors at this layer that gives the candidate's arrays."""
        so_far = partial.steps + steps
        scales = self.comparison.intermediate(p)
        if scales is None:
            return
        options_b = self.options("b", so_far, p, most)
        options_w = self.options("w", so_far, p, most) if options_b else []
        for (extra_b, fit_b), (extra_w, fit_w) in product(options_b, options_w):
            here = so_far + extra_b + extra_w
            if len(mistakes_in(here)) > most:
                continue
            for factors in self.split(p.l, fit_w, fit_b, scales, most - len(mistakes_in(here)) > 0):
                total = here + factors
                if len(mistakes_in(total)) <= most:
                    agreement = max([partial.agreement, *(f.agreement for f in (fit_w, fit_b) if f)])
                    yield PartialExplanation(total, self.finished(p, factors), agreement)

    def options(self, kind: str, steps: Steps, p: Pass, most: int) -> list[tuple[Steps, Fit | None]]:
        """The forms of ∂C/∂w or ∂C/∂b that give the candidate's up to a factor."""
        at = (kind, p.l)
        if at not in self.seen.arrays and at not in self.seen.missing:
            return [((), None)]
        plain = self.comparison.compare(kind, None, None, p)
        if plain and plain.factor == 1.0:
            return [((), plain)]
        out: list[tuple[Steps, Fit | None]] = [((), plain)] if plain else []
        forms = [(e, None) for e in self.allowed(kind, steps, p.l, most)]
        penalties = self.allowed("R" if kind == "w" else "Rb", steps, p.l, most)
        forms += [(e, r) for e in (None, *(e for e, _ in forms)) for r in penalties]
        for edit, penalty in forms:
            found = self.comparison.compare(
                kind, edit, penalty, p, known=solved_before(steps, penalty.slug) if penalty else ()
            )
            if found is None or (found.factor != 1.0 and found.entries < 2 and self.tolerance[at] > 1e-8):
                continue  # one rough number and a factor of one's choice prove nothing
            extra = tuple(
                MistakeStep(e.slug, e.stage, p.l, e, found.free if e.free else None) for e in (edit, penalty) if e
            )
            if len(mistakes_in(steps + extra)) <= most:
                out.append((extra, found))
        return out

    def split(self, l: int, fit_w: Fit | None, fit_b: Fit | None, scales: list[float], room: bool) -> Iterator[tuple]:
        """The ways in which factors of ∂C/∂w and ∂C/∂b come about: in δ, or in each of the two."""
        read = {k: f for k, f in (("w", fit_w), ("b", fit_b)) if f and not f.zero}
        c = {k: f.factor for k, f in read.items()}
        entries = {k: f.entries for k, f in read.items()}
        together = sum(entries.values())
        changed = [v for v in c.values() if v != 1.0]
        in_delta = [(1.0, True)]
        if changed:
            in_delta += [(v, True) for v in dict.fromkeys(changed) if v != 0.0]
            if room and len(changed) == len(c):
                in_delta += [(f, False) for _, stage, f in self.factors[l] if stage == "dC_da" and f not in changed]
        for u, any_factor in in_delta:
            if scales and not any(abs(u - s) <= 1e-6 * abs(s) for s in scales):
                continue
            names = [self.names("dC_da", l, u, together, any_factor)]
            for kind, value in c.items():
                names.append(self.names(kind, l, value / u, entries[kind], any_factor))
            for steps in product(*names):
                yield tuple(step for group in steps for step in group)

    def names(self, stage: str, l: int, factor: float, entries: int, any_factor: bool) -> list[Steps]:
        """The mistakes that multiply this stage by `factor`, alone or two together; [()] for 1."""
        close = 10 * self.tolerance["w" if stage == "dC_da" else stage, l] + 1e-12
        if abs(factor - 1) <= close:
            return [()]
        steps = [MistakeStep(slug, stage, l, constant=f) for slug, s, f in self.factors[l] if s == stage]

        def gives(*group: MistakeStep) -> bool:
            together = prod(step.constant or 0.0 for step in group)
            return abs(factor - together) <= close * max(abs(together), 1e-300)

        found: list[Steps] = [(step,) for step in steps if gives(step)]
        if not found:
            found = [pair for pair in combinations(steps, 2) if pair[0].slug != pair[1].slug and gives(*pair)]
        single = close < 1e-8 and is_round(factor, close)  # one number, but to many digits and with a round factor
        if factor and any_factor and (entries >= 2 or single or as_expression(factor, self.problem, l, close)):
            found.append((MistakeStep(WRONG_FACTOR, stage, l, constant=factor),))
        return found

    def finished(self, p: Pass, factors: Steps) -> Pass:
        """The pass with this layer done: δ as the candidate has it, its own gradients where it gave them."""
        l = p.l
        q = p.at(l)
        for step in factors:
            if step.stage == "dC_da":
                q.delta[l] = q.delta[l] * step.constant
        q.w[l] = self.seen.arrays.get(("w", l), None)
        if q.w[l] is None or ("w", l) in self.seen.odd:
            q.w[l] = q.right_w() + q.right_R()
        return q
