"""The rules for derivatives, written once for every operation. T is a loss, or one number of a sample's quantity.

    ∂T/∂q = Σ over the readers of q of ∂T/∂out · ∂out/∂q          `by_quantity`
    ∂T/∂w = Σ over the uses of w of δ · what it weighs              `by_weight`

Before it: `records`, `partials`. After it: `explainer`, which adds the children. The mean over the samples, the
penalty, the loss by its own outputs, and an operation's own derivative come first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..addresses import Address, Derivative, Letter, Quantity
from ..errors import AddressError
from ..expressions import (
    Elementwise,
    Equation,
    Expression,
    MatrixProduct,
    Negative,
    Number,
    Product,
    Rest,
    Sum,
    SumOver,
    Symbol,
    Transpose,
    substitute,
    symbols_in,
)
from ..operations import Contraction, Pointwise, Products, Readers
from ..program import Slot
from ..records import canonical
from . import averages, loss, partials
from .context import Context, Target, filled, index_at, product_of, total_of
from .derivation import Derivation
from .partials import independent, own_index
from .phrases import counted, says
from .remarks import about_factors, about_sum, about_way_back, kink_of, why_flat, why_no_error
from .sentences import say
from .tree import Equal, Matrix, Remark, Term, sum_of
from .values import computed


def derive(c: Context, address: Derivative | Quantity) -> Derivation:
    """One level of the derivation of a derivative, or of δ.

    Raises:
        AddressError: an array instead of one number.
    """
    if not c.records.scalar(address):
        raise AddressError(str(address), "expected one number", "a row or an array", "Name its nodes.")
    if isinstance(address, Quantity):  # δ
        return by_quantity(c, address, Target(Quantity("C", sample=address.sample)), address.called("z"))
    of, by = canonical(address.of), canonical(address.by)
    if not c.records.depends(of, by):
        return independent(c, address)
    if of.name == "R":
        return averages.of_penalty(c, address)
    if of.name == "C" and of.sample is None:
        return averages.of_mean(c, address)
    target = Target(of)
    if by.name == "y":
        return loss.by_target(c, address, target, by.nodes)
    below = c.records.slot(by)
    if target.is_loss and below.number == c.program.outputs[-1] and not c.program.readers[below.number]:
        return loss.by_output(c, address, target, by.nodes)
    if not target.is_loss and direct(c, c.records.slot(of), below):
        return partials.derive(c, address, c.records.slot(of), below)
    return (by_weight if by.shared else by_quantity)(c, address, target, by)


def direct(c: Context, slot: Slot, below: Slot) -> bool:
    """Whether T's own operation is the only way in which `below` reaches it."""
    if slot.number == below.number:
        return True
    ways = [r for r, _ in c.program.readers[below.number] if r == slot.number or r in c.program.ancestors[slot.number]]
    return ways == [slot.number]


# ── readers ───────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Way:
    """One reader of a number, with ∂T/∂out of each of the entries that are made of it."""

    slot: Slot
    m: int  # as which input it reads the number
    readers: Readers
    dT: np.ndarray  # ∂T/∂out, row by row
    slopes: np.ndarray  # ∂out/∂q, row by row
    factors: list[np.ndarray]  # … as the numbers that are multiplied, where out is a sum of products

    def out(self, c: Context, row: int, sample: int) -> Quantity:
        """The entry of out that a row speaks of."""
        index = index_at(self.readers.out, row)
        return c.name(self.slot, index[1:] if self.slot.per_sample else index, sample)

    def slope(self, c: Context, q: Quantity, row: int, sample: int) -> tuple[list[Address], list[float]]:
        """∂out/∂q as factors: the others of the product, or the derivative by its address."""
        if isinstance(self.readers.slopes, Products):
            block = self.readers.slopes
            return list(c.factor_names(self.slot, block, row, sample)), [float(f[row]) for f in self.factors]
        return [Derivative(self.out(c, row, sample), q)], [float(self.slopes[row])]


def ways(c: Context, t: Target, q: Quantity, below: Slot) -> list[Way]:
    """All readers of a number that lie below T, in order."""
    end = c.program.outputs[-1] if t.is_loss else c.records.slot(t.of).number
    adjoint, found = c.records.adjoint(t.of), []
    for number, m in c.program.readers[below.number]:
        if number != end and number not in c.program.ancestors[end]:
            continue
        slot, x = c.program.slots[number], c.inputs(c.program.slots[number])
        readers = slot.operation.readers(m, x, c.records.forward.values[number], own_index(q), t.sample)
        if slot.per_sample:
            rows = (np.full(readers.count, adjoint.row(t.sample)), *readers.out[1:])
            dT = adjoint.d(number)[rows]
        else:
            factors = adjoint.factors(number)
            dT = (factors.of_sample(t.sample) if t.is_loss else factors).mean()[readers.out]
        sums = isinstance(readers.slopes, Products)
        factors = readers.slopes.factors(x) if sums else []  # type: ignore[union-attr]
        slopes = readers.slopes.values(x, factors) if sums else readers.slopes  # type: ignore[union-attr]
        found.append(Way(slot, m, readers, np.asarray(dT), np.asarray(slopes), factors))
    return found


# ── by a quantity: δ, Σ_j δ_j w_jk, a residual's branches ─────────────────────────────────────────


def by_quantity(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂T/∂q = Σ over its readers of ∂T/∂out · ∂out/∂q."""
    below = c.records.slot(by)
    found = ways(c, t, by, below)
    name = c.name(below, by.nodes, t.sample)
    if len(found) == 1 and found[0].readers.count == 1 and found[0].slot.operation.entrywise:
        return through_formula(c, address, t, name, below, found[0])
    return through_readers(c, address, t, name, below, found)


def left_of(c: Context, address: Any, t: Target, below: Slot, found: list[Way]) -> Symbol:
    """What stands left in the general formula: as the one operation that reads it writes it."""
    letters, at = below.space.letters, below.l
    if len(found) > 1:
        letters = spelled(c, below, found)
    elif found and isinstance(found[0].slot.operation, Contraction):
        operation, at = found[0].slot.operation, found[0].slot.l
        sides = (*operation.sides[:2], operation.biased)
        side = sides[found[0].slot.reads.index(below.number)]
        letters = side if isinstance(side, str) else "".join(axis.letter for axis in side)
    lettered = c.lettered(below, letters, at)
    if below.number == 0:
        lettered = Quantity("x", None, lettered.nodes)
    if isinstance(address, Quantity):
        return Symbol(lettered.called("delta"))
    return Symbol(Derivative(Quantity("C", sample=0) if t.is_loss else t.of.of_sample(0), lettered))


def spelled(c: Context, below: Slot, found: list[Way]) -> str:
    """The letters of a number that several operations read: as the first sum over it writes them, else its own."""
    for way in found:
        if isinstance(way.slot.operation, Contraction) and way.m < 2:
            left, right, _ = way.slot.operation.sides
            return "".join(axis.letter for axis in (left, right)[way.m])
    return below.space.letters


def through_formula(c: Context, address: Any, t: Target, q: Quantity, below: Slot, way: Way) -> Derivation:
    """One reader, a formula of it: δ_j = ∂T/∂a_j · g′(z_j)."""
    value = float(c.records.number(address))
    out = way.out(c, 0, t.sample)
    slope = Derivative(out, q)
    names: list[Address] = [t.by(out), slope]
    numbers = [float(c.records.number(name)) for name in names]
    if t.of == canonical(out):
        names, numbers = names[1:], numbers[1:]
    indexed, in_numbers = product_of(names, numbers)
    why = {names[0]: why_no_error(c, way.slot, out.nodes, t), slope: why_flat(c, way.slot, out.nodes, t.sample)}
    remarks = about_factors(value, [(n, v, why[n]) for n, v in zip(names, numbers, strict=True)])
    remarks += long_way_lost(math.prod(numbers), value)
    remarks += kink_of(c, way.slot, out.nodes, t.sample) + about_way_back(c, t, below.l)
    above = c.lettered(way.slot, way.slot.space.letters, below.l)
    g = above.called("g'") if c.program.activation(way.slot.l) and way.slot.name == "a" else None
    factor = Symbol(g) if g else Symbol(Derivative(above, c.lettered(below, below.space.letters, below.l)))
    right = Product((Symbol(t.lettered(above)), factor))
    return Derivation(
        address, says(address, c.L), value, general=Equation(left_of(c, address, t, below, [way]), right),
        indexed=indexed, numbers=in_numbers, equal=fused_form(c, t, below, q.nodes), remarks=remarks,
        matrix=whole_delta(c, t, below, way.slot), parts=tuple(names),
    )  # fmt: skip


def through_readers(c: Context, address: Any, t: Target, q: Quantity, below: Slot, found: list[Way]) -> Derivation:
    """Several readers, or several entries of one: a sum."""
    i = t.sample
    value = float(c.records.number(address))
    terms: list[Term] = []
    parts: list[Address] = []
    everything: list[np.ndarray] = []
    for way in found:
        with np.errstate(all="ignore"):
            products = way.dT * way.slopes
        everything.append(products)
        own = not t.is_loss and entry_by_entry(c, way.slot.number, c.records.slot(t.of).number)
        shown, others = c.shown(products)
        zeros = 0
        if own:  # only the terms of entries that reach T are there
            shown = [r for r in shown if products[r] != 0 or way.out(c, r, i).nodes == t.of.nodes]
            zeros = len(products) - len(shown) - len(others)
        letters = running(way)
        front = f"{way.slot.name}[{way.slot.l}], " if len(found) > 1 else ""
        for r in shown:
            out = way.out(c, r, i)
            above = t.by(out)
            terms.append(one_term(c, t, q, way, r, out, above, float(products[r]), front))
            if products[r] != 0 or (len(shown) == 1 and not t_alone(way)):
                parts += term_parts(c, t, q, way, r, out, above)
            elif way.dT[r] != 0 and isinstance(way.readers.slopes, Products):
                parts.append(above)
        terms += c.rest(others, letters)
        if zeros:
            note = f"zero: another node's {way.slot.name}"
            terms.append(Term(f"{zeros} more {letters}", Rest(zeros), Rest(zeros, 0.0), 0.0, zeros, note))
    total = np.concatenate(everything) if everything else np.zeros(0)
    mixes = len(found) == 1 and not isinstance(found[0].readers.slopes, Products)
    zero = () if np.any(total) else (Remark("zero", "Every term is zero."),)
    remarks = about_sum(terms) if mixes or not zero else zero
    remarks += long_way_lost(total_of(total), value) if mixes else ()
    heading = says(address, c.L)
    one = (
        not any(isinstance(w.readers.slopes, Products) and w.readers.slopes.running for w in found) and len(terms) == 1
    )
    if len(found) == 1 and not mixes and not one:
        heading = heading[:-1] + f", through every node j of layer {found[0].slot.l}."
    elif len(found) > 1:
        heading = heading[:-1] + ", through everything that reads it."
    whole = whole_back(c, t, below, found) if not mixes else whole_delta(c, t, below, found[0].slot)
    return Derivation(
        address,
        heading,
        value,
        general=Equation(left_of(c, address, t, below, found), general_sum(c, t, below, found)),
        indexed=sum_of(tuple(terms), "indexed") if terms else Number(0),
        numbers=sum_of(tuple(terms), "numbers") if terms else Number(0),
        terms=() if one and not mixes else tuple(terms),
        equal=fused_form(c, t, below, q.nodes) if mixes else (),
        remarks=remarks + about_way_back(c, t, below.l if mixes or not found else found[0].slot.l),
        matrix=whole,
        parts=tuple(dict.fromkeys(parts)),
    )


def entry_by_entry(c: Context, number: int, end: int) -> bool:
    """Whether each entry of T is made of one entry of a slot alone: the others don't reach it."""
    if number == end:
        return True
    readers = [r for r, _ in c.program.readers[number] if r == end or r in c.program.ancestors[end]]
    return all(c.program.slots[r].operation.entrywise and entry_by_entry(c, r, end) for r in readers)


def t_alone(way: Way) -> bool:
    """Whether a formula of a whole layer reads it, whose zero terms are not unfolded."""
    return not isinstance(way.readers.slopes, Products)


def running(way: Way) -> str:
    """The letters that tell a reader's entries apart."""
    return ",".join(way.readers.slopes.running or "j") if isinstance(way.readers.slopes, Products) else "m"


def one_term(
    c: Context, t: Target, q: Quantity, way: Way, r: int, out: Quantity, above: Address, value: float, front: str
) -> Term:
    """∂T/∂out · ∂out/∂q of one entry."""
    dT = float(way.dT[r])
    names, numbers = way.slope(c, q, r, t.sample)
    block = way.readers.slopes
    note: Any = ""
    if isinstance(block, Products):
        label = counted(block.running, tuple(column[r] for column in block.at)) or str(out)
        note = say("zero: {} is 0", above) if dT == 0 else "zero: the weight is 0" if way.slopes[r] == 0 else ""
        coefficient = block.coefficient
    else:
        label, coefficient = f"m = {out.nodes[-1]}", 1.0
        if way.slot.operation.entrywise:
            label = counted(way.slot.space.letters, out.nodes)
        if t.is_loss and dT == 0 and way.slot.number == c.program.outputs[-1]:
            note = "zero: the target is 0"
    symbols, values = product_of([above, *names], [dT, *numbers], coefficient)
    if slope := None if isinstance(block, Products) else c.direct_slope(way.slot, way.m, out.nodes, t.sample):
        symbols, values = Product((Symbol(above), slope[0])), Product((Number(dT), slope[1]))
    return Term(front + label, symbols, values, value, note=note)


def term_parts(c: Context, t: Target, q: Quantity, way: Way, r: int, out: Quantity, above: Address) -> list[Address]:
    """What a term is derived from."""
    if isinstance(way.readers.slopes, Products):
        own = not t.is_loss and canonical(out) == t.of
        return [above] if way.dT[r] != 0 or not own else []
    slope = c.direct_slope(way.slot, way.m, out.nodes, t.sample)
    if slope is None:
        return [above, Derivative(out, q)]
    return [above, *(name for name in symbols_in(slope[0]) if isinstance(name, Quantity) and computed(c, name))]


def general_sum(c: Context, t: Target, below: Slot, found: list[Way]) -> Expression:
    """The sum in letters: Σ_j δ_j w_jk."""
    parts: list[Expression] = []
    for way in found:
        at = way.slot.l if len(found) == 1 else below.l
        letters, own = way.slot.space.letters, {}
        if len(found) > 1 and way.slot.operation.entrywise:  # its indices are those of what it reads
            own = dict(zip(below.space.letters, spelled(c, below, found), strict=True))
            letters = "".join(own.get(letter, letter) for letter in letters)
        out = c.lettered(way.slot, letters, at)
        if isinstance(way.readers.slopes, Products):
            block = way.readers.slopes
            factors: list[Expression] = [Symbol(t.lettered(out))]
            for m, _ in block.entries:
                other = c.program.slots[way.slot.reads[m]]
                letters = other.space.letters
                if isinstance(way.slot.operation, Contraction):
                    left, right, _ = way.slot.operation.sides
                    letters = "".join(axis.letter for axis in (left, right)[m])
                factors.append(Symbol(c.lettered(other, letters, at)))
            body: Expression = Product(tuple(factors)) if len(factors) > 1 else factors[0]
            parts.append(SumOver(",".join(block.running), body) if block.running else body)
        else:
            other = (
                replace(out, nodes=(*out.nodes[:-1], Letter("m")))
                if out.nodes and not way.slot.operation.entrywise
                else out
            )
            inner = c.lettered(below, spelled(c, below, found) if len(found) > 1 else below.space.letters, at)
            slope: Expression = Symbol(Derivative(other, inner))
            operation = way.slot.operation
            if len(found) > 1 and isinstance(operation, Pointwise):  # ∂out/∂in may hold other ways too
                slope = operation.slope_equation(way.m)
                for name, read, own_letters in zip(
                    operation.names.split(), way.slot.reads, operation.sides[0], strict=True
                ):
                    entry = c.lettered(c.program.slots[read], "".join(own.get(x, x) for x in own_letters), at)
                    slope = substitute(slope, {name: Symbol(entry)})
            body = Product((Symbol(Target(t.of).lettered(other)), slope))
            parts.append(body if way.slot.operation.entrywise else SumOver("m", body))
    return parts[0] if len(parts) == 1 else Sum(tuple(parts)) if parts else Number(0)


def fused_form(c: Context, t: Target, below: Slot, place: tuple[int, ...]) -> tuple[Equal, ...]:
    """δ = a − y, where the output's activation and the loss have that form."""
    output = c.program.output(c.L)
    if not t.is_loss or not c.records.fused or output.reads != (below.number,):
        return ()
    r, i, name = c.records, t.sample, f"fused form of {c.records.fused.name}, which training computes"
    a, y = Symbol(c.name(output, place, i)), Symbol(Quantity("y", None, place, i))
    here = {a.name: float(r.forward.output[(i, *place)]), y.name: float(r.targets[(i, *place)])}
    total = float(r.targets[i][place[:-1]].sum())
    # softmax gives every node its share of the sum of the targets, which is 1 unless somebody wants it otherwise
    mixes = not output.operation.entrywise
    form = Sum((a if not mixes or total == 1 else Product((Number(total), a)), Negative(y)))
    return (Equal(name, form, filled(form, here), float(r.adjoint(t.of).d(below.number)[(i, *place)])),)


def long_way_lost(long_way: float, value: float) -> tuple[Remark, ...]:
    """A remark where the sum or product in full has lost its digits, and the fused form has not."""
    if math.isclose(long_way, value, rel_tol=1e-9, abs_tol=1e-14) or math.isnan(value):
        return ()
    text = say(
        "Multiplied out it would be {}: the outputs are rounded, and digits are lost. {} is the fused form's.",
        long_way, value,
    )  # fmt: skip
    return (Remark("stable form", text),)


# ── whole layers ──────────────────────────────────────────────────────────────────────────────────


def product_above(c: Context, slot: Slot) -> Slot | None:
    """The one dense product that reads a slot, on whole layers of nodes; None where it is something else."""
    readers = c.program.readers[slot.number]
    if len(readers) != 1 or readers[0][1] != 1:
        return None
    out = c.program.slots[readers[0][0]]
    operation = out.operation
    dense = isinstance(operation, Contraction) and operation.dense and len(out.space.shape) == 1
    return out if dense and out.name == "z" else None


def whole_back(c: Context, t: Target, below: Slot, found: list[Way]) -> Matrix | None:
    """∂C/∂a = Wᵀ δ, where one dense product reads it."""
    above = product_above(c, below)
    if not t.is_loss or above is None:
        return None
    left = Derivative(t.of, c.array(below, t.sample))
    w, delta = c.program.slots[above.reads[0]], c.array(above, t.sample).called("delta")
    right = MatrixProduct((Transpose(Symbol(c.array(w))), Symbol(delta)))
    shapes = ((left, (below.space.size, 1)), (c.array(w), w.space.shape), (delta, (above.space.size, 1)))
    return Matrix(Equation(Symbol(left), right), shapes)


def whole_delta(c: Context, t: Target, below: Slot, slot: Slot) -> Matrix | None:
    """δ^(l) = (W^(l+1)ᵀ δ^(l+1)) ⊙ g′(z^(l)); at the output ∂C/∂a in place of the bracket."""
    if not t.is_loss or below.name != "z" or len(below.space.shape) != 1 or c.program.activation(below.l) is None:
        return None
    delta = c.array(below, t.sample).called("delta")
    column, last = (below.space.size, 1), slot.number == c.program.outputs[-1]
    if not slot.operation.entrywise:
        if not last or not c.records.fused:
            return None
        a, y = c.array(slot, t.sample), Quantity("y", None, (), t.sample)
        form = Sum((Symbol(a), Negative(Symbol(y))))
        return Matrix(Equation(Symbol(delta), form), ((delta, column), (a, column), (y, column)))
    back: Expression = Symbol(Derivative(t.of, c.array(slot, t.sample)))
    shapes: list[tuple[Address, tuple[int, ...]]] = [(delta, column)]
    if not last:
        above = product_above(c, slot)
        if above is None:
            return None
        w, delta_above = c.program.slots[above.reads[0]], c.array(above, t.sample).called("delta")
        back = MatrixProduct((Transpose(Symbol(c.array(w))), Symbol(delta_above)))
        shapes += [(c.array(w), w.space.shape), (delta_above, (above.space.size, 1))]
    g = c.array(slot, t.sample).called("g'")
    return Matrix(Equation(Symbol(delta), Elementwise((back, Symbol(g)))), (*shapes, (g, column)))


# ── by a weight ───────────────────────────────────────────────────────────────────────────────────


def by_weight(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂T/∂w_jk = ∂T/∂a_j · ∂a_j/∂z_j · ∂z_j/∂w_jk where it has one use; else Σ over its uses of δ · what it weighs."""
    below = c.records.slot(by)
    found = ways(c, t, by, below)
    if len(found) != 1 or found[0].readers.count != 1 or not found[0].slot.per_sample:
        return through_uses(c, address, t, by, below, found)
    way, i = found[0], t.sample
    z = way.out(c, 0, i)
    end = c.program.outputs[-1] if t.is_loss else c.records.slot(t.of).number
    readers = [r for r, _ in c.program.readers[way.slot.number] if r == end or r in c.program.ancestors[end]]
    above = c.program.slots[readers[0]] if len(readers) == 1 and way.slot.number != end else None
    through_a = (
        above is not None and above.operation.entrywise and above.space == way.slot.space and above.l == way.slot.l
    )
    last = Derivative(z, by)
    names: list[Address] = [t.by(z), last]
    a = None
    if through_a and above is not None:
        a = c.name(above, z.nodes, i)
        names = [t.by(a), Derivative(a, z), last]
        if canonical(a) == t.of:
            names = names[1:]
    numbers = [float(c.records.number(name)) for name in names]
    indexed, in_numbers = product_of(names, numbers)
    value = float(c.records.number(address))
    why: dict[Address, Any] = {last: "" if not reads_other(way) else "the input that it weighs is 0"}
    if a is not None and above is not None:
        why[Derivative(a, z)] = why_flat(c, above, z.nodes, i)
        why[names[0]] = why.get(names[0]) or why_no_error(c, above, z.nodes, t)
    remarks = about_factors(value, [(name, v, why.get(name, "")) for name, v in zip(names, numbers, strict=True)])
    remarks += kink_of(c, above, z.nodes, i) if above is not None and through_a else ()
    equal: tuple[Equal, ...] = ()
    if through_a and t.is_loss:
        others, other_numbers = way.slope(c, by, 0, i)
        pair, found_numbers = [t.by(z), *others], [float(c.records.number(t.by(z))), *other_numbers]
        short, in_short = product_of(pair, found_numbers)
        heading = "δ, and what the connection carries" if others else "δ itself"
        equal = (Equal(heading, short, in_short, math.prod(found_numbers)),)
    return Derivation(
        address,
        says(address, c.L),
        value,
        general=general_weight(c, t, below, way, above if through_a else None, len(names)),
        indexed=indexed,
        numbers=in_numbers,
        equal=equal,
        remarks=remarks + about_way_back(c, t, below.l),
        matrix=whole_weight(c, t, below, way) if t.is_loss else None,
        parts=tuple(names),
    )


def reads_other(way: Way) -> bool:
    """Whether the weight is multiplied by something, as a bias is not."""
    return isinstance(way.readers.slopes, Products) and bool(way.readers.slopes.entries)


def general_weight(c: Context, t: Target, below: Slot, way: Way, above: Slot | None, factors: int) -> Equation:
    """The formula in letters, with as many of the three factors as there are with indices."""
    at = way.slot.l
    w = c.lettered(below, below.space.letters, at)
    z = c.lettered(way.slot, way.slot.space.letters, at)
    last = Derivative(z, w)
    if above is None or factors == 2:
        names: list[Address] = [t.lettered(z), last]
    else:
        a = c.lettered(above, above.space.letters, at)
        top = Derivative(Quantity("C", sample=0) if t.is_loss else t.of.of_sample(0), a)
        names = [top, Derivative(a, z), last]
    left = Derivative(Quantity("C", sample=0) if t.is_loss else t.of.of_sample(0), w)
    return Equation(Symbol(left), Product(tuple(map(Symbol, names))))


def whole_weight(c: Context, t: Target, below: Slot, way: Way) -> Matrix | None:
    """∂C_i/∂W = δ aᵀ, ∂C_i/∂b = δ."""
    operation = way.slot.operation
    if not isinstance(operation, Contraction) or not operation.dense or len(way.slot.space.shape) != 1:
        return None
    delta = t.by(c.array(way.slot, t.sample))
    left = Derivative(t.of, c.array(below))
    column = (way.slot.space.size, 1)
    if below.number == way.slot.reads[0]:
        a = c.array(c.program.slots[way.slot.reads[1]], t.sample)
        right: Expression = MatrixProduct((Symbol(delta), Transpose(Symbol(a))))
        shapes = ((left, below.space.shape), (delta, column), (a, (below.space.shape[-1], 1)))
        return Matrix(Equation(Symbol(left), right), shapes)
    return Matrix(Equation(Symbol(left), Symbol(delta)), ((left, column), (delta, column)))


def through_uses(c: Context, address: Any, t: Target, by: Quantity, below: Slot, found: list[Way]) -> Derivation:
    """A weight that is used in several places, or read by way of something made of weights alone."""
    d = through_readers(c, address, t, by, below, found)
    uses = sum(way.readers.count for way in found)
    heading = says(address, c.L)[:-1] + (f": it is used {uses} times." if uses > 1 else ".")
    w = c.lettered(below, below.space.letters, below.l)
    left = Symbol(Derivative(Quantity("C", sample=0) if t.is_loss else t.of.of_sample(0), w))
    return replace(d, title=heading, general=Equation(left, general_sum(c, t, below, found)), matrix=None)
