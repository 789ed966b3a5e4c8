"""Which mistake makes the right pass give the candidate? Layer by layer, in backward order.

At layer L every mistake that can occur there is tried; those that give the candidate's ∂C/∂w and ∂C/∂b go on
to the layer below with the δ that the mistake hands down, and so forth. What reaches layer 1 explains
everything. The number of different mistakes is limited, to one first, then to two. So a mistake in one layer,
in some or in all costs the same, and a pair costs little more than a single one.

Before it: `passes`, `mistakes`, `fits`. After it: `explanations` puts them in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import prod

import numpy as np

from ..arrays import Array
from .bounds import Bounds
from .candidate import Seen
from .fits import Fit, fit, size
from .likely import likely
from .mistakes import MISTAKES, WRONG_FACTOR
from .passes import STAGES, Edit, Pass, upstream
from .problem import Problem

COLUMNS = 16  # columns of a weight matrix that decide whether the whole of it is worth comparing
BEAM = 256  # partial explanations that are followed at once


@dataclass(frozen=True)
class Step:
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

    def like(self, other: Step) -> bool:
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
class Trail:
    """A partial explanation: the steps so far, the pass as the candidate must have computed it, the agreement."""

    steps: tuple[Step, ...]
    done: Pass
    agreement: float = 0.0


def mistakes_in(steps: Iterable[Step]) -> list[list[Step]]:
    """The steps grouped by mistake."""
    groups: list[list[Step]] = []
    for step in steps:
        for group in groups:
            if group[0].like(step):
                group.append(step)
                break
        else:
            groups.append([step])
    return groups


class Search:
    """One candidate against the whole table.

    Args:
        tolerances: per address the largest relative difference that counts as equal.
    """

    def __init__(self, problem: Problem, seen: Seen, right: Bounds, factor: float = 8.0):
        self.problem, self.seen = problem, seen
        self.tolerance = {at: relative(right, at, factor) for at in right.balls}
        self.columns = {}
        for l in range(1, problem.L + 1):
            norms = abs(problem.a(l - 1)).sum(axis=0)
            wide = norms.size > COLUMNS
            self.columns[l] = np.sort(np.argsort(-norms, kind="stable")[:COLUMNS]) if wide else None
        self.forms: dict[int, dict[str, list[Edit]]] = {}
        self.factors: dict[int, list[tuple[str, str, float]]] = {}
        for l in range(1, problem.L + 1):
            self.forms[l] = {stage: [] for stage in STAGES}
            for row in MISTAKES.values():
                for edit in row.edits(problem, l):
                    self.forms[l][edit.stage].append(edit)
            self.factors[l] = [(row.slug, s, f) for row in MISTAKES.values() for s, f in row.factors(problem, l)]

    @np.errstate(all="ignore")
    def run(self, most: int) -> list[Trail]:
        """Every explanation with at most `most` different mistakes."""
        trails = [Trail((), Pass(self.problem))]
        for l in range(self.problem.L, 0, -1):
            grown = [t for trail in trails for t in self.grow(trail, l, most)]
            trails = merged(grown, l)[:BEAM]
            if not trails:
                return []
        return [trail for trail in trails if trail.steps]

    def grow(self, trail: Trail, l: int, most: int) -> Iterator[Trail]:
        """The ways to go on through layer l."""
        forms = self.forms[l]
        right = self.hand_down(trail, l, ())
        known: dict[Edit, Array] = {}  # δ of each single form
        if right is not None:
            yield from self.settle(trail, (), *right, most)
        singles = [(e,) for stage in ("dC_da", "delta") for e in forms[stage]]
        pairs = [(one, two) for one in forms["dC_da"] for two in forms["delta"]]
        for edits in [*singles, *pairs]:
            steps = tuple(Step(e.slug, e.stage, l, e) for e in edits)
            if len(mistakes_in((*trail.steps, *steps))) > most:
                continue
            handed = self.hand_down(trail, l, edits)
            if handed is None:
                continue
            p, parts = handed
            if len(parts) == 1:
                simpler = [known[e] for e in edits if e in known] + ([right[1][0]] if right else [])
                if any(same(parts[0], other) for other in simpler):
                    continue  # does not show on this data, or half of a pair does not
                if len(edits) == 1:
                    known[edits[0]] = parts[0]
            yield from self.settle(trail, steps, p, parts, most)

    def hand_down(self, trail: Trail, l: int, edits: Sequence[Edit]) -> tuple[Pass, list[Array]] | None:
        """δ of layer l under these edits, [δ] or [base, direction]."""
        p = trail.done.at(l)
        try:
            parts = upstream(p, {e.stage: e for e in edits})
        except (ValueError, IndexError, KeyError):  # arrays whose shapes do not fit: the mistake can't be this
            return None
        return None if parts is None else (p, parts)

    def settle(self, trail: Trail, steps: tuple[Step, ...], p: Pass, parts: list[Array], most: int) -> Iterator[Trail]:
        """Compare ∂C/∂w and ∂C/∂b of layer p.l with the candidate's, and go on where they agree."""
        if len(parts) == 1:
            p.delta[p.l] = parts[0]
            yield from self.compare(trail, steps, p, most)
            return
        tried: list[float] = []
        for t in self.constants(trail, steps, p, parts, most):
            if any(abs(t - other) <= 1e-6 * abs(t) for other in tried):
                continue
            tried.append(t)
            free = next(s for s in steps if s.edit and s.edit.free)
            solved = tuple(replace(s, constant=t) if s is free else s for s in steps)
            q = p.at(p.l)
            known = upstream(q, {s.stage: s.edit for s in steps if s.edit}, constants={free.slug: t})
            if known and len(mistakes_in((*trail.steps, *solved))) <= most:
                yield from self.compare(trail, solved, q, most)

    def constants(self, trail: Trail, steps, p: Pass, parts: list[Array], most: int) -> Iterator[float]:
        """Values of a free constant in δ: what it was in the layers above, or what this layer's arrays allow."""
        slug = next(s.slug for s in steps if s.edit and s.edit.free)
        yield from solved_before(trail.steps, slug)
        if self.problem.learning_rate:
            yield self.problem.learning_rate
        for kind in ("w", "b"):
            for edit in (None, *self.allowed(kind, trail.steps + steps, p.l, most)):
                found = self.read(kind, edit, None, p, parts)
                if found and found.free is not None:
                    yield found.free

    def allowed(self, stage: str, steps: tuple[Step, ...], l: int, most: int) -> list[Edit]:
        """The forms of a stage that the number of mistakes leaves room for."""
        room = len(mistakes_in(steps)) < most
        used = {s.slug for s in steps}
        return [e for e in self.forms[l][stage] if room or e.slug in used]

    def compare(self, trail: Trail, steps: tuple[Step, ...], p: Pass, most: int) -> Iterator[Trail]:
        """Go on with every combination of forms and factors at this layer that gives the candidate's arrays."""
        so_far = trail.steps + steps
        scales = self.intermediate(p)
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
                    agreement = max([trail.agreement, *(f.agreement for f in (fit_w, fit_b) if f)])
                    yield Trail(total, self.finished(p, factors), agreement)

    def intermediate(self, p: Pass) -> list[float] | None:
        """Factors of δ that the candidate's own δ and ∂C/∂a allow; [] for any, None where they disagree."""
        allowed: list[float] = []
        for kind, mine in (("delta", p.delta[p.l]), ("dC_da", p.dC_da.get(p.l))):
            at = (kind, p.l)
            if at in self.seen.arrays and at not in self.seen.odd and mine is not None:
                found = fit(self.seen.arrays[at], [mine], self.tolerance[at])
                if found is None:
                    return None
                allowed += [found.factor, found.factor * self.problem.n]  # δ may carry the 1/n already
        return allowed

    def options(
        self, kind: str, steps: tuple[Step, ...], p: Pass, most: int
    ) -> list[tuple[tuple[Step, ...], Fit | None]]:
        """The forms of ∂C/∂w or ∂C/∂b that give the candidate's up to a factor."""
        at = (kind, p.l)
        if at not in self.seen.arrays and at not in self.seen.missing:
            return [((), None)]
        plain = self.read(kind, None, None, p)
        if plain and plain.factor == 1.0:
            return [((), plain)]
        out: list[tuple[tuple[Step, ...], Fit | None]] = [((), plain)] if plain else []
        forms = [(e, None) for e in self.allowed(kind, steps, p.l, most)]
        penalties = self.allowed("R" if kind == "w" else "Rb", steps, p.l, most)
        forms += [(e, r) for e in (None, *(e for e, _ in forms)) for r in penalties]
        for edit, penalty in forms:
            found = self.read(kind, edit, penalty, p, known=solved_before(steps, penalty.slug) if penalty else ())
            if found is None or (found.factor != 1.0 and found.entries < 2 and self.tolerance[at] > 1e-8):
                continue  # one rough number and a factor of one's choice prove nothing
            extra = tuple(Step(e.slug, e.stage, p.l, e, found.free if e.free else None) for e in (edit, penalty) if e)
            if len(mistakes_in(steps + extra)) <= most:
                out.append((extra, found))
        return out

    def read(self, kind: str, edit: Edit | None, penalty: Edit | None, p: Pass, parts=None, known=()) -> Fit | None:
        """Compare one array with what the pass gives under a form; first a part of it, then the whole."""
        at = (kind, p.l)
        if at in self.seen.missing:
            target = np.zeros(self.problem.widths[p.l]) if kind == "b" else np.zeros_like(self.problem.w(p.l))
        elif at in self.seen.arrays:
            target = self.seen.arrays[at]
        else:
            return None
        if at in self.seen.odd and edit is None:
            return None
        if at not in self.seen.odd and edit is not None and edit.whole and len(set(target.shape[-2:])) > 1:
            return None  # a form that turns the array round can't give this shape
        columns = self.columns[p.l] if kind == "w" else None
        odd = at in self.seen.odd or (edit is not None and edit.whole)
        looks = [None] if columns is None or odd else [columns, None]
        found = None
        for look in looks:
            found = self.read_columns(kind, edit, penalty, p.at(p.l, look), parts, target, known)
            if found is None:
                return None
        return found

    def read_columns(self, kind, edit, penalty, p: Pass, parts, target: Array, known) -> Fit | None:
        """Compare the columns that p looks at."""
        try:
            values = []
            for part in parts or [p.delta[p.l]]:
                p.delta[p.l] = part
                if edit:
                    values.append(edit.make(p))
                else:
                    values.append(p.right_w() if kind == "w" else p.right_b())
            fixed = penalty.make(p) if penalty else p.right_R() if kind == "w" else p.right_Rb()
            if isinstance(fixed, tuple):
                fixed, direction = fixed
                values.append(direction)
        except (ValueError, IndexError, KeyError):
            return None
        if len(values) > 2 or (kind == "w" and (kind, p.l) in self.seen.odd and values[0].shape != target.shape):
            return None
        target, tolerance = p.part(target) if kind == "w" else target, self.tolerance[kind, p.l]
        # A gradient that is turned round may be so with its penalty, or without.
        for extra in (fixed, fixed.T) if edit and edit.whole and fixed.any() else (fixed,):
            fits_in = np.squeeze(values[0]).shape == np.squeeze(extra).shape and extra.any()
            for t in known if penalty and len(values) == 2 else ():
                found = fit(target, values[:1], tolerance, t * values[1] + (extra if fits_in else 0))
                if found:
                    return replace(found, free=t)
            found = fit(target, values, tolerance, extra if fits_in else None, apart=penalty is not None)
            if found:
                return found
        return None

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

    def names(self, stage: str, l: int, factor: float, entries: int, any_factor: bool) -> list[tuple[Step, ...]]:
        """The mistakes that multiply this stage by `factor`, alone or two together; [()] for 1."""
        close = 10 * self.tolerance["w" if stage == "dC_da" else stage, l] + 1e-12
        if abs(factor - 1) <= close:
            return [()]
        steps = [Step(slug, stage, l, constant=f) for slug, s, f in self.factors[l] if s == stage]

        def gives(*group: Step) -> bool:
            together = prod(step.constant or 0.0 for step in group)
            return abs(factor - together) <= close * max(abs(together), 1e-300)

        found: list[tuple[Step, ...]] = [(step,) for step in steps if gives(step)]
        if not found:
            found = [pair for pair in combinations(steps, 2) if pair[0].slug != pair[1].slug and gives(*pair)]
        if factor and any_factor and (entries >= 2 or likely(factor, self.problem, l, close)):
            found.append((Step(WRONG_FACTOR, stage, l, constant=factor),))
        return found

    def finished(self, p: Pass, factors: tuple[Step, ...]) -> Pass:
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


def solved_before(steps: Iterable[Step], slug: str) -> list[float]:
    """The values that a mistake's free constant has had in the layers above."""
    return list(dict.fromkeys(s.constant for s in steps if s.slug == slug and s.edit and s.constant is not None))


def relative(right: Bounds, at: tuple[str, int], factor: float) -> float:
    """The tolerance of an address: how far rounding may carry it, relative to its largest entry."""
    ball = right.balls[at]
    largest = size(ball.middle)
    spread = size(np.where(np.isfinite(ball.radius), ball.radius, 0)) / largest if largest else 0.0
    return float(np.clip(factor * spread, 1e-11, 1e-3))


def same(one: Array, two: Array) -> bool:
    """Whether two δ are equal but for rounding."""
    return one.shape == two.shape and size(one - two) <= 1e-12 * max(size(one), size(two))


def merged(trails: list[Trail], l: int) -> list[Trail]:
    """One trail of those that name the same mistakes and hand down the same δ: the one with the fewest steps."""
    best: dict[tuple, Trail] = {}
    for trail in trails:
        delta = trail.done.delta[l].ravel()
        probe = delta[:: max(1, delta.size // 16)]
        names = frozenset((g[0].slug, None if g[0].own_constant is None else f"{g[0].own_constant:.3e}")
                          for g in mistakes_in(trail.steps))  # fmt: skip
        key = (names, " ".join(f"{v:.8e}" for v in probe))
        if key not in best or len(trail.steps) < len(best[key].steps):
            best[key] = trail
    return sorted(best.values(), key=lambda t: (len(mistakes_in(t.steps)), len(t.steps)))
