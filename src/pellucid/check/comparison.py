"""Compare one array of the candidate with what a pass gives for it under a form of a mistake.

Before it: `passes`, `least_squares`. After it: `search` asks for every array and form that it tries.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..arrays import Array
from .bounds import Bounds
from .candidate import Seen
from .least_squares import Fit, fit, size
from .passes import Edit, Pass
from .problem import Problem

COLUMNS = 16  # columns of a weight matrix that decide whether the whole of it is worth comparing


class Comparison:
    """One candidate beside the passes that are tried.

    Args:
        right: the balls of right values; they say how closely two arrays can be expected to agree.
        factor: how many radii apart two arrays may lie and still count as equal.
    """

    def __init__(self, problem: Problem, seen: Seen, right: Bounds, factor: float = 8.0):
        self.problem, self.seen = problem, seen
        self.tolerance = {at: relative(right, at, factor) for at in right.balls}
        for at, grain in seen.grain.items():  # rounded numbers agree to the digits that were written
            self.tolerance[at] = max(self.tolerance[at], min(2.0 * size(grain) / (size(seen.arrays[at]) or 1.0), 0.02))
        self.columns = {}
        for l in range(1, problem.L + 1):
            norms = abs(problem.a(l - 1)).sum(axis=0)
            wide = norms.size > COLUMNS
            self.columns[l] = np.sort(np.argsort(-norms, kind="stable")[:COLUMNS]) if wide else None

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

    def compare(self, kind: str, edit: Edit | None, penalty: Edit | None, p: Pass, parts=None, known=()) -> Fit | None:
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
            found = self.compare_columns(kind, edit, penalty, p.at(p.l, look), parts, target, known)
            if found is None:
                return None
        return found

    def compare_columns(self, kind, edit, penalty, p: Pass, parts, target: Array, known) -> Fit | None:
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


def relative(right: Bounds, at: tuple[str, int], factor: float) -> float:
    """The tolerance of an address: how far rounding may carry it, relative to its largest entry."""
    ball = right.balls[at]
    largest = size(ball.middle)
    spread = size(np.where(np.isfinite(ball.radius), ball.radius, 0)) / largest if largest else 0.0
    return float(np.clip(factor * spread, 1e-11, 1e-3))
