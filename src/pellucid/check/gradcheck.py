"""Check the derivative that any function comes with: its gradient, its Jacobian or its pull-back.

Nothing of a network is needed. What is compared: central differences, the complex step where the function
takes it, the order of the Taylor remainder, and for a pull-back ⟨D f u, v⟩ = ⟨u, (D f)* v⟩.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InputError, ShapeError, shown
from .evidence import central, remainder_orders
from .verdict import BELOW, KINK, RIGHT, WRONG

MOST = 2000  # entries that are differentiated one by one; of more, the same number drawn at random


@dataclass(frozen=True)
class Number:
    """One derivative: of which argument and entry, as the function gives it and as differences find it.

    Attributes:
        error: the uncertainty of the difference.
        sides: the one-sided derivatives, where they differ.
    """

    address: str
    yours: float
    found: float
    error: float
    sides: tuple[float, float] | None = None

    @property
    def excess(self) -> float:
        """|yours − found| in units of the uncertainty."""
        return abs(self.yours - self.found) / self.error if self.error else float("inf")


@dataclass(frozen=True)
class GradientReport:
    """The result of `gradcheck`.

    Attributes:
        verdict: "right", "wrong", "kink, within the interval" or "below what this test can see".
        entries: the derivatives that differ, worst first.
        worst: the largest difference relative to the largest derivative, over all entries looked at.
        order: of the Taylor remainder; 2 when right, 1 when wrong, None where rounding hides it.
        adjoint: |⟨D f u, v⟩ − ⟨u, (D f)* v⟩| relative to its terms, for a pull-back; else None.
        notes: what was sampled, and how.
    """

    verdict: str
    entries: tuple[Number, ...]
    worst: float
    order: float | None
    adjoint: float | None
    notes: tuple[str, ...] = ()
    tolerance: str = "10 × the differences' own uncertainty + 1e-9 of the largest derivative"

    @property
    def ok(self) -> bool:
        """Whether no mistake was found."""
        return self.verdict != WRONG

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        entries = [
            {"address": e.address, "yours": e.yours, "found": e.found, "error": e.error, "sides": e.sides}
            for e in self.entries
        ]
        return {
            "ok": self.ok,
            "verdict": self.verdict,
            "worst": self.worst,
            "order": self.order,
            "adjoint": self.adjoint,
            "entries": entries,
            "notes": list(self.notes),
            "tolerance": self.tolerance,
        }

    def __str__(self) -> str:
        lines = [self.verdict[0].upper() + self.verdict[1:] + "."]
        for e in self.entries[:5]:
            sides = f", one-sided {e.sides[0]:.6g} and {e.sides[1]:.6g}" if e.sides else ""
            lines.append(f"{e.address}: yours {e.yours:.10g}, differences {e.found:.10g} ± {e.error:.1g}{sides}")
        if self.order is not None:
            lines.append(f"Taylor remainder: order {self.order:.2f} (2 is right)")
        if self.adjoint is not None:
            lines.append(f"⟨D f u, v⟩ and ⟨u, (D f)* v⟩ differ by {self.adjoint:.1g} of their size")
        return "\n".join([*lines, *self.notes, f"Tolerance: {self.tolerance}."])


def gradcheck(f: Any, args: Any, *, seed: int = 0) -> GradientReport:
    """Check a function's own derivative at a point.

    Args:
        f: one of: a function that returns (value, gradient) with one number as its value; a pair (f, df) of
            functions, df giving the gradient (or the derivative, entry by entry); an object with `pull_back(*args,
            v)` or `vjp(*args, v)` beside a call or `forward`; a JAX custom_vjp; a torch.autograd.Function.
        args: the point: one array or number, or a tuple of them. Whole numbers are taken as they are.
        seed: of the directions, and of the entries where there are more than 2000.

    Raises:
        InputError: something without a derivative.
        ShapeError: a gradient that does not have its argument's shape.

    Example:
        >>> gradcheck((np.sin, np.cos), np.array([0.3, 1.2])).ok
        True
        >>> report = gradcheck(lambda x: (float(x @ x), x), np.array([1.0, 2.0]))
        >>> report.verdict, round(report.order)
        ('wrong', 1)
    """
    point = tuple(np.array(a, np.float64) for a in (args if isinstance(args, tuple) else (args,)))
    value, pull_back = parts(f, point)
    generator = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        out = np.asarray(value(*point), np.float64)
        v = np.ones(()) if out.ndim == 0 else np.round(generator.normal(size=out.shape), 3)
        yours = gradients(pull_back(point, v), point)

        def along(moved: Sequence[Array]) -> float:
            return float(np.vdot(v, np.asarray(value(*moved), np.float64)))

        u = [np.round(generator.normal(size=a.shape), 3) * extent(a) for a in point]
        slope = float(sum(np.vdot(g, d) for g, d in zip(yours, u, strict=True)))
        line = lambda h: along([a + h * d for a, d in zip(point, u, strict=True)])  # noqa: E731
        order = remainder_orders(line, [slope])[0]
        adjoint = None
        if out.ndim:
            forward = central(line)
            scale = float(sum(np.sum(abs(g * d)) for g, d in zip(yours, u, strict=True))) or 1.0
            adjoint = abs(forward.value - slope) / scale
        numbers, notes = entry_by_entry(along, point, yours, generator)
    return judged(numbers, order, adjoint, notes)


def extent(a: Array) -> Array:
    """How far each entry may be moved: as far as it is large, and zeros a little of the largest."""
    largest = float(np.max(abs(a), initial=0.0)) or 1.0
    return np.where(a == 0, 1e-3 * largest, abs(a))


def parts(f: Any, point: tuple[Array, ...]) -> tuple[Callable, Callable]:
    """The function itself, and its pull-back (point, v) → (D f)* v."""
    if isinstance(f, tuple) and len(f) == 2 and all(map(callable, f)):
        own, derivative = f
        return own, lambda args, v: times(derivative(*args), args, v)
    if hasattr(f, "fwd") and hasattr(f, "bwd"):  # JAX: defvjp's two functions, called as they are
        from .frameworks import of_custom_vjp

        return of_custom_vjp(f)
    if hasattr(f, "apply") and hasattr(f, "backward"):
        from .frameworks import of_autograd_function

        return of_autograd_function(f)
    given: Any = f  # no longer a tuple
    if hasattr(f, "g") and hasattr(f, "derivative"):  # one of Pellucid's activations, or one made like them
        return given.g, lambda args, v: given.derivative(*args) * v
    for name in ("pull_back", "vjp"):
        if hasattr(f, name):
            own, back = f if callable(f) else getattr(f, "forward", None), getattr(f, name)
            if own is None:
                raise InputError("gradcheck: f", f"expected a call or `forward` beside `{name}`", shown(f))
            return own, lambda args, v, back=back: back(*args, v)
    if callable(f):
        got = f(*point)
        if isinstance(got, tuple) and len(got) == 2 and np.ndim(got[0]) == 0:
            return lambda *args: given(*args)[0], lambda args, v: times(given(*args)[1], args, v)
        raise InputError("gradcheck: f", "expected a function that returns (value, gradient)", shown(got))
    raise InputError("gradcheck: f", "expected a function with its derivative", shown(f), "Give (f, df).")


def times(derivative: Any, args: tuple[Array, ...], v: Array) -> Any:
    """A gradient, or an elementwise derivative, times v."""
    if v.ndim == 0:
        return derivative
    if len(args) == 1 and np.shape(derivative) == v.shape == args[0].shape:
        return np.asarray(derivative) * v
    if len(args) == 1 and np.shape(derivative) == v.shape + args[0].shape:
        return np.tensordot(v, np.asarray(derivative), v.ndim)  # a Jacobian
    raise ShapeError("gradcheck: df", f"expected {v.shape} or {v.shape + args[0].shape}", np.shape(derivative))


def gradients(got: Any, point: tuple[Array, ...]) -> list[Array]:
    """One array per argument."""
    got = tuple(got) if isinstance(got, tuple | list) and (len(point) > 1 or len(got) == 1) else (got,)
    if len(got) != len(point):
        raise ShapeError("gradcheck: gradient", f"expected {len(point)} arrays, one per argument", len(got))
    out = []
    for n, (g, a) in enumerate(zip(got, point, strict=True)):
        g = np.asarray(g, np.float64)
        if g.shape != a.shape:
            raise ShapeError(f"gradcheck: gradient in argument {n}", f"expected {a.shape}", g.shape)
        out.append(g)
    return out


def entry_by_entry(along, point: tuple[Array, ...], yours: list[Array], generator) -> tuple[list[Number], tuple]:
    """Central differences of every entry, or of MOST of them."""
    places = [(n, k) for n, a in enumerate(point) for k in range(a.size)]
    notes: tuple[str, ...] = ()
    if len(places) > MOST:
        notes = (f"{MOST} of {len(places)} entries were drawn at random and looked at.",)
        places = [places[k] for k in np.sort(generator.choice(len(places), MOST, replace=False))]
    numbers = []
    for n, k in places:
        size = max(1.0, abs(float(point[n].flat[k])))

        def at(h: float, n=n, k=k) -> float:
            moved = [a.copy() for a in point]
            moved[n].flat[k] += h
            return along(moved)

        found = central(at, size)
        middle, step = at(0.0), found.step
        up, down = (at(step) - middle) / step, (middle - at(-step)) / step
        curved = abs((at(step / 8) - middle) / (step / 8) - (middle - at(-step / 8)) / (step / 8))
        # Across a kink the one-sided slopes stay apart however small the step; over a smooth bend they meet.
        kink = abs(up - down) > 1e-4 * max(abs(up), abs(down)) and curved > 0.5 * abs(up - down)
        index = ",".join(map(str, np.unravel_index(k, point[n].shape)))
        name = (f"argument {n} " if len(point) > 1 else "") + (f"[{index}]" if point[n].ndim else "x")
        sides = (min(up, down), max(up, down)) if kink else None
        numbers.append(Number(name.strip(), float(yours[n].flat[k]), found.value, found.error, sides))
    return numbers, notes


def judged(numbers: list[Number], order: float | None, adjoint: float | None, notes: tuple) -> GradientReport:
    """The verdict on all entries."""
    finite = [abs(e.found) for e in numbers if np.isfinite(e.found)]
    largest = max(finite, default=0.0)
    wrong, kinks, unseen = [], [], 0
    for e in numbers:
        allowed = 10 * e.error + 1e-9 * largest
        if not np.isfinite(e.found) and np.isfinite(e.yours):
            unseen += 1  # the function breaks down beside the point
        elif e.sides is None and abs(e.yours - e.found) <= allowed:
            unseen += allowed > 1e-2 * max(abs(e.found), abs(e.yours), 1e-300) and largest > 0
        elif e.sides and e.sides[0] - allowed <= e.yours <= e.sides[1] + allowed:
            kinks.append(e)
        else:
            wrong.append(e)
    if wrong:
        verdict = WRONG
    elif kinks:
        verdict = KINK
    else:
        verdict = BELOW if numbers and unseen == len(numbers) else RIGHT
    differing = sorted(wrong or kinks, key=lambda e: -e.excess)
    worst = max((abs(e.yours - e.found) for e in numbers), default=0.0) / (largest or 1.0)
    return GradientReport(verdict, tuple(differing), worst, order, adjoint, notes)


__all__ = ["GradientReport", "Number", "gradcheck"]
