"""What the rules share: the records, how many terms to show, and how numbers and general formulas are named.

Before it: `records`. After it: the rules in `values` and `derivatives`, which build one level of a tree each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..addresses import Address, Derivative, Letter, Quantity
from ..errors import InputError
from ..expressions import (
    Cases,
    Expression,
    Negative,
    Number,
    Product,
    Rest,
    Sum,
    Symbol,
    evaluate,
    parts,
    rebuilt,
    substitute,
)
from ..operations import Pointwise, Products
from ..program import Slot
from ..records import Records
from .tree import Term

Index = tuple[int, ...]


class Context:
    """The records that are explained, and how many terms of a long sum to show (None for all).

    Raises:
        InputError: terms < 1.
    """

    def __init__(self, records: Records, terms: int | None):
        if terms is not None and terms < 1:
            raise InputError("terms", "expected a number ≥ 1, or None for all", terms)
        self.records, self.terms = records, terms
        self.program, self.n, self.L = records.program, records.n, records.L

    # ── names ─────────────────────────────────────────────────────────────────────────────────────

    def name(self, slot: Slot, index: Any = (), sample: Any = 0) -> Quantity:
        """One number of a slot, or the whole of it; the input is called x."""
        if not slot.per_sample:
            return Quantity(slot.name, slot.l, tuple(index), None, True)
        if slot.number == 0:
            return Quantity("x", None, tuple(index), sample)
        return Quantity(slot.name, slot.l, tuple(index), sample)

    def array(self, slot: Slot, sample: Any = 0) -> Quantity:
        """The whole of a slot; the input as a^(0)."""
        return Quantity(slot.name, slot.l, (), None if not slot.per_sample else sample, not slot.per_sample)

    def lettered(self, slot: Slot, letters: str, at: int) -> Quantity:
        """A slot in a general formula of layer `at`, with letters for its indices."""
        layer = letter_of(at, self.L)
        l: Any = layer if slot.l == at else replace(layer, offset=slot.l - at) if abs(slot.l - at) == 1 else slot.l
        return Quantity(
            slot.name, l, tuple(map(Letter, letters)), None if not slot.per_sample else 0, not slot.per_sample
        )

    def slope(self, of: Quantity, by: Quantity) -> Derivative:
        """∂of/∂by, both of one sample."""
        return Derivative(of, by)

    def direct_slope(self, slot: Slot, m: int, nodes: Index, sample: int) -> tuple[Expression, Expression] | None:
        """The slope of one entry by input m as a formula, and with numbers; None where ∂out/∂in says the same.

        What an operation reads may reach it in another way too, as around a residual sum: then ∂out/∂in holds both.
        """
        read, operation = slot.reads[m], slot.operation
        others = (r for r, k in self.program.readers[read] if (r, k) != (slot.number, m))
        if not any(r == slot.number or r in self.program.ancestors[slot.number] for r in others):
            return None
        assert isinstance(operation, Pointwise)  # the only one that reads several quantities and is no sum
        index = (sample, *nodes) if slot.per_sample else nodes
        names, blocks = operation.names.split(), operation.terms(self.inputs(slot), index)
        symbols = {n: Symbol(self.factor_names(slot, b, 0, sample)[0]) for n, b in zip(names, blocks, strict=True)}
        numbers = {n: self.factor_numbers(slot, b, 0)[0] for n, b in zip(names, blocks, strict=True)}
        formula = operation.slope_equation(m)
        return substitute(formula, symbols), filled(formula, numbers, choose=False)

    # ── numbers ───────────────────────────────────────────────────────────────────────────────────

    def inputs(self, slot: Slot) -> tuple[Any, ...]:
        """What a slot's operation reads, for all samples."""
        return self.records.forward.inputs(slot.number)

    def number(self, address: Address) -> Number:
        """The value at an address, as it stands in a formula with numbers."""
        return Number(self.records.number(address))

    def factor_names(self, slot: Slot, products: Products, row: int, sample: int) -> list[Quantity]:
        """The entries that are multiplied in one row of an operation's terms."""
        found = []
        for m, columns in products.entries:
            read = self.program.slots[slot.reads[m]]
            index = tuple(int(column[row]) for column in columns)
            found.append(self.name(read, index[1:] if read.per_sample else index, sample))
        return found

    def factor_numbers(self, slot: Slot, products: Products, row: int) -> list[float]:
        """Their numbers."""
        x = self.inputs(slot)
        return [float(x[m][tuple(int(column[row]) for column in columns)]) for m, columns in products.entries]

    # ── long sums ─────────────────────────────────────────────────────────────────────────────────

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
    """The quantity T that is differentiated, C_i or one number of a layer, and how its derivatives are written."""

    of: Quantity

    @property
    def is_loss(self) -> bool:
        """Whether T is the loss of a sample."""
        return self.of.name == "C"

    @property
    def sample(self) -> int:
        """The sample to which T belongs."""
        return self.of.sample

    def by(self, below: Quantity) -> Address:
        """∂T/∂below: δ where T is the loss and below a z."""
        if self.is_loss and below.name == "z":
            return below.called("delta")
        return Derivative(self.of, below)

    def lettered(self, below: Quantity) -> Address:
        """∂T/∂below in a general formula: C_0 stands for any sample's loss."""
        if self.is_loss:
            return below.called("delta") if below.name == "z" else Derivative(Quantity("C", sample=0), below)
        return Derivative(self.of.of_sample(0), below)


def letter_of(l: int, L: int) -> Letter:
    """How a general formula writes layer l: L for the output layer.

    Example:
        >>> str(letter_of(3, 3)), str(letter_of(2, 3))
        ('L', 'l')
    """
    return Letter("L" if l == L else "l")


def index_at(columns: Any, row: int) -> Index:
    """One row of columns of indices."""
    return tuple(int(column[row]) for column in columns)


def product_of(symbols: list[Any], numbers: list[float], coefficient: float = 1.0) -> tuple[Expression, Expression]:
    """Factors as names and as numbers; one alone without a product."""
    front: list[Expression] = [] if coefficient == 1.0 else [Number(coefficient)]
    names: list[Expression] = [*front, *map(Symbol, symbols)]
    values: list[Expression] = [*front, *map(Number, numbers)]
    if not names:
        return Number(1), Number(1)
    return (names[0], values[0]) if len(names) == 1 else (Product(tuple(names)), Product(tuple(values)))


def filled(e: Expression, values: dict[Any, Any], choose: bool = True) -> Expression:
    """The expression with numbers for its symbols; of cases only the one that holds, if `choose`.

    Example:
        >>> filled(Cases(Symbol("z"), Symbol("z"), Number(0)), {"z": 0.5})
        Number(value=0.5)
    """
    return substitute(holding(e, values) if choose else e, {name: Number(value) for name, value in values.items()})


def holding(e: Expression, values: dict[Any, Any]) -> Expression:
    """The expression with only those of its cases that hold for these values, and without terms that are 0.

    Example:
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
