"""The rule for values: a quantity is made of the terms of its operation. Also g′, the mean loss and the penalty.

Before it: `records`. After it: `explainer`, which adds the children. The loss has its own file.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..addresses import Address, Letter, Quantity
from ..errors import AddressError
from ..expressions import (
    Equation,
    Expression,
    MatrixProduct,
    Number,
    Power,
    Product,
    Rest,
    Sum,
    SumOver,
    Symbol,
    magnitude,
    substitute,
    symbols_in,
)
from ..operations import Applied, Contraction, Mean, Pointwise
from ..operations.pointwise import on_arrays
from ..program import Slot
from ..records import canonical
from ..wide import row_blocks
from .context import Context, filled, product_of, total_of
from .derivation import Derivation
from .phrases import counted, phrase, title
from .remarks import about_activation, about_sum
from .tree import Matrix, Step, Term, sum_of

LARGE = 300.0  # beyond it e^z is not far from overflow


def derive(c: Context, q: Quantity) -> Derivation:
    """One level of the derivation of a quantity's value.

    Raises:
        AddressError: an array instead of one number.
    """
    if not c.records.scalar(q):
        raise AddressError(str(q), "expected one number", "a row or an array", "Name its nodes.")
    if q.name == "R":
        return penalty(c, q)
    if q.name == "g'":
        return slope(c, q)
    if q.name == "y":
        return given(c, q, "data, which is given")
    slot = c.records.slot(canonical(q))
    if not slot.reads:
        what = "a parameter, which training changes" if q.shared else "data, which is given"
        return given(c, q, what)
    if slot.operation.sums:
        return of_sum(c, q, slot)
    return of_formula(c, q, slot)


def given(c: Context, q: Quantity, what: str) -> Derivation:
    """Weights, biases, inputs and targets: nothing computes them."""
    return Derivation(q, title(f"{phrase(q, c.L)}: {what}"), c.records.number(q), depth=0)


def of_sum(c: Context, q: Quantity, slot: Slot) -> Derivation:
    """A sum of products: z_j = Σ_k w_jk a_k + b_j."""
    i = q.sample or 0
    x = c.inputs(slot)
    index = q.nodes if q.shared else (i, *q.nodes)
    terms: list[Term] = []
    parts: list[Address] = []
    for number, block in enumerate(slot.operation.terms(x, index)):
        factors = block.factors(x)
        values = block.values(x, factors)
        from_steps = [bool(c.program.slots[slot.reads[m]].reads) for m, _ in block.entries]
        shown, others = c.shown(values) if block.running else (list(range(block.count)), values[:0])
        for row in shown:
            names = c.factor_names(slot, block, row, i)
            symbols, numbers = product_of(names, [float(f[row]) for f in factors], block.coefficient)
            label = counted(block.running, tuple(column[row] for column in block.at))
            terms.append(Term(label or ("bias" if number else "the one term"), symbols, numbers, float(values[row])))
            parts += [name for name, made in zip(names, from_steps, strict=True) if made]
        terms += c.rest(others, ",".join(block.running))
    what = slot.operation.says
    if isinstance(slot.operation, Contraction) and not c.program.slots[slot.reads[0]].per_sample:
        what = "what comes in over the weights" + (", and the bias" if slot.operation.bias else "")
    general = general_sum(c, slot)
    return Derivation(
        q,
        title(f"{phrase(q, c.L)}: {what}"),
        c.records.number(q),
        general=None if general is None else Equation(Symbol(c.lettered(slot, slot.space.letters, slot.l)), general),
        indexed=sum_of(tuple(terms), "indexed") if terms else Number(0),
        numbers=sum_of(tuple(terms), "numbers") if terms else Number(0),
        terms=tuple(terms) if general is not None else (),
        remarks=about_sum(terms),
        matrix=whole_product(c, slot, i),
        parts=tuple(dict.fromkeys(parts)),
    )


def computed(c: Context, q: Quantity) -> bool:
    """Whether something computes a quantity, so that it has a derivation."""
    return q.name not in ("x", "y") and bool(c.records.slot(canonical(q)).reads)


def general_sum(c: Context, slot: Slot) -> Expression | None:
    """The sum in letters: Σ_k w_jk a_k + b_j; None where each entry is one of another array."""
    slots, operation = c.program.slots, slot.operation
    if isinstance(operation, Contraction):
        left, right, out = operation.sides
        sides = ([axis_letter(a) for a in left], [axis_letter(a) for a in right])
        symbols = [Symbol(in_letters(c, slots[slot.reads[m]], sides[m], slot.l)) for m in (0, 1)]
        running = ",".join(dict.fromkeys(ch for ch in operation.plain if ch.isalpha() and ch not in out))
        whole: Expression = Product(tuple(symbols))
        whole = SumOver(running, whole) if running else whole
        if operation.bias:
            whole = Sum((whole, Symbol(in_letters(c, slots[slot.reads[2]], list(operation.biased), slot.l))))
        return whole
    if not isinstance(operation, Mean):
        return None
    below = slots[slot.reads[0]]
    running = ",".join(ch for ch in below.space.letters if ch not in slot.space.letters)
    share = Number(operation.share(c.inputs(slot)[0].shape))
    return share * SumOver(running, Symbol(in_letters(c, below, list(operation.sides[0][0]), slot.l)))


def axis_letter(axis: Any) -> str:
    """An index of a contraction as people write it: k, or 2r+u-1."""
    if not axis.offset:
        return axis.letter
    stride = "" if axis.stride == 1 else str(axis.stride)
    step = "" if axis.step == 1 else str(axis.step)
    start = f"{axis.start:+d}" if axis.start else ""
    return f"{stride}{axis.letter}+{step}{axis.offset}{start}"


def in_letters(c: Context, slot: Slot, letters: list[str], at: int) -> Quantity:
    """A slot in a general formula, its indices by these letters."""
    found = c.lettered(slot, "", at)
    return replace(found, nodes=tuple(map(Letter, letters)))


def whole_product(c: Context, slot: Slot, sample: int) -> Matrix | None:
    """The same for the whole layer, where it is one product of a matrix: z = W a + b."""
    operation, slots = slot.operation, c.program.slots
    if not isinstance(operation, Contraction) or not operation.dense or len(slot.space.shape) != 1:
        return None
    reads = [slots[r] for r in slot.reads]
    names = [c.array(slot, sample), *(c.array(read, sample) for read in reads)]
    shapes = [(name, (*s.space.shape, 1)[:2]) for name, s in zip(names, [slot, *reads], strict=True)]
    right: Expression = MatrixProduct((Symbol(names[1]), Symbol(names[2])))
    if operation.bias:
        right = Sum((right, Symbol(names[3])))
    return Matrix(Equation(Symbol(names[0]), right), (shapes[1], shapes[2], shapes[0], *shapes[3:]))


def of_formula(c: Context, q: Quantity, slot: Slot) -> Derivation:
    """A formula of one entry of each input, a_j = g(z_j); or of a whole layer, as softmax's."""
    operation = slot.operation
    if isinstance(operation, Applied):
        g = operation.g
        what = (
            "the same number as a" if q.name == "g" else "what the node passes on, its activation function applied to z"
        )
        heading = title(f"{phrase(q, c.L)} ({g.name}): {what}")
        whole = Matrix(
            Equation(Symbol(c.array(slot, q.sample)), Symbol(c.array(slot, q.sample).called("g"))),
            tuple((c.array(s, q.sample), (*s.space.shape, 1)[:2]) for s in (slot, c.program.slots[slot.reads[0]])),
        )
    else:
        heading, whole = title(f"{phrase(q, c.L)}: a formula of what it reads"), None
    left = c.lettered(slot, slot.space.letters, slot.l).called(q.name)
    formulas = one_entry if operation.entrywise else whole_layer
    return Derivation(
        q, heading, c.records.number(q), remarks=about_activation(c, slot, q.nodes, q.sample or 0), matrix=whole,
        **formulas(c, q, slot, left),
    )  # fmt: skip


def formula_of(slot: Slot) -> tuple[Expression | None, list[str], dict[str, float]]:
    """A slot's formula, what it calls its inputs, and its constants."""
    operation = slot.operation
    if isinstance(operation, Pointwise):
        return operation.equation, operation.names.split(), {}
    assert isinstance(operation, Applied)
    return getattr(operation.g, "equation", None), ["z"], operation.g.parameters


def one_entry(c: Context, q: Quantity, slot: Slot, left: Quantity) -> dict[str, Any]:
    """The formulas of one entry of each input."""
    equation, names, constants = formula_of(slot)
    i = q.sample or 0
    index = q.nodes if q.shared else (i, *q.nodes)
    here: dict[str, Any] = {}
    indexed: dict[str, Expression] = {}
    general: dict[str, Expression] = {}
    parts: list[Address] = []
    for name, read, block in zip(names, slot.reads, slot.operation.terms(c.inputs(slot), index), strict=True):
        (entry,) = c.factor_names(slot, block, 0, i)
        (here[name],) = c.factor_numbers(slot, block, 0)
        indexed[name] = Symbol(entry)
        below = c.program.slots[read]
        general[name] = Symbol(c.lettered(below, below.space.letters, slot.l))
        parts += [entry] if computed(c, entry) else []
    if equation is None:  # an activation of one's own that brings no formula
        own = Symbol(Quantity("g", left.layer, left.nodes))
        value = Number(c.records.number(q))
        return {
            "general": Equation(Symbol(left), own),
            "indexed": Symbol(q.called("g")),
            "numbers": value,
            "parts": tuple(parts),
        }
    return {
        "general": Equation(Symbol(left), substitute(equation, general)),
        "indexed": substitute(equation, indexed),
        "numbers": filled(equation, here | constants, choose=False),
        "parts": tuple(parts),
    }


def whole_layer(c: Context, q: Quantity, slot: Slot, left: Quantity) -> dict[str, Any]:
    """The formulas where the nodes of a layer mix: e^(z_j) over the sum of all of them; of one's own, all z."""
    assert isinstance(slot.operation, Applied)
    g = slot.operation.g
    below, i, j = c.program.slots[slot.reads[0]], q.sample or 0, q.nodes[-1]
    z = c.inputs(slot)[0][(i, *q.nodes[:-1])]

    def at(m: Any) -> Quantity:
        return c.name(below, (*q.nodes[:-1], m), i)

    summand: Any = getattr(g, "summand", None)
    equation: Any = getattr(g, "equation", None)
    if summand is None:
        shown, _ = c.shown(z)
        own = Symbol(Quantity("g", left.layer, left.nodes))
        return {
            "general": Equation(Symbol(left), own),
            "indexed": Symbol(q.called("g")),
            "numbers": Number(c.records.number(q)),
            "parts": tuple(at(m) for m in sorted({j, *shown})),
        }
    top = float(z.max()) if g.shifts and float(abs(z).max()) > LARGE else 0.0
    with np.errstate(all="ignore"):
        values = on_arrays(summand, {"z": z - top})
    shown, _ = c.shown(values)
    shown = shown if j in shown else [j, *shown]
    others = np.delete(values, shown)
    rest = (Rest(len(others)),) if len(others) else ()
    in_numbers = (Rest(len(others), total_of(others)),) if len(others) else ()
    n_l = Number(len(z))

    # e^(z − max z) above and below the line, where e^z alone would overflow: the same quotient.
    def less(e: Expression) -> Expression:
        return e - Number(top) if top else e

    def term(e: Expression) -> Expression:
        return substitute(summand, {"z": e})

    def whole(own: Expression, total: Expression) -> Expression:
        return substitute(equation, {"z": own, "S": total, "n_l": n_l})

    zs = [Symbol(at(m)) for m in shown]
    indexed = whole(Symbol(at(j)), added([*map(term, zs), *rest]))
    numbers = added([*(term(less(Number(float(z[m])))) for m in shown), *in_numbers])
    letters = c.lettered(below, below.space.letters, slot.l)
    other = replace(letters, nodes=(*letters.nodes[:-1], Letter("m")))
    general = substitute(equation, {"z": Symbol(letters), "S": SumOver("m", term(Symbol(other))), "n_l": Symbol("n_l")})
    return {
        "general": Equation(Symbol(left), general),
        "steps": (Step("", indexed),) if top else (),
        "indexed": whole(less(Symbol(at(j))), added([*(term(less(e)) for e in zs), *rest])) if top else indexed,
        "numbers": whole(less(Number(float(z[j]))), numbers),
        "parts": tuple(at(m) for m in sorted(shown)),
    }


def added(terms: list[Expression]) -> Expression:
    """Terms as one sum."""
    return Sum(tuple(terms))


def slope(c: Context, q: Quantity) -> Derivation:
    """g′(z_j), by its formula in z or in a."""
    value = c.records.number(q)  # refuses layers that mix their nodes
    slot = c.program.output(q.layer)
    below, i = c.program.slots[slot.reads[0]], q.sample or 0
    assert isinstance(slot.operation, Applied)
    g = slot.operation.g
    numbers = {
        "z": float(c.inputs(slot)[0][(i, *q.nodes)]),
        "a": float(c.records.forward.values[slot.number][(i, *q.nodes)]),
    }
    z = c.name(below, q.nodes, i)
    own = {"z": Symbol(z), "a": Symbol(c.name(slot, q.nodes, i))}
    letters = {name: c.lettered(s, s.space.letters, slot.l) for name, s in (("z", below), ("a", slot))}
    heading = title(f"{phrase(q, c.L)} ({g.name}), with respect to z")
    equation = getattr(g, "derivative_equation", None)
    if equation is None:
        return Derivation(q, heading, value, remarks=about_activation(c, slot, q.nodes, i), parts=(z,))
    indexed = substitute(equation, own)
    return Derivation(
        q,
        heading,
        value,
        general=Equation(
            Symbol(letters["a"].called("g'")), substitute(equation, {name: Symbol(q) for name, q in letters.items()})
        ),
        indexed=indexed,
        numbers=filled(equation, numbers | g.parameters, choose=False),
        remarks=about_activation(c, slot, q.nodes, i),
        parts=tuple(name for name in symbols_in(indexed) if isinstance(name, Address)),
    )


def penalty(c: Context, q: Quantity) -> Derivation:
    """R = λ₂ Σ w² + λ₁ Σ |w|, array by array."""
    p = c.records.penalty
    terms = []
    for l, (layer, arrays) in enumerate(zip(c.program.layers, c.records.parameters, strict=True)):
        for name in (name for name in layer.penalised if name in arrays):
            squares = math.fsum(float((block**2).sum()) for block in row_blocks(arrays[name]))
            sizes = math.fsum(float(abs(block).sum()) for block in row_blocks(arrays[name]))
            slot = c.program.slots[c.program.names[l][name]]
            letters = slot.space.letters
            w = Symbol(Quantity(name, l, tuple(map(Letter, letters)), shared=True))
            label = f"layer {l}" if len(layer.penalised) == 1 else f"layer {l}, {name}"
            terms.append(
                Term(
                    label,
                    both(w, ",".join(letters)),
                    Number(float(p.l2)) * Number(squares) + Number(float(p.l1)) * Number(sizes),
                    p.l2 * squares + p.l1 * sizes,
                )
            )
    w = Symbol(Quantity("w", Letter("l"), (Letter("j"), Letter("k"))))
    return Derivation(
        q,
        title(f"{phrase(q, c.L)}, which training adds to C; biases are left out"),
        c.records.number(q),
        general=Equation(Symbol(Quantity("R")), both(w, "l,j,k")),
        indexed=sum_of(tuple(terms), "indexed"),
        numbers=sum_of(tuple(terms), "numbers"),
        terms=tuple(terms),
        remarks=about_sum(terms),
    )


def both(w: Symbol, index: str) -> Expression:
    """λ₂ Σ w² + λ₁ Σ |w|."""
    squares, sizes = SumOver(index, Power(w, Number(2))), SumOver(index, magnitude(w))
    return Symbol("lambda_2") * squares + Symbol("lambda_1") * sizes
