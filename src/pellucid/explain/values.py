"""The rules for what the network computes or is given: w, b, x, y; z, a, g, g′; C_i, C; R.

Before it: `records`. After it: `explainer`, which adds the children.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import AddressError
from ..expressions import (
    Equation,
    Expression,
    MatrixProduct,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    SumOver,
    Symbol,
    exp,
    log,
    magnitude,
    substitute,
    symbols_in,
)
from ..symbols import Quantity
from ..wide import row_blocks
from .context import Context, filled, holding, letters, total_of
from .remarks import about_activation, about_loss, about_sum
from .tree import Derivation, Equal, Matrix, Step, Term, sum_of
from .wording import phrase, title

LARGE = 300.0  # beyond it e^z is not far from overflow


def derive(c: Context, q: Quantity) -> Derivation:
    """One level of the derivation of a symbol's value.

    Raises:
        AddressError: an array instead of one number.
    """
    if not q.scalar:
        raise AddressError(str(q), "expected one number", "a row or an array", "Name its nodes.")
    if q.name == "a" and q.layer == 0:
        return given(c, q)
    return RULES[q.name](c, q)


def given(c: Context, q: Quantity) -> Derivation:
    """Weights, biases, inputs and targets: nothing computes them."""
    what = {"w": "a parameter, which training changes", "b": "a parameter, which training changes"}
    return Derivation(
        str(q), title(f"{phrase(q, c.L)}: {what.get(q.name, 'data, which is given')}"), c.records.value(q), depth=0
    )


def z_rule(c: Context, q: Quantity) -> Derivation:
    """z_j = Σ_k w_jk a_k + b_j."""
    l, (j,), i = q.layer, q.nodes, q.sample
    at = f"@{i}" if i else ""
    w, a = np.asarray(c.records.quantity(Quantity("w", l, (j,)))), c.records.forward.a[l - 1][i]
    products = w * a
    below = "x[{}]" if l == 1 else f"a[{l - 1}][{{}}]"

    def term(k: int) -> Term:
        names = Product((Symbol(f"w[{l}][{j},{k}]"), Symbol(below.format(k) + at)))
        return Term(f"k = {k}", names, Product((Number(float(w[k])), Number(float(a[k])))), float(products[k]))

    shown, others = c.shown(products)
    terms = [term(k) for k in shown] + c.rest(others, "k")
    ll, down, _ = letters(l, c.L)
    right: Expression = SumOver("k", Product((Symbol(f"w[{ll}][j,k]"), Symbol(f"a[{down}][k]"))))
    arrays: Expression = MatrixProduct((Symbol(f"w[{l}]"), Symbol(f"a[{l - 1}]{at}")))
    shapes = [(f"w[{l}]", (c.n[l], c.n[l - 1])), (f"a[{l - 1}]{at}", (c.n[l - 1], 1)), (f"z[{l}]{at}", (c.n[l], 1))]
    if "b" in c.records.parameters[l]:
        b = float(c.records.parameters[l]["b"][j])
        terms.append(Term("bias", Symbol(f"b[{l}][{j}]"), Number(b), b))
        right, arrays = Sum((right, Symbol(f"b[{ll}][j]"))), Sum((arrays, Symbol(f"b[{l}]")))
        shapes.append((f"b[{l}]", (c.n[l], 1)))
    return Derivation(
        str(q),
        title(f"{phrase(q, c.L)}: what comes in over the weights" + (", and the bias" if len(shapes) > 3 else "")),
        c.records.value(q),
        general=Equation(Symbol(f"z[{ll}][j]"), right),
        indexed=sum_of(tuple(terms), "indexed"),
        numbers=sum_of(tuple(terms), "numbers"),
        terms=tuple(terms),
        remarks=about_sum(terms),
        matrix=Matrix(Equation(Symbol(f"z[{l}]{at}"), arrays), tuple(shapes)),
        parts=tuple(f"a[{l - 1}][{k}]{at}" for k in shown) if l > 1 else (),
    )


def a_rule(c: Context, q: Quantity) -> Derivation:
    """a_j = g(z_j), or for softmax e^(z_j) over its sum."""
    l, at = q.layer, f"@{q.sample}" if q.sample else ""
    g = c.records.g(l)
    name = "g" if q.name == "g" else "a"
    what = "what the node passes on, its activation function applied to z" if name == "a" else "the same number as a"
    matrix = Matrix(
        Equation(Symbol(f"a[{l}]{at}"), Symbol(f"g[{l}]{at}")),
        ((f"a[{l}]{at}", (c.n[l], 1)), (f"z[{l}]{at}", (c.n[l], 1))),
    )
    ll, *_ = letters(l, c.L)
    formulas = one_node if g.elementwise else whole_layer
    return Derivation(
        str(q),
        title(f"{phrase(q, c.L)} ({g.name}): {what}"),
        c.records.value(q),
        remarks=about_activation(c, q),
        matrix=matrix,
        **formulas(c, q, Symbol(f"{name}[{ll}][j]")),
    )


def one_node(c: Context, q: Quantity, left: Symbol) -> dict[str, Any]:
    """The formulas of an activation that works node by node."""
    g, z = c.records.g(q.layer), replace(q, name="z")
    ll, *_ = letters(q.layer, c.L)
    value = {"z": float(c.records.quantity(z))} | g.parameters
    return {
        "general": Equation(left, substitute(g.equation, {"z": Symbol(f"z[{ll}][j]")})),
        "indexed": substitute(g.equation, {"z": Symbol(str(z))}),
        "numbers": filled(g.equation, value, choose=False),
        "parts": (str(z),),
    }


def whole_layer(c: Context, q: Quantity, left: Symbol) -> dict[str, Any]:
    """The formulas of softmax: the sum over the layer stands below the line."""
    l, (j,), at = q.layer, q.nodes, f"@{q.sample}" if q.sample else ""
    ll, *_ = letters(l, c.L)
    z: Any = c.records.forward.z[l]
    z = z[q.sample]
    top = float(z.max()) if float(abs(z).max()) > LARGE else 0.0
    shown, _ = c.shown(np.exp(z - top))
    shown = shown if j in shown else [j, *shown]
    others = np.exp(np.delete(z, shown) - top)
    own, zs = Symbol(f"z[{l}][{j}]{at}"), [Symbol(f"z[{l}][{m}]{at}") for m in shown]
    rest = (Rest(len(others)),) if len(others) else ()
    in_numbers = (Rest(len(others), total_of(others)),) if len(others) else ()

    # e^(z − max z) above and below the line, where e^z alone would overflow: the same quotient.
    def less(e: Expression) -> Expression:
        return exp(e - Number(top)) if top else exp(e)

    indexed = Quotient(exp(own), Sum((*map(exp, zs), *rest)))
    numbers = Sum((*(less(Number(float(z[m]))) for m in shown), *in_numbers))
    shifted = Quotient(less(own), Sum((*map(less, zs), *rest)))
    return {
        "general": Equation(left, Quotient(exp(Symbol(f"z[{ll}][j]")), SumOver("m", exp(Symbol(f"z[{ll}][m]"))))),
        "steps": (Step("", indexed),) if top else (),
        "indexed": shifted,
        "numbers": Quotient(less(Number(float(z[j]))), numbers),
        "parts": tuple(f"z[{l}][{m}]{at}" for m in sorted(shown)),
    }


def slope_rule(c: Context, q: Quantity) -> Derivation:
    """g′(z_j), by its formula in z or in a."""
    l, (j,), i = q.layer, q.nodes, q.sample
    at = f"@{i}" if i else ""
    value = c.records.value(q)  # refuses layers that mix their nodes
    ll, *_ = letters(l, c.L)
    g = c.records.g(l)
    numbers = {"z": float(c.records.forward.z[l][i, j]), "a": float(c.records.forward.a[l][i, j])} | g.parameters
    in_letters = {"z": Symbol(f"z[{ll}][j]"), "a": Symbol(f"a[{ll}][j]")}
    own = {"z": Symbol(f"z[{l}][{j}]{at}"), "a": Symbol(f"a[{l}][{j}]{at}")}
    indexed = substitute(g.derivative_equation, own)
    return Derivation(
        str(q),
        title(f"{phrase(q, c.L)} ({g.name}), with respect to z"),
        value,
        general=Equation(Symbol(f"g'[{ll}][j]"), substitute(g.derivative_equation, in_letters)),
        indexed=indexed,
        numbers=filled(g.derivative_equation, numbers, choose=False),
        remarks=about_activation(c, q),
        matrix=None,
        parts=symbols_in(substitute(indexed, dict.fromkeys(g.parameters, Number(0)))),
    )


def loss_rule(c: Context, q: Quantity) -> Derivation:
    """C_i = Σ_j term(a_j, y_j); C = (1/n) Σ_i C_i."""
    if q.sample is None:
        return mean_loss(c, q)
    r, i, L = c.records, q.sample, c.L
    at = f"@{i}" if i else ""
    equation, constants = r.loss.equation, r.loss.parameters | {"n_L": c.n[L]}
    a, y = r.forward.a[L][i], r.targets[i]
    with np.errstate(all="ignore"):
        values = r.loss.term(a[None], y[None])[0]
    shown, others = c.shown(values)

    def term(j: int) -> Term:
        own = {"a": Symbol(f"a[{L}][{j}]{at}"), "y": Symbol(f"y[{j}]{at}"), "n_L": Number(c.n[L])}
        here = constants | {"a": float(a[j]), "y": float(y[j])}
        return Term(f"j = {j}", substitute(holding(equation, here), own), filled(equation, here), float(values[j]))

    terms = tuple([term(j) for j in shown] + c.rest(others, "j"))
    in_letters = substitute(equation, {"a": Symbol("a[L][j]"), "y": Symbol("y[j]")})
    return Derivation(
        str(q),
        title(f"{phrase(q, L)}: how far the outputs are from the targets ({r.loss.name.replace('_', ' ')})"),
        r.value(q),
        general=Equation(Symbol("C[i]" if i else "C[0]"), SumOver("j", in_letters)),
        indexed=sum_of(terms, "indexed"),
        numbers=sum_of(terms, "numbers"),
        terms=terms,
        equal=stable_loss(c, i),
        remarks=about_loss(c, q, total_of(values)),
        parts=tuple(f"a[{L}][{j}]{at}" for j in shown),
    )


def stable_loss(c: Context, i: int) -> tuple[Equal, ...]:
    """C_i from z instead of a, where output and loss have a fused form, and the sum is short enough to be shown."""
    r, L, at = c.records, c.L, f"@{i}" if i else ""
    if not r.fused or (c.terms is not None and c.n[L] > c.terms + 1):
        return ()
    z: Any = r.forward.z[L]
    values, y = [float(v) for v in z[i]], [float(v) for v in r.targets[i]]
    names = [Symbol(f"z[{L}][{j}]{at}") for j in range(c.n[L])]
    mixes = not r.g(r.L).elementwise
    top = max(values)
    everything = log(Sum(tuple(map(exp, names))))
    shifted = Number(top) + log(Sum(tuple(exp(Number(v) - Number(top)) for v in values)))  # the same, no overflow
    in_names: list[Expression] = []
    in_numbers: list[Expression] = []
    for j, (v, target) in enumerate(zip(values, y, strict=True)):
        symbol = Symbol(f"y[{j}]{at}")
        if mixes and target:  # y_j (log Σ_m e^(z_m) − z_j)
            in_names.append(symbol * (everything - names[j]))
            in_numbers.append(Number(target) * (shifted - Number(v)))
        elif r.loss.name == "poisson":  # y (e^d − 1 − d) with d = z − log y
            d, here = names[j] - log(symbol), Number(v) - log(Number(target))
            in_names.append(symbol * (exp(d) - 1 - d) if target else exp(names[j]))
            in_numbers.append(Number(target) * (exp(here) - 1 - here) if target else exp(Number(v)))
        elif not mixes:  # log(1 + e^z) − y z, and log(1 + e^z) = max(z, 0) + log(1 + e^−|z|)
            in_names.append(log(1 + exp(names[j])) - symbol * names[j])
            in_numbers.append(Number(max(v, 0.0)) + log(1 + exp(Number(-abs(v)))) - Number(target) * Number(v))
    if not in_names:
        return ()
    names_sum, numbers_sum = (Sum(tuple(found)) if len(found) > 1 else found[0] for found in (in_names, in_numbers))
    return (Equal(f"from z, the stable form of {r.fused.name}", names_sum, numbers_sum, float(r.C[i])),)


def mean_loss(c: Context, q: Quantity) -> Derivation:
    """C = (1/n) Σ_i C_i."""
    r, n = c.records, c.records.samples
    shown, others = c.shown(r.C / n)

    def term(i: int) -> Term:
        value = float(r.C[i])
        return Term(f"sample {i}", Symbol(f"C[{i}]") / n, Number(value) / n, value / n)

    terms = tuple([term(i) for i in shown] + c.rest(others, "samples"))
    return Derivation(
        str(q),
        title(f"{phrase(q, c.L)}, without the penalty"),
        r.value(q),
        general=Equation(Symbol("C"), Quotient(Number(1), Symbol("n")) * SumOver("i", Symbol("C[i]"))),
        indexed=sum_of(terms, "indexed"),
        numbers=sum_of(terms, "numbers"),
        terms=terms,
        remarks=about_sum(terms),
        parts=tuple(f"C[{i}]" for i in shown),
    )


def penalty_rule(c: Context, q: Quantity) -> Derivation:
    """R = λ₂ Σ w² + λ₁ Σ |w|, layer by layer."""
    p = c.records.penalty
    terms = []
    for l, arrays in enumerate(c.records.parameters):
        if "w" not in arrays:
            continue
        squares = math.fsum(float((block**2).sum()) for block in row_blocks(arrays["w"]))
        sizes = math.fsum(float(abs(block).sum()) for block in row_blocks(arrays["w"]))
        w = Symbol(f"w[{l}][j,k]")
        names = Symbol("lambda_2") * SumOver("j,k", Power(w, Number(2))) + Symbol("lambda_1") * SumOver(
            "j,k", magnitude(w)
        )
        numbers = Number(float(p.l2)) * Number(squares) + Number(float(p.l1)) * Number(sizes)
        terms.append(Term(f"layer {l}", names, numbers, p.l2 * squares + p.l1 * sizes))
    w = Symbol("w[l][j,k]")
    right = Symbol("lambda_2") * SumOver("l,j,k", w**2) + Symbol("lambda_1") * SumOver("l,j,k", magnitude(w))
    return Derivation(
        str(q),
        title(f"{phrase(q, c.L)}, which training adds to C; biases are left out"),
        c.records.value(q),
        general=Equation(Symbol("R"), right),
        indexed=sum_of(tuple(terms), "indexed"),
        numbers=sum_of(tuple(terms), "numbers"),
        terms=tuple(terms),
        remarks=about_sum(terms),
    )


RULES = {
    "w": given, "b": given, "x": given, "y": given, "z": z_rule, "a": a_rule, "g": a_rule, "g'": slope_rule,
    "C": loss_rule, "R": penalty_rule,
}  # fmt: skip
