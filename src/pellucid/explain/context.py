"""What the rules share: the records, how many terms to show, and how a derivative's addresses are written.

Before it: `records`. After it: the rules in `values` and `derivatives`, which build one level of a tree each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..expressions import Cases, Expression, Negative, Number, Rest, Sum, evaluate, parts, rebuilt, substitute
from ..records import Records
from ..symbols import Quantity
from .tree import Term


class Context:
    """The records that are explained, and how many terms of a long sum to show (None for all).

    Raises:
        InputError: terms < 1.
    """

    def __init__(self, records: Records, terms: int | None):
        if terms is not None and terms < 1:
            raise InputError("terms", "expected a number ≥ 1, or None for all", terms)
        self.records, self.terms = records, terms
        self.n, self.L = records.n, records.L

    def number(self, address: str) -> Number:
        """The value at an address, as it stands in a formula with numbers."""
        return Number(self.records.value(address))

    def shown(self, values: np.ndarray) -> tuple[list[int], np.ndarray]:
        """Which terms to show, and the others' numbers: all in their order, or the largest first."""
        if self.terms is None or len(values) <= self.terms + 1:
            return list(range(len(values))), values[:0]
        sizes = np.where(np.isnan(values), np.inf, np.abs(values))
        order = np.argpartition(-sizes, self.terms)[: self.terms]
        kept = sorted(order.tolist(), key=lambda t: (-sizes[t], t))
        return kept, np.delete(values, order)

    def rest(self, values: np.ndarray, what: str) -> list[Term]:
        """The exact line for the terms that are not shown; none where all are."""
        if not len(values):
            return []
        total = total_of(values)
        return [Term(f"{len(values)} more {what}", Rest(len(values)), Rest(len(values), total), total, len(values))]


def total_of(values: Any) -> float:
    """The sum without rounding on the way; NaN and infinities as they come.

    Example:
        >>> total_of([1e16, 1.0, -1e16])
        1.0
    """
    try:
        return math.fsum(values)
    except (ValueError, OverflowError):
        return float(np.sum(values))


@dataclass(frozen=True)
class Target:
    """The quantity T that is differentiated, C_i or the z or a of a node, and how its derivatives are written."""

    of: Quantity

    @property
    def is_loss(self) -> bool:
        """Whether T is the loss of a sample."""
        return self.of.name == "C"

    @property
    def sample(self) -> int:
        """The sample to which T belongs."""
        return self.of.sample

    @property
    def suffix(self) -> str:
        """The sample behind an address, where it must be shown."""
        return f"@{self.sample}" if self.sample else ""

    def by(self, below: str) -> str:
        """The address of ∂T/∂below."""
        if self.is_loss:
            return f"dC{self.sample}/d{below}"
        return f"d{replace(self.of, sample=0)}/d{below}{self.suffix}"

    def dz(self, l: Any, j: Any) -> str:
        """The address of ∂T/∂z_j^(l): δ where T is the loss."""
        return f"delta[{l}][{j}]{self.suffix}" if self.is_loss else self.by(f"z[{l}][{j}]")

    def da(self, l: Any, j: Any) -> str:
        """The address of ∂T/∂a_j^(l)."""
        return self.by(f"a[{l}][{j}]")

    def at(self, name: str, l: Any, j: Any) -> str:
        """The address of a value of T's sample."""
        return f"{name}[{l}][{j}]{self.suffix}"


def letters(l: int, L: int) -> tuple[str, str, str]:
    """How a general formula writes layer l and its neighbours: L for the output layer.

    Example:
        >>> letters(3, 3), letters(2, 3)
        (('L', 'L-1', 'L+1'), ('l', 'l-1', 'l+1'))
    """
    letter = "L" if l == L else "l"
    return letter, f"{letter}-1", f"{letter}+1"


def filled(e: Expression, values: dict[str, Any], choose: bool = True) -> Expression:
    """The expression with numbers for its symbols; of cases only the one that holds, if `choose`.

    Example:
        >>> from pellucid.expressions import Symbol
        >>> filled(Cases(Symbol("z"), Symbol("z"), Number(0)), {"z": 0.5})
        Number(value=0.5)
    """
    return substitute(holding(e, values) if choose else e, {name: Number(value) for name, value in values.items()})


def holding(e: Expression, values: dict[str, Any]) -> Expression:
    """The expression with only those of its cases that hold for these values, and without terms that are 0.

    Example:
        >>> from pellucid.expressions import Symbol
        >>> holding(Cases(Symbol("z"), Symbol("z"), Number(0)), {"z": 0.5})
        Symbol(name='z')
    """
    if isinstance(e, Cases):
        return holding(e.positive if evaluate(e.condition, values) > 0 else e.otherwise, values)
    inside = tuple(holding(part, values) for part in parts(e))
    if isinstance(e, Sum):
        kept = tuple(part for part in inside if part not in (Number(0), Negative(Number(0))))
        return Sum(kept) if len(kept) > 1 else kept[0] if kept else Number(0)
    return rebuilt(e, inside) if inside else e
