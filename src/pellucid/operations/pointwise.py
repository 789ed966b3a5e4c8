"""A formula of one entry of each input: gates, states, residual sums, scale and shift; and activations.

    Pointwise("f * before + i * g", "f before i g", "tj,tj,tj,tj->tj")
    Pointwise("gamma * x + beta", "gamma x beta", "j,rcj,j->rcj")

The formula stands once, as text: its value, its slopes and its explanation come from it. `Applied` does the same with
an `Activation`, whose code is stable where a formula in full would overflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from ..activations import Activation
from ..arrays import Array, erfc, namespace
from ..errors import ShapeError
from ..expressions import (
    Cases,
    Expression,
    Function,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    differentiate,
)
from ..factors import Bias, Each
from ..formulas import read
from ..spaces import Space
from .base import Operation, Products, Readers, grid
from .contraction import flat_uses, spread, summed


class Entrywise(Operation):
    """Each entry of out is a formula of one entry of each input. `sides` are the inputs' letters and out's."""

    @property
    def entrywise(self):
        return True

    @property
    def sides(self) -> tuple[tuple[str, ...], str]:
        """The letters of each input, and of out."""
        raise NotImplementedError

    def slope(self, m: int, x: tuple[Array, ...], out: Array) -> Array:
        """∂out/∂x_m entry by entry, in the shape of out."""
        raise NotImplementedError

    def space(self, *inputs):
        size: dict[str, int] = {}
        for letters, space in zip(self.sides[0], inputs, strict=True):
            if len(letters) != len(space.shape):
                raise ShapeError(str(self), f"expected {len(letters)} axes", space.shape)
            for c, n in zip(letters, space.shape, strict=True):
                if size.setdefault(c, n) != n:
                    raise ShapeError(str(self), f"expected {size[c]} places for {c}", n)
        return Space(self.sides[1], tuple(size[c] for c in self.sides[1]))

    def pull_back(self, m, x, out, d):
        return summed(d * self.slope(m, x, out), self.sides[1], self.sides[0][m])

    def factors(self, m, x, out, d):
        letters, above = self.sides[0][m], self.sides[1]
        each = d * self.slope(m, x, out)
        if len(letters) == 1 and above.endswith(letters):
            return Bias(flat_uses(each) if each.ndim > 2 else each)
        return Each(summed(each, above, letters))

    def terms(self, x, index):
        first = len(index) - len(self.sides[1])
        at = dict(zip(self.sides[1], index[first:], strict=True))
        found = []
        for m, letters in enumerate(self.sides[0]):
            sample = index[: x[m].ndim - len(letters)]
            found.append(Products(((m, tuple(np.array([i]) for i in (*sample, *(at[c] for c in letters)))),), 1))
        return tuple(found)

    def readers(self, m, x, out, index, sample):
        letters, above = self.sides[0][m], self.sides[1]
        per_sample = out.ndim > len(above)
        if x[m].ndim > len(letters):
            sample, index = index[0], index[1:]
        fixed = dict(zip(letters, index, strict=True))
        running = [c for c in above if c not in fixed]
        shape = dict(zip(above, out.shape[out.ndim - len(above) :], strict=True))
        columns = dict(zip(running, grid(shape[c] for c in running), strict=True))
        count = len(next(iter(columns.values()))) if columns else 1
        at = {c: np.full(count, v) for c, v in fixed.items()} | columns
        entries = tuple(at[c] for c in above)
        entries = (np.full(count, sample), *entries) if per_sample else entries
        with np.errstate(all="ignore"):
            return Readers(entries, np.asarray(self.slope(m, x, out))[entries])


@dataclass(frozen=True)
class Pointwise(Entrywise):
    """out = formula of the inputs, which broadcast by their letters.

    Args:
        formula: as `formulas.Formula` reads it.
        names: what the formula calls the inputs, in their order.
        letters: of each input and of out.

    Example:
        >>> Pointwise("x + y", "x y", "j,j->j").value(np.ones((1, 2)), np.ones((1, 2)))
        array([[2., 2.]])
    """

    formula: str
    names: str
    letters: str

    @cached_property
    def sides(self):
        inputs, out = self.letters.split("->")
        return tuple(inputs.split(",")), out

    @property
    def equation(self) -> Expression:
        """The formula, with the inputs by their names."""
        return read(self.formula)

    def slope_equation(self, m: int) -> Expression:
        """∂out/∂x_m as a formula."""
        return differentiate(self.equation, self.names.split()[m])

    def filled(self, e: Expression, x: tuple[Array, ...]) -> Array:
        """A formula of the inputs, computed for all entries."""
        arrays = {
            name: spread(a, l, self.sides[1]) for name, a, l in zip(self.names.split(), x, self.sides[0], strict=True)
        }
        rank = max(a.ndim for a in arrays.values())
        arrays = {name: a[(None,) * (rank - a.ndim)] for name, a in arrays.items()}
        found, shape = on_arrays(e, arrays), np.broadcast_shapes(*(a.shape for a in arrays.values()))
        return found if found.shape == shape else namespace(found).broadcast_to(found, shape)  # it names not all inputs

    def value(self, *x):
        return self.filled(self.equation, x)

    def slope(self, m, x, out):
        return self.filled(self.slope_equation(m), x)


@dataclass(frozen=True)
class Applied(Entrywise):
    """a = g(z) with an activation of its own code; one that mixes the nodes of its layer reads all along the last axis.

    Args:
        g: the activation.
        letters: of z and of a.
    """

    g: Activation
    letters: str

    @property
    def entrywise(self):
        return self.g.elementwise

    @property
    def sides(self):
        return (self.letters,), self.letters

    def value(self, *x):
        return self.g.g(x[0])

    def direct(self):
        return self.g.g

    def pull_back(self, m, x, out, d):
        return self.g.pull_back(x[0], out, d)

    def slope(self, m, x, out):
        return self.g.derivative(x[0])

    def terms(self, x, index):
        if self.entrywise:
            return super().terms(x, index)
        count = x[0].shape[-1]
        columns = (*(np.full(count, i) for i in index[:-1]), np.arange(count))
        return (Products(((0, columns),), count, "m", (np.arange(count),)),)

    def readers(self, m, x, out, index, sample):
        if self.entrywise:
            return super().readers(m, x, out, index, sample)
        count, row = out.shape[-1], out[tuple(index[:-1])][None]
        columns = (*(np.full(count, i) for i in index[:-1]), np.arange(count))
        return Readers(columns, self.g.jacobian_column(x[0][tuple(index[:-1])][None], row, index[-1])[0])


@cache
def plain(e: Expression) -> tuple[Expression, ...]:
    """The parts of a sum or product, read once."""
    return e.terms if isinstance(e, Sum) else e.factors if isinstance(e, Product) else ()


def on_arrays(e: Expression, values: dict[Any, Any]) -> Array:
    """A formula computed for whole arrays at once, in either library.

    Example:
        >>> on_arrays(read("z if z > 0 else 0"), {"z": np.array([-1.0, 2.0])})
        array([0., 2.])
    """
    xp = namespace(next(iter(values.values())))

    def go(e: Expression) -> Any:
        match e:
            case Number(number):
                return number
            case Symbol(name):
                return values[name]
            case Sum() | Product():
                found = [go(part) for part in plain(e)]
                total = found[0]
                for other in found[1:]:
                    total = total + other if isinstance(e, Sum) else total * other
                return total
            case Quotient(top, bottom):
                return go(top) / go(bottom)
            case Power(base, exponent):
                return go(base) ** go(exponent)
            case Negative(of):
                return -go(of)
            case Cases(condition, positive, otherwise):
                return xp.where(go(condition).real > 0, go(positive), go(otherwise))
            case Function("Phi", of):
                return erfc(-go(of) / 2**0.5) / 2
            case Function("abs", of):
                inside = go(of)
                return xp.where(inside.real > 0, inside, -inside)
            case Function(name, of):
                return getattr(xp, name)(go(of))
        raise TypeError(f"{type(e).__name__} has no value on arrays")

    found = go(e)
    like = next(iter(values.values()))
    return found if hasattr(found, "ndim") else found * xp.ones_like(like)
