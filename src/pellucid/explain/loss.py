"""The end of every chain: the loss C_i, its stable form, its mean, and its derivatives by an output or a target.

Before it: `records`. After it: `explainer` and `derivatives`.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from ..addresses import Derivative, Letter, Quantity
from ..expressions import (
    Differential,
    Equation,
    Expression,
    Number,
    Quotient,
    Rest,
    Sum,
    SumOver,
    Symbol,
    differentiate,
    exp,
    substitute,
)
from .context import Context, Target, filled, holding, total_of
from .derivation import Derivation
from .phrases import counted, phrase, says, title
from .remarks import about_factors, about_loss, about_sum, why_no_error
from .sentences import say
from .tree import Equal, Matrix, Remark, Step, Term, sum_of


def places(c: Context) -> list[tuple[int, ...]]:
    """The index of each output."""
    return list(np.ndindex(*c.program.output(c.L).space.shape))


def constants(c: Context) -> dict[str, Any]:
    """The numbers of the loss's formula."""
    return c.records.loss.parameters | {"n_L": c.n[c.L]}


def at(c: Context, place: tuple[int, ...], sample: int) -> dict[str, Expression]:
    """The letters of the loss's formula at one output."""
    output = c.program.output(c.L)
    y = Symbol(Quantity("y", None, place, sample))
    return {"a": Symbol(c.name(output, place, sample)), "y": y, "n_L": Number(c.n[c.L])}


def lettered(c: Context) -> dict[str, Expression]:
    """The letters of the loss's formula in general."""
    output = c.program.output(c.L)
    return {
        "a": Symbol(c.lettered(output, output.space.letters, c.L)),
        "y": Symbol(Quantity("y", None, tuple(map(Letter, output.space.letters)))),
    }


def derive(c: Context, q: Quantity) -> Derivation:
    """C_i = Σ_j term(a_j, y_j); C = (1/n) Σ_i C_i."""
    if q.sample is None:
        return mean(c, q)
    r, i = c.records, q.sample
    equation, output = r.loss.equation, c.program.output(c.L)
    a, y = r.forward.output[i], r.targets[i]
    with np.errstate(all="ignore"):
        values = np.ravel(r.loss.term(a[None], y[None])[0])
    shown, others = c.shown(values)
    where = places(c)

    def term(m: int) -> Term:
        place = where[m]
        here = constants(c) | {"a": float(a[place]), "y": float(y[place])}
        label = counted(output.space.letters, place)
        names = substitute(holding(equation, here), at(c, place, i))
        return Term(label, names, filled(equation, here), float(values[m]))

    letters = ",".join(output.space.letters)
    terms = tuple([term(m) for m in shown] + c.rest(others, letters))
    return Derivation(
        q,
        title(f"{phrase(q, c.L)}: how far the outputs are from the targets ({r.loss.name.replace('_', ' ')})"),
        r.number(q),
        general=Equation(
            Symbol(Quantity("C", sample=Letter("i") if i else 0)), SumOver(letters, substitute(equation, lettered(c)))
        ),
        indexed=sum_of(terms, "indexed"),
        numbers=sum_of(terms, "numbers"),
        terms=terms,
        equal=stable(c, i),
        remarks=about_loss(c, i, total_of(values)),
        parts=tuple(c.name(output, where[m], i) for m in shown),
    )


def stable(c: Context, i: int) -> tuple[Equal, ...]:
    """C_i from z instead of a, where output and loss have a fused form, and the sum is short enough to be shown."""
    r = c.records
    if not r.fused or (c.terms is not None and c.n[c.L] > c.terms + 1):
        return ()
    slot = c.program.output(c.L)
    below = c.program.slots[slot.reads[0]]
    z = c.inputs(slot)[0][i]
    rows = []
    for place in places(c):
        symbol, target = Symbol(Quantity("y", None, place, i)), float(r.targets[i][place])
        row = [float(v) for v in z[place[:-1]]]
        own, top = row[place[-1]], max(row)
        if r.fused.sums and not target:
            continue
        zs = [Symbol(c.name(below, (*place[:-1], m), i)) for m in range(len(row))]
        here = {"z": own, "y": target, "top": top, "up": max(own, 0.0), "down": -abs(own)}
        whole = {"S": Sum(tuple(map(exp, zs)))}
        in_numbers = {"S": Sum(tuple(exp(Number(v) - Number(top)) for v in row))}
        names = substitute(holding(r.fused.equation, here), {"z": zs[place[-1]], "y": symbol} | whole)
        rows.append((names, substitute(filled(r.fused.written, here), in_numbers)))
    if not rows:
        return ()
    names, numbers = ([row[which] for row in rows] for which in (0, 1))
    names_sum, numbers_sum = (Sum(tuple(found)) if len(found) > 1 else found[0] for found in (names, numbers))
    return (Equal(f"from z, the stable form of {r.fused.name}", names_sum, numbers_sum, float(r.C[i])),)


def mean(c: Context, q: Quantity) -> Derivation:
    """C = (1/n) Σ_i C_i."""
    r, n = c.records, c.records.samples
    shown, others = c.shown(r.C / n)

    def term(i: int) -> Term:
        value = float(r.C[i])
        return Term(f"sample {i}", Symbol(Quantity("C", sample=i)) / n, Number(value) / n, value / n)

    terms = tuple([term(i) for i in shown] + c.rest(others, "samples"))
    each = SumOver("i", Symbol(Quantity("C", sample=Letter("i"))))
    return Derivation(
        q,
        title(f"{phrase(q, c.L)}, without the penalty"),
        r.number(q),
        general=Equation(Symbol(Quantity("C")), Quotient(Number(1), Symbol("n")) * each),
        indexed=sum_of(terms, "indexed"),
        numbers=sum_of(terms, "numbers"),
        terms=terms,
        remarks=about_sum(terms),
        parts=tuple(Quantity("C", sample=i) for i in shown),
    )


def by_output(c: Context, address: Any, t: Target, place: tuple[int, ...]) -> Derivation:
    """∂C_i/∂a_j^(L): the whole sum over the outputs, differentiated term by term."""
    return by(c, address, t, place, "a")


def by_target(c: Context, address: Any, t: Target, place: tuple[int, ...]) -> Derivation:
    """∂C_i/∂y_j, likewise."""
    return by(c, address, t, place, "y")


def by(c: Context, address: Any, t: Target, place: tuple[int, ...], letter: str) -> Derivation:
    """The loss differentiated by one output or one target."""
    r, i, output = c.records, t.sample, c.program.output(c.L)
    a, y = float(r.forward.output[(i, *place)]), float(r.targets[(i, *place)])
    slope = r.loss.derivative_equation if letter == "a" else differentiate(r.loss.equation, "y")
    here = constants(c) | {"a": a, "y": y}
    indexed = substitute(holding(slope, here), at(c, place, i))
    below = at(c, place, i)[letter]
    assert isinstance(below, Symbol)
    steps: tuple[Step, ...] = ()
    where = places(c)
    if len(where) > 1:
        count = min(len(where), c.terms or len(where))
        near = sorted({place, *islice((m for m in where if m != place), count - 1)})
        hidden = len(where) - len(near)
        rest: tuple[Expression, ...] = (Rest(hidden),) if hidden else ()
        everything = Sum((*(substitute(r.loss.equation, at(c, m, i)) for m in near), *rest))
        zeros: tuple[Expression, ...] = (Rest(hidden, 0.0),) if hidden else ()
        by_terms = Sum((*(indexed if m == place else Number(0) for m in near), *zeros))
        node = f"node {place[0]}" if len(place) == 1 else f"output ({','.join(map(str, place))})"
        steps = (
            Step("the whole loss", Differential(everything, below.name)),
            Step(say(f"term by term: only the term of {node} contains {{}}, the others are 0", below.name), by_terms),
        )
    value = float(r.number(address))
    remarks: tuple[Remark, ...] = ()
    if value == 0:
        remarks = about_factors(0.0, [(address, 0.0, why_no_error(c, output, place, t))])
    if r.loss.kinks and a - y in r.loss.kinks:
        text = f"The output is exactly the target, at the kink of {r.loss.name}: from −1 below to 1 above; 0 is used."
        remarks = (Remark("kink", text),)
    letters = lettered(c)
    denominator = letters[letter]
    assert isinstance(denominator, Symbol)
    left = Derivative(Quantity("C", sample=0), denominator.name)  # type: ignore[arg-type]
    return Derivation(
        address,
        says(address, c.L),
        value,
        general=Equation(Symbol(left), substitute(slope, letters)),
        steps=steps,
        indexed=indexed,
        numbers=filled(slope, here),
        remarks=remarks,
        matrix=whole(c, t) if letter == "a" else None,
        parts=(c.name(output, place, i),),
    )


def whole(c: Context, t: Target) -> Matrix | None:
    """∂C_i/∂a^(L) for all outputs at once, where the formula has no cases."""
    output = c.program.output(c.L)
    a, y = c.array(output, t.sample), Quantity("y", None, (), t.sample)
    e = substitute(c.records.loss.derivative_equation, {"a": Symbol(a), "y": Symbol(y), "n_L": Number(c.n[c.L])})
    if "Cases" in repr(e) or len(output.space.shape) != 1:
        return None
    column = (c.n[c.L], 1)
    left = Derivative(t.of, a)
    return Matrix(Equation(Symbol(left), e), ((left, column), (a, column), (y, column)))
