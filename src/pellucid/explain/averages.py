"""The rules for the mean over the samples, ∂C/∂w, and for the penalty, ∂R/∂w.

Before it: `context`. After it: `derivatives`, which asks here first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..addresses import Derivative, Letter, Quantity
from ..expressions import Equation, Expression, MatrixProduct, Number, Quotient, SumOver, Symbol, Transpose, sign
from ..operations import Contraction
from .context import Context
from .derivation import Derivation
from .phrases import says
from .remarks import about_sum
from .sentences import say
from .tree import Matrix, Remark, Term, sum_of


def of_mean(c: Context, address: Derivative) -> Derivation:
    """∂C/∂w = (1/n) Σ_i ∂C_i/∂w; by a value of one sample, that sample's share 1/n."""
    r, n, by = c.records, c.records.samples, address.by
    value = float(r.number(address))
    if by.sampled:
        name, plain = Derivative(Quantity("C", sample=by.sample), by), by.of_sample(0)
        left, right = (Derivative(Quantity("C", sample=i), plain) for i in (None, 0))
        return Derivation(
            address, says(address, c.L), value, general=Equation(Symbol(left), Quotient(Symbol(right), Symbol("n"))),
            indexed=Quotient(Symbol(name), Number(n)), numbers=Quotient(c.number(name), Number(n)), parts=(name,),
            remarks=(Remark("one sample", "Only this sample's loss depends on it, so it has a share of 1/n."),),
        )  # fmt: skip
    slot = c.records.slot(by)
    factors = r.adjoint(Quantity("C")).factors(slot.number)
    each = factors.entries(by.nodes)
    shown, others = c.shown(each / n)

    def of_sample(i: int) -> Derivative:
        return Derivative(Quantity("C", sample=i), by)

    def term(i: int) -> Term:
        return Term(f"sample {i}", Symbol(of_sample(i)) / n, Number(float(each[i])) / n, float(each[i]) / n)

    terms = tuple([term(i) for i in shown] + c.rest(others, "samples"))
    below = c.lettered(slot, slot.space.letters, slot.l)
    remarks = about_sum(terms) if np.any(each) else (Remark("zero", "It is zero for every sample."),)
    if r.penalty.any and by.name in c.program.layers[by.layer].penalised:
        R = Derivative(Quantity("R"), by)
        remarks += (Remark("penalty", say("Training also adds the penalty's {} = {}.", R, float(r.number(R)))),)
    left, inside = Derivative(Quantity("C"), below), Derivative(Quantity("C", sample=Letter("i")), below)
    return Derivation(
        address,
        says(address, c.L),
        value,
        general=Equation(Symbol(left), Quotient(Number(1), Symbol("n")) * SumOver("i", Symbol(inside))),
        indexed=sum_of(terms, "indexed"),
        numbers=sum_of(terms, "numbers"),
        terms=terms,
        remarks=remarks,
        matrix=whole(c, by),
        parts=tuple(of_sample(i) for i in shown),
    )


def whole(c: Context, by: Quantity) -> Matrix | None:
    """∂C/∂W = (1/n) Σ_i δ_i a_iᵀ, ∂C/∂b = (1/n) Σ_i δ_i, where one matrix product uses the weights."""
    slot = c.records.slot(by)
    readers = c.program.readers[slot.number]
    out = c.program.slots[readers[0][0]] if len(readers) == 1 else None
    if out is None or not isinstance(out.operation, Contraction) or not out.operation.dense or len(out.space.shape) > 1:
        return None
    below = c.program.slots[out.reads[1]]
    i = Letter("i")
    delta, a = c.array(out, i).called("delta"), c.array(below, i)
    left = Derivative(Quantity("C"), replace(by, nodes=()))
    each: Expression = Symbol(delta)
    column = (slot.space.shape[0], 1)
    shapes = ((left, (*slot.space.shape, 1)[:2]), (delta, column))
    if readers[0][1] == 0:
        each = MatrixProduct((each, Transpose(Symbol(a))))
        shapes = (*shapes, (a, (*below.space.shape, 1)[:2]))
    return Matrix(Equation(Symbol(left), Quotient(Number(1), Symbol("n")) * SumOver("i", each)), shapes)


def of_penalty(c: Context, address: Derivative) -> Derivation:
    """∂R/∂w = 2 λ₂ w + λ₁ sign(w)."""
    by, p = address.by, c.records.penalty
    slot = c.records.slot(by)
    w = float(c.records.quantity(by))
    lettered = c.lettered(slot, slot.space.letters, slot.l)

    def formula(w: Expression, l2: Expression, l1: Expression) -> Expression:
        return Number(2) * l2 * w + l1 * sign(w)

    both = Symbol("lambda_2"), Symbol("lambda_1")
    R, array = Quantity("R"), replace(by, nodes=())
    return Derivation(
        address,
        says(address, c.L),
        float(c.records.number(address)),
        general=Equation(Symbol(Derivative(R, lettered)), formula(Symbol(lettered), *both)),
        indexed=formula(Symbol(by), *both),
        numbers=formula(Number(w), Number(float(p.l2)), Number(float(p.l1))),
        matrix=Matrix(
            Equation(Symbol(Derivative(R, array)), formula(Symbol(array), *both)),
            ((Derivative(R, array), (*slot.space.shape, 1)[:2]),),
        ),
        remarks=(Remark("kink", "|w| has its kink at w = 0; sign(0) = 0 is used."),) if p.l1 and w == 0 else (),
    )
