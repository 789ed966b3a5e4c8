"""The rules for the mean over the samples, ∂C/∂w, and for the penalty, ∂R/∂w.

Before it: `context`. After it: `derivatives`, which asks here first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..expressions import (
    Equation,
    Expression,
    MatrixProduct,
    Number,
    Quotient,
    SumOver,
    Symbol,
    Transpose,
    sign,
)
from ..symbols import Derivative, Quantity
from .context import Context, letters
from .remarks import (
    about_sum,
)
from .tree import Derivation, Matrix, Remark, Term, sum_of
from .wording import says


def of_mean(c: Context, address: Derivative) -> Derivation:
    """∂C/∂w = (1/n) Σ_i ∂C_i/∂w; by a value of one sample, that sample's share 1/n."""
    r, n, by = c.records, c.records.samples, address.by
    value = float(r.value(address))
    if by.kind.sampled:
        name = str(Derivative(Quantity("C", sample=by.sample), by))
        number = c.number(name)
        general = Equation(
            Symbol(f"dC/d{replace(by, sample=0)}"), Quotient(Symbol(f"dC0/d{replace(by, sample=0)}"), Symbol("n"))
        )
        return Derivation(
            str(address), says(c, address), value, general=general, indexed=Quotient(Symbol(name), Number(n)),
            numbers=Quotient(number, Number(n)), parts=(name,),
            remarks=(Remark("one sample", "Only this sample's loss depends on it, so it has a share of 1/n."),),
        )  # fmt: skip
    l, j = by.layer, by.nodes[0]
    delta = r.adjoint(Quantity("C")).dz(l)[:, j]
    each = delta * r.forward.a[l - 1][:, by.nodes[1]] if by.name == "w" else delta
    shown, others = c.shown(each / n)

    def term(i: int) -> Term:
        name = Symbol(f"dC{i}/d{by}")
        return Term(f"sample {i}", name / n, Number(float(each[i])) / n, float(each[i]) / n)

    terms = tuple([term(i) for i in shown] + c.rest(others, "samples"))
    ll, *_ = letters(l, c.L)
    below = f"{by.name}[{ll}][{'j,k' if by.name == 'w' else 'j'}]"
    remarks = about_sum(terms) if np.any(each) else (Remark("zero", "It is zero for every sample."),)
    if r.penalty.any and by.name == "w":
        slope = float(r.value(f"dR/d{by}"))
        remarks += (Remark("penalty", f"Training also adds the penalty's {{dR/d{by}}} = {{={slope!r}}}."),)
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=Equation(
            Symbol(f"dC/d{below}"), Quotient(Number(1), Symbol("n")) * SumOver("i", Symbol(f"dCi/d{below}"))
        ),
        indexed=sum_of(terms, "indexed"),
        numbers=sum_of(terms, "numbers"),
        terms=terms,
        remarks=remarks,
        matrix=mean_matrix(c, by),
        parts=tuple(f"dC{i}/d{by}" for i in shown),
    )


def mean_matrix(c: Context, by: Quantity) -> Matrix:
    """∂C/∂W = (1/n) Σ_i δ_i a_iᵀ, ∂C/∂b = (1/n) Σ_i δ_i."""
    l = by.layer
    left, delta, a = f"dC/d{by.name}[{l}]", f"delta[{l}]@i", f"a[{l - 1}]@i"
    each: Expression = Symbol(delta)
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ((left, (c.n[l], 1)), (delta, (c.n[l], 1)))
    if by.name == "w":
        each = MatrixProduct((each, Transpose(Symbol(a))))
        shapes = ((left, (c.n[l], c.n[l - 1])), shapes[1], (a, (c.n[l - 1], 1)))
    return Matrix(Equation(Symbol(left), Quotient(Number(1), Symbol("n")) * SumOver("i", each)), shapes)


def of_penalty(c: Context, address: Derivative) -> Derivation:
    """∂R/∂w = 2 λ₂ w + λ₁ sign(w)."""
    by, p = address.by, c.records.penalty
    w = float(c.records.quantity(by))
    value = float(c.records.value(address))
    ll, *_ = letters(by.layer, c.L)

    def formula(w: Expression, l2: Expression, l1: Expression) -> Expression:
        return Number(2) * l2 * w + l1 * sign(w)

    both = Symbol("lambda_2"), Symbol("lambda_1")
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=Equation(Symbol(f"dR/dw[{ll}][j,k]"), formula(Symbol(f"w[{ll}][j,k]"), *both)),
        indexed=formula(Symbol(str(by)), *both),
        numbers=formula(Number(w), Number(float(p.l2)), Number(float(p.l1))),
        matrix=Matrix(
            Equation(Symbol(f"dR/dw[{by.layer}]"), formula(Symbol(f"w[{by.layer}]"), *both)),
            ((f"dR/dw[{by.layer}]", (c.n[by.layer], c.n[by.layer - 1])),),
        ),
        remarks=(Remark("kink", "|w| has its kink at w = 0; sign(0) = 0 is used."),) if p.l1 and w == 0 else (),
    )
