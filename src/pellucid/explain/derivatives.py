"""The rules for derivatives: of a loss, or of one node's z or a, by anything below.

Before it: `records`. After it: `explainer`, which adds the children. T stands for what is differentiated. The
chain rule is the same for every T, so one rule per symbol below the line is enough; T's own layer and the mean
over the samples come first.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

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
)
from ..records import canonical
from ..symbols import Derivative, Quantity
from .context import Context, Target, filled, letters, total_of
from .ends import OWN_LAYER, by_target, independent, jacobian_column, loss_by_output, sum_by_input
from .means import of_mean, of_penalty
from .remarks import (
    about_activation,
    about_factors,
    about_sum,
    about_way_back,
    why_flat,
    why_no_error,
)
from .tree import Derivation, Equal, Matrix, Remark, Term, sum_of
from .wording import says, t_letter


def derive(c: Context, address: Derivative | Quantity) -> Derivation:
    """One level of the derivation of a derivative, or of δ.

    Raises:
        AddressError: an array instead of one number.
    """
    if not address.scalar:
        raise AddressError(str(address), "expected one number", "a row or an array", "Name its nodes.")
    if isinstance(address, Quantity):  # δ
        loss = Target(Quantity("C", sample=address.sample))
        return by_z(c, address, loss, replace(address, name="z"))
    of, by = canonical(address.of), canonical(address.by)
    if not c.records.depends(of, by):
        return independent(c, address)
    if of.name == "R":
        return of_penalty(c, address)
    if of.name == "C" and of.sample is None:
        return of_mean(c, address)
    target = Target(of)
    if by.name == "y":
        return by_target(c, address, target)
    if of.name != "C" and by.layer == of.layer and (own := OWN_LAYER.get((of.name, by.name))):
        return own(c, address, target, by)
    return RULES[by.name](c, address, target, by)


def product(c: Context, *names: str) -> tuple[Expression, Expression, list[float]]:
    """Factors as symbols, as numbers, and their values."""
    values = [float(c.records.value(name)) for name in names]
    if len(names) == 1:
        return Symbol(names[0]), Number(values[0]), values
    return Product(tuple(map(Symbol, names))), Product(tuple(map(Number, values))), values


# ── by a weight or a bias ─────────────────────────────────────────────────────────────────────────


def by_parameter(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂T/∂w_jk = ∂T/∂a_j · ∂a_j/∂z_j · ∂z_j/∂w_jk, and the same for a bias."""
    l, j = by.layer, by.nodes[0]
    g = c.records.g(l)
    whole = t.of.name != "z" or t.of.layer != l  # T lies above z^(l), so that it is reached through a_j
    through_a = whole and g.elementwise
    node = f"{by.name}[{l}][{','.join(map(str, by.nodes))}]"
    last = f"dz[{l}][{j}]/d{node}{t.suffix}"
    if through_a:
        names = [t.da(l, j), f"da[{l}][{j}]/dz[{l}][{j}]{t.suffix}", last]
        if t.of.name == "a" and t.of.layer == l and t.of.nodes == (j,):
            names = names[1:]
    else:
        names = [t.dz(l, j), last]
    indexed, numbers, values = product(c, *names)
    value = float(c.records.value(address))
    i = t.sample
    why = {names[-1]: "the input that it weighs is 0" if by.name == "w" else ""}
    if through_a:
        why[f"da[{l}][{j}]/dz[{l}][{j}]{t.suffix}"] = why_flat(c, l, j, i)
        why[names[0]] = why.get(names[0]) or why_no_error(c, l, j, t)
    remarks = about_factors(value, [(name, v, why.get(name, "")) for name, v in zip(names, values, strict=True)])
    remarks += about_activation_kink(c, l, j, i) if through_a else ()
    equal: tuple[Equal, ...] = ()
    if through_a and t.is_loss:
        pair = [t.dz(l, j)]
        if by.name == "w":
            pair.append((f"x[{by.nodes[1]}]" if l == 1 else f"a[{l - 1}][{by.nodes[1]}]") + t.suffix)
        short, in_numbers, found = product(c, *(p for p in pair))
        equal = (
            Equal(
                "δ, and what the connection carries" if by.name == "w" else "δ itself",
                short,
                in_numbers,
                math.prod(found),
            ),
        )
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=general_parameter(c, t, by, len(names)),
        indexed=indexed,
        numbers=numbers,
        equal=equal,
        remarks=remarks + about_way_back(c, t, l),
        matrix=parameter_matrix(c, t, by) if t.is_loss else None,
        parts=tuple(names),
    )


def general_parameter(c: Context, t: Target, by: Quantity, factors: int) -> Equation:
    """The formula in letters, with as many of the three factors as there are with indices."""
    ll, *_ = letters(by.layer, c.L)
    node = f"{by.name}[{ll}][{'j,k' if by.name == 'w' else 'j'}]"
    first = t_letter(t, f"a[{ll}][j]")
    if factors == 2:
        first = f"delta[{ll}][j]" if t.is_loss else t_letter(t, f"z[{ll}][j]")
    names = [first, f"da[{ll}][j]/dz[{ll}][j]", f"dz[{ll}][j]/d{node}"]
    if factors == 2:
        del names[1]
    return Equation(Symbol(t_letter(t, node)), Product(tuple(map(Symbol, names))))


def parameter_matrix(c: Context, t: Target, by: Quantity) -> Matrix:
    """∂C_i/∂W = δ aᵀ, ∂C_i/∂b = δ."""
    l, s = by.layer, t.suffix
    delta = Symbol(f"delta[{l}]{s}")
    left = f"dC{t.sample}/d{by.name}[{l}]"
    if by.name == "b":
        return Matrix(Equation(Symbol(left), delta), ((left, (c.n[l], 1)), (f"delta[{l}]{s}", (c.n[l], 1))))
    a = f"a[{l - 1}]{s}"
    return Matrix(
        Equation(Symbol(left), MatrixProduct((delta, Transpose(Symbol(a))))),
        ((left, (c.n[l], c.n[l - 1])), (f"delta[{l}]{s}", (c.n[l], 1)), (a, (c.n[l - 1], 1))),
    )


def about_activation_kink(c: Context, l: int, j: int, i: int) -> tuple[Remark, ...]:
    """Only the remark on a kink: the others stand with ∂a/∂z."""
    return tuple(r for r in about_activation(c, Quantity("g'", l, (j,), i)) if r.kind == "kink")


# ── by z: δ ───────────────────────────────────────────────────────────────────────────────────────


def by_z(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂T/∂z_j = ∂T/∂a_j · g′(z_j); where g mixes its nodes, Σ_m ∂T/∂a_m ∂a_m/∂z_j."""
    l, (j,), i, s = by.layer, by.nodes, t.sample, t.suffix
    ll, *_ = letters(l, c.L)
    g = c.records.g(l)
    value = float(c.records.value(address))
    left = Symbol(f"delta[{ll}][j]" if t.is_loss and isinstance(address, Quantity) else t_letter(t, f"z[{ll}][j]"))
    equal = fused_form(c, t, l, j)
    common: dict[str, Any] = {"equal": equal, "matrix": delta_matrix(c, t, l)}
    if g.elementwise:
        slope = f"da[{l}][{j}]/dz[{l}][{j}]{s}"
        names = [t.da(l, j), slope]
        indexed, numbers, values = product(c, *names)
        why = [why_no_error(c, l, j, t), why_flat(c, l, j, i)]
        remarks = about_factors(value, [(n, v, w) for n, v, w in zip(names, values, why, strict=True)])
        remarks += long_way_lost(math.prod(values), value)
        remarks += about_activation_kink(c, l, j, i) + about_way_back(c, t, l)
        right = Product((Symbol(t_letter(t, f"a[{ll}][j]")), Symbol(f"g'[{ll}][j]")))
        return Derivation(
            str(address), says(c, address), value, general=Equation(left, right), indexed=indexed, numbers=numbers,
            remarks=remarks, parts=tuple(names), **common,
        )  # fmt: skip
    dT_da = c.records.adjoint(t.of).da(l)[c.records.adjoint(t.of).row(i)]
    column = jacobian_column(c.records, l, j, i)
    with np.errstate(all="ignore"):
        products = dT_da * column
    shown, others = c.shown(products)

    def term(m: int) -> Term:
        names = Product((Symbol(t.da(l, m)), Symbol(f"da[{l}][{m}]/dz[{l}][{j}]{s}")))
        numbers = Product((Number(float(dT_da[m])), Number(float(column[m]))))
        note = "zero: the target is 0" if t.is_loss and dT_da[m] == 0 and l == c.L else ""
        return Term(f"m = {m}", names, numbers, float(products[m]), note=note)

    terms = tuple([term(m) for m in shown] + c.rest(others, "m"))
    right = SumOver("m", Product((Symbol(t_letter(t, f"a[{ll}][m]")), Symbol(f"da[{ll}][m]/dz[{ll}][j]"))))
    parts = [part for m in shown if products[m] != 0 for part in (t.da(l, m), f"da[{l}][{m}]/dz[{l}][{j}]{s}")]
    return Derivation(
        str(address),
        says(c, address),
        value,
        general=Equation(left, right),
        indexed=sum_of(terms, "indexed"),
        numbers=sum_of(terms, "numbers"),
        terms=terms,
        remarks=about_sum(terms) + long_way_lost(total_of(products), value) + about_way_back(c, t, l),
        parts=tuple(parts),
        **common,
    )


def fused_form(c: Context, t: Target, l: int, j: int) -> tuple[Equal, ...]:
    """δ = a − y, where the output's activation and the loss have that form."""
    if not t.is_loss or l != c.L or not c.records.fused:
        return ()
    r, i, name = c.records, t.sample, f"fused form of {c.records.fused.name}, which training computes"
    a, y = Symbol(f"a[{l}][{j}]{t.suffix}"), Symbol(f"y[{j}]{t.suffix}")
    here = {a.name: float(r.forward.a[l][i, j]), y.name: float(r.targets[i, j])}
    total = float(r.targets[i].sum())
    # softmax gives every node its share of the sum of the targets, which is 1 unless somebody wants it otherwise
    mixes = not r.g(r.L).elementwise
    form = Sum((a if not mixes or total == 1 else Product((Number(total), a)), Negative(y)))
    return (Equal(name, form, filled(form, here), float(r.adjoint(t.of).dz(l)[i, j])),)


def long_way_lost(long_way: float, value: float) -> tuple[Remark, ...]:
    """A remark where the sum or product in full has lost its digits, and the fused form has not."""
    if math.isclose(long_way, value, rel_tol=1e-9, abs_tol=1e-14) or math.isnan(value):
        return ()
    text = f"Multiplied out it would be {{={long_way!r}}}: the outputs are rounded, and digits are lost. "
    text += f"{{={value!r}}} is the fused form's."
    return (Remark("stable form", text),)


def delta_matrix(c: Context, t: Target, l: int) -> Matrix | None:
    """δ^(l) = (W^(l+1)ᵀ δ^(l+1)) ⊙ g′(z^(l)); at the output ∂C/∂a in place of the bracket."""
    if not t.is_loss:
        return None
    s = t.suffix
    delta, da = Symbol(f"delta[{l}]{s}"), f"dC{t.sample}/da[{l}]"
    column = (c.n[l], 1)
    back: Expression = Symbol(da)
    shapes: list[tuple[str, tuple[int, ...]]] = [(str(delta.name), column)]
    if l < c.L:
        back = MatrixProduct((Transpose(Symbol(f"w[{l + 1}]")), Symbol(f"delta[{l + 1}]{s}")))
        shapes += [(f"w[{l + 1}]", (c.n[l + 1], c.n[l])), (f"delta[{l + 1}]{s}", (c.n[l + 1], 1))]
    if not c.records.g(l).elementwise:
        if l < c.L or not c.records.fused:
            return None
        a, y = Symbol(f"a[{l}]{s}"), Symbol(f"y{s}")
        return Matrix(
            Equation(delta, Sum((a, Negative(y)))), ((delta.name, column), (a.name, column), (y.name, column))
        )
    right = Elementwise((back, Symbol(f"g'[{l}]{s}")))
    return Matrix(Equation(delta, right), (*shapes, (f"g'[{l}]{s}", column)))


# ── by a ──────────────────────────────────────────────────────────────────────────────────────────


def by_a(c: Context, address: Any, t: Target, by: Quantity) -> Derivation:
    """∂T/∂a_k = Σ_j ∂T/∂z_j w_jk over the nodes j of the layer above; at the output the loss's own derivative."""
    if t.is_loss and by.layer == c.L:
        return loss_by_output(c, address, t, by)
    l, (k,), s = by.layer + 1, by.nodes, t.suffix
    ll, down, _ = letters(l, c.L)
    value = float(c.records.value(address))
    if t.of.layer == l and t.of.name == "z":
        return sum_by_input(c, address, t, by)
    adjoint = c.records.adjoint(t.of)
    delta, w = adjoint.dz(l)[adjoint.row(t.sample)], np.asarray(c.records.parameters[l]["w"][:, k])
    products = delta * w
    shown, others = c.shown(products)
    if t.of.layer == l:  # only the terms of nodes that reach T are there
        shown = [j for j in shown if products[j] != 0 or j == t.of.nodes[0]]
        zeros = c.n[l] - len(shown) - len(others)
    else:
        zeros = 0

    def term(j: int) -> Term:
        names = Product((Symbol(t.dz(l, j)), Symbol(f"w[{l}][{j},{k}]")))
        numbers = Product((Number(float(delta[j])), Number(float(w[j]))))
        note = f"zero: {{{t.dz(l, j)}}} is 0" if delta[j] == 0 else "zero: the weight is 0" if w[j] == 0 else ""
        return Term(f"j = {j}", names, numbers, float(products[j]), note=note)

    terms = [term(j) for j in shown] + c.rest(others, "j")
    if zeros:
        terms.append(Term(f"{zeros} more j", Rest(zeros), Rest(zeros, 0.0), 0.0, zeros, "zero: another node's z"))
    letter_a = f"a[{down}][k]" if l > 1 else "x[k]"
    right = SumOver(
        "j", Product((Symbol(f"delta[{ll}][j]" if t.is_loss else t_letter(t, f"z[{ll}][j]")), Symbol(f"w[{ll}][j,k]")))
    )
    zero = Remark("zero", "Every term is zero.") if not np.any(products) else None
    matrix = None
    if t.is_loss:
        left = f"dC{t.sample}/da[{l - 1}]"
        matrix = Matrix(
            Equation(Symbol(left), MatrixProduct((Transpose(Symbol(f"w[{l}]")), Symbol(f"delta[{l}]{s}")))),
            ((left, (c.n[l - 1], 1)), (f"w[{l}]", (c.n[l], c.n[l - 1])), (f"delta[{l}]{s}", (c.n[l], 1))),
        )
    return Derivation(
        str(address),
        says(c, address)[:-1] + f", through every node j of layer {l}.",
        value,
        general=Equation(Symbol(t_letter(t, letter_a)), right),
        indexed=sum_of(tuple(terms), "indexed"),
        numbers=sum_of(tuple(terms), "numbers"),
        terms=tuple(terms),
        remarks=((zero,) if zero else about_sum(terms)) + about_way_back(c, t, l),
        matrix=matrix,
        parts=tuple(t.dz(l, j) for j in shown if delta[j] != 0 or len(shown) == 1),
    )


RULES = {"w": by_parameter, "b": by_parameter, "z": by_z, "a": by_a}
