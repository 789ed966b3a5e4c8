"""How one entry of a quantity changes with one entry that it is made of: one operation's own derivative.

Before it: `context`. After it: `derivatives`, whose chains are made of these. Whole sums are differentiated term by
term, with their zeros, as textbooks do it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from ..addresses import Address, Derivative, Letter, Quantity
from ..expressions import (
    Differential,
    Equation,
    Expression,
    Number,
    Rest,
    Sum,
    Symbol,
    differentiate,
    substitute,
    symbols_in,
)
from ..operations import Applied, Pointwise, Products
from ..program import Slot
from .context import Context, filled, index_at, product_of
from .derivation import Derivation
from .phrases import says
from .remarks import about_activation, no_dependence
from .sentences import say
from .tree import Remark, Step
from .values import computed, formula_of, in_letters


def derive(c: Context, address: Derivative, slot: Slot, below: Slot) -> Derivation:
    """∂out/∂in, where out's own operation reads in."""
    of, by = address.of, address.by
    if slot.number == below.number:
        return itself(c, address)
    if slot.operation.sums:
        return of_sum(c, address, slot, below)
    same = of.nodes[: len(of.nodes)] == by.nodes
    if slot.operation.entrywise:
        m = slot.reads.index(below.number)
        rows = slot.operation.readers(
            m, c.inputs(slot), c.records.forward.values[slot.number], own_index(by), of.sample or 0
        )
        reached = any(index_at(rows.out, row) == own_index(of) for row in range(rows.count))
        return of_entry(c, address, slot, below, m) if reached else independent(c, address)
    return of_layer(c, address, slot, below, same)


def own_index(q: Quantity) -> tuple[int, ...]:
    """Where a number stands in its array: behind its sample, if it has one."""
    return q.nodes if q.shared else (q.sample, *q.nodes)


def of_sum(c: Context, address: Derivative, slot: Slot, below: Slot) -> Derivation:
    """A sum differentiated term by term: ∂z_j/∂w_jk = a_k, ∂z_j/∂a_k = w_jk, ∂z_j/∂b_j = 1."""
    of, by, i = address.of, address.by, address.of.sample or 0
    x = c.inputs(slot)
    blocks = slot.operation.terms(x, own_index(of))
    rows = [(block, row) for block in blocks for row in range(block.count)]
    name = c.name(below, by.nodes, i)
    hits: dict[int, tuple[list[Quantity], list[float]]] = {}
    wanted = [
        number
        for block_at, block in zip(starts(blocks), blocks, strict=True)
        for number in hit(slot, below, block, block_at, by)
    ]
    for number in wanted:
        block, row = rows[number]
        at = [place for place, (m, columns) in enumerate(block.entries) if reads(slot, below, m, columns, row, by)]
        if at:
            names, numbers = c.factor_names(slot, block, row, i), c.factor_numbers(slot, block, row)
            hits[number] = (names[: at[0]] + names[at[0] + 1 :], numbers[: at[0]] + numbers[at[0] + 1 :])
    if not hits:
        return independent(c, address)
    value = float(c.records.number(address))
    where, (others, numbers) = next(iter(hits.items()))
    answer, in_numbers = product_of(others, numbers, rows[where][0].coefficient)
    steps = ()
    if len(rows) > 1 and len(hits) == 1:
        steps = whole_sum(c, slot, rows, where, answer, name, i)
    left, right = general(c, slot, below, by)
    return Derivation(
        address,
        says(address, c.L),
        value,
        general=Equation(Symbol(left), right),
        steps=steps,
        indexed=answer,
        numbers=Number(value) if others else in_numbers,
        parts=tuple(q for q in others if isinstance(q, Quantity) and computed(c, q)),
    )


def starts(blocks: tuple[Products, ...]) -> list[int]:
    """The number of the first row of each block of terms."""
    return [sum(block.count for block in blocks[:place]) for place in range(len(blocks))]


def hit(slot: Slot, below: Slot, block: Products, start: int, by: Quantity) -> list[int]:
    """The numbers of the rows in which a number stands."""
    found: set[int] = set()
    for m, columns in block.entries:
        if slot.reads[m] == below.number:
            same = np.all([column == place for column, place in zip(columns, own_index(by), strict=True)], axis=0)
            found.update((start + np.flatnonzero(same)).tolist())
    return sorted(found)


def reads(slot: Slot, below: Slot, m: int, columns: Any, row: int, by: Quantity) -> bool:
    """Whether a factor is the number by which is differentiated."""
    return slot.reads[m] == below.number and index_at(columns, row) == own_index(by)


def whole_sum(
    c: Context, slot: Slot, rows: list[Any], where: int, answer: Expression, name: Quantity, i: int
) -> tuple[Step, ...]:
    """The whole sum, and what is left of each of its terms."""
    lone = [number for number, (block, _) in enumerate(rows) if not block.running]  # a bias stands last
    long = [number for number in range(len(rows)) if number not in lone]
    count = min(len(long), c.terms or len(long))
    own = {where} if where in long else set()
    near = sorted({*own, *islice((m for m in long if m not in own), count - len(own))})
    hidden = len(long) - len(near)

    def names(number: int) -> Expression:
        block, row = rows[number]
        return product_of(c.factor_names(slot, block, row, i), c.factor_numbers(slot, block, row), block.coefficient)[0]

    rest: tuple[Expression, ...] = (Rest(hidden),) if hidden else ()
    zeros: tuple[Expression, ...] = (Rest(hidden, 0.0),) if hidden else ()
    everything = Sum((*map(names, near), *rest, *map(names, lone)))
    by_terms = Sum((
        *(answer if m == where else Number(0) for m in near), *zeros,
        *(answer if m == where else Number(0) for m in lone),
    ))  # fmt: skip
    note = say("term by term: only the term with {} is not constant, the others are 0", name.of_first_sample())
    return Step("the whole sum", Differential(everything, name)), Step(note, by_terms)


def general(c: Context, slot: Slot, below: Slot, by: Quantity) -> tuple[Address, Expression]:
    """The derivative of a sum in letters."""
    slots, operation = c.program.slots, slot.operation
    m = slot.reads.index(below.number)
    sides = getattr(operation, "sides", None)
    out = c.lettered(slot, slot.space.letters, slot.l)
    letters = below.space.letters
    right: Expression = Number(1)
    if sides and len(slot.reads) > 1 and m < 2:
        other = slots[slot.reads[1 - m]]
        letters = "".join(axis.letter for axis in sides[m])
        right = Symbol(c.lettered(other, "".join(axis.letter for axis in sides[1 - m]), slot.l))
    elif len(slot.reads) == 1 and by is not None:
        out_values = c.records.forward.values[slot.number]
        slopes = operation.readers(m, c.inputs(slot), out_values, own_index(by), by.sample or 0).slopes
        assert isinstance(slopes, Products)  # what of_layer speaks of is a sum of products
        right = Number(slopes.coefficient)
    return Derivative(out, in_letters(c, below, list(letters), slot.l)), right


def of_entry(c: Context, address: Derivative, slot: Slot, below: Slot, m: int) -> Derivation:
    """A formula of one entry of each input, differentiated by one of them; g′ of an activation."""
    of, i = address.of, address.of.sample or 0
    value = float(c.records.number(address))
    if isinstance(slot.operation, Applied):
        return of_activation(c, address, slot, below)
    operation = slot.operation
    assert isinstance(operation, Pointwise)
    equation, names = operation.slope_equation(m), operation.names.split()
    here, own, lettered, parts = {}, {}, {}, []
    for name, read, block in zip(names, slot.reads, operation.terms(c.inputs(slot), own_index(of)), strict=True):
        (entry,) = c.factor_names(slot, block, 0, i)
        (here[name],) = c.factor_numbers(slot, block, 0)
        own[name] = Symbol(entry)
        lettered[name] = c.lettered(c.program.slots[read], c.program.slots[read].space.letters, slot.l)
        parts += [entry] if computed(c, entry) else []
    left = Derivative(c.lettered(slot, slot.space.letters, slot.l), lettered[names[m]])
    indexed = substitute(equation, own)
    return Derivation(
        address, says(address, c.L), value,
        general=Equation(Symbol(left), substitute(equation, {name: Symbol(q) for name, q in lettered.items()})),
        indexed=indexed, numbers=filled(equation, here, choose=False),
        parts=tuple(q for q in parts if q in set(symbols_in(indexed))),
    )  # fmt: skip


def of_activation(c: Context, address: Derivative, slot: Slot, below: Slot) -> Derivation:
    """∂a_j/∂z_j = g′(z_j)."""
    of, i = address.of, address.of.sample
    value = float(c.records.number(address))
    assert isinstance(slot.operation, Applied)
    g = slot.operation.g
    z, a = (float(values[(i, *of.nodes)]) for values in (c.inputs(slot)[0], c.records.forward.values[slot.number]))
    own = {"z": c.name(below, of.nodes, i), "a": c.name(slot, of.nodes, i)}
    letters = c.lettered(slot, slot.space.letters, slot.l)
    left = Derivative(letters, c.lettered(below, below.space.letters, slot.l))
    equation = getattr(g, "derivative_equation", None)
    indexed = (
        Symbol(of.called("g'"))
        if equation is None
        else substitute(equation, {name: Symbol(q) for name, q in own.items()})
    )
    numbers = Number(value) if equation is None else filled(equation, {"z": z, "a": a} | g.parameters, choose=False)
    used = set(symbols_in(indexed))
    return Derivation(
        address,
        says(address, c.L)[:-1] + f": g′ of {g.name}, taken at z.",
        value,
        general=Equation(Symbol(left), Symbol(letters.called("g'"))),
        steps=(Step("the derivative of the activation function at z", Symbol(own["a"].called("g'"))),),
        indexed=indexed,
        numbers=numbers,
        remarks=about_activation(c, slot, of.nodes, i),
        parts=tuple(q for q in own.values() if q in used),
    )


def of_layer(c: Context, address: Derivative, slot: Slot, below: Slot, same: bool) -> Derivation:
    """∂a_m/∂z_j of an activation that mixes the nodes of its layer: softmax's a_m([m = j] − a_j)."""
    of, by, i = address.of, address.by, address.of.sample
    value = float(c.records.number(address))
    g: Any = getattr(slot.operation, "g", slot.operation)
    a = c.records.forward.values[slot.number][i]
    am, aj = c.name(slot, of.nodes, i), c.name(slot, by.nodes, i)
    letters = c.lettered(slot, slot.space.letters, slot.l)
    other = letters if same else replace(letters, nodes=(*letters.nodes[:-1], Letter("m")))
    left = Derivative(other, c.lettered(below, below.space.letters, slot.l))
    name = getattr(g, "name", type(g).__name__.lower())
    why = getattr(g, "mixing", "") or f"{name} mixes the nodes of its layer, so every output depends on every z of it."
    common: dict[str, Any] = {"remarks": (Remark("mixes", why),)}
    slope = getattr(g, "own_slope" if same else "other_slope", None)
    if slope is not None:
        named = {"a": Symbol(aj), "am": Symbol(am)}
        return Derivation(
            address, says(address, c.L), value,
            general=Equation(Symbol(left), substitute(slope, {"a": Symbol(letters), "am": Symbol(other)})),
            indexed=substitute(slope, named),
            numbers=filled(slope, {"a": float(a[by.nodes]), "am": float(a[of.nodes])}),
            parts=tuple(dict.fromkeys((am, aj))), **common,
        )  # fmt: skip
    summand = getattr(g, "summand", None)
    z = c.name(below, by.nodes, i)
    if summand is None:
        own = Symbol(Derivative(of.called("g"), z))
        return Derivation(address, says(address, c.L), value, indexed=own, numbers=Number(value), parts=(z,), **common)
    # a_m = f(z_m, S) with S = Σ s(z): ∂a_m/∂z_j = [m = j] ∂f/∂z + ∂f/∂S · s′(z_j)
    equation, _, constants = formula_of(slot)
    assert equation is not None
    n_l = len(a)
    through = differentiate(equation, "S") * substitute(differentiate(summand, "z"), {"z": Symbol("zj")})
    whole = Sum((differentiate(equation, "z"), through)) if same else through
    zm = c.name(below, of.nodes, i)
    row = c.inputs(slot)[0][(i, *of.nodes[:-1])]
    total = Sum(tuple(substitute(summand, {"z": Symbol(c.name(below, (*of.nodes[:-1], m), i))}) for m in range(n_l)))
    in_numbers = Sum(tuple(substitute(summand, {"z": Number(float(v))}) for v in row))
    indexed = substitute(whole, {"z": Symbol(zm), "zj": Symbol(z), "S": total, "n_l": Number(n_l)})
    here = {
        "z": Number(float(row[of.nodes[-1]])),
        "zj": Number(float(row[by.nodes[-1]])),
        "S": in_numbers,
        "n_l": Number(n_l),
    }
    filled_in = substitute(whole, here | {k: Number(v) for k, v in constants.items()})
    return Derivation(
        address, says(address, c.L), value, indexed=indexed, numbers=filled_in,
        parts=tuple(dict.fromkeys((zm, z))), **common,
    )  # fmt: skip


def itself(c: Context, address: Derivative) -> Derivation:
    """∂z_j/∂z_j = 1."""
    if address.of.nodes != address.by.nodes:
        return independent(c, address)
    return Derivation(address, says(address, c.L), 1.0, indexed=Number(1), numbers=Number(1))


def independent(c: Context, address: Derivative) -> Derivation:
    """A derivative by something on which the quantity does not depend: 0."""
    return Derivation(
        address,
        says(address, c.L),
        0.0,
        indexed=Number(0),
        numbers=Number(0),
        remarks=no_dependence(address.of, address.by),
    )
