"""Random networks with samples, and an evaluator that knows how far rounding may have moved a number."""

import math

import mpmath
import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from pellucid.activations import ACTIVATIONS
from pellucid.architecture import Architecture, Penalty
from pellucid.backward import backward
from pellucid.expressions import (
    Cases,
    Differential,
    Function,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    Symbol,
    differentiate,
)  # fmt: skip
from pellucid.forward import forward
from pellucid.layers import Dense, Input
from pellucid.losses import LOSSES, loss
from pellucid.records import Records

PAIRS = [
    ("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"), ("softmax", "binary_cross_entropy"),
    ("sigmoid", "cross_entropy"), ("softmax", "squared_error"),
    ("exponential", "poisson"), ("softplus", "poisson"), ("sigmoid", "poisson"), ("softmax", "poisson"),
    *[(g, C) for g in ACTIVATIONS for C in LOSSES if not LOSSES[C].classes and not LOSSES[C].counts],
]  # fmt: skip


def network(sizes, activations, C="squared_error", *, l2=0.0, l1=0.0, bias=True):
    """An Architecture of dense layers."""
    layers = (Dense(n, g, bias) for n, g in zip(sizes[1:], activations, strict=False))
    return Architecture((Input(sizes[0]), *layers), loss(C), Penalty(l2, l1))


@st.composite
def records(draw, widest=5, deepest=4, samples=3, dtype=np.float64):
    """Records of a random network, weights and samples."""
    L = draw(st.integers(1, deepest))
    sizes = draw(st.lists(st.integers(1, widest), min_size=L + 1, max_size=L + 1))
    last, C = draw(st.sampled_from(PAIRS))
    inner = draw(st.lists(st.sampled_from(list(ACTIVATIONS)), min_size=L - 1, max_size=L - 1))
    l2, l1 = draw(st.sampled_from([(0.0, 0.0), (0.1, 0.0), (0.0, 0.2), (0.3, 0.1)]))
    net = network(sizes, [*inner, last], C, l2=l2, l1=l1, bias=draw(st.booleans()))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([0.3, 1.0, 3.0]))
    parameters = tuple(
        {name: (scale * rng.normal(size=shape)).astype(dtype) for name, shape in net.program.shapes(l).items()}
        for l in range(L + 1)
    )
    if draw(st.booleans()):
        parameters[1]["w"][0, 0] = 0.0  # a dead connection
    n = draw(st.integers(1, samples))
    x = rng.normal(size=(n, sizes[0]))
    if draw(st.booleans()):
        x[0, 0] = 0.0
    if C == "cross_entropy" and draw(st.booleans()) and sizes[-1] > 1:
        y = rng.integers(0, sizes[-1], size=n)
    elif LOSSES[C].classes:
        y = rng.dirichlet(np.ones(sizes[-1]), size=n) if last == "softmax" else rng.uniform(size=(n, sizes[-1]))
    elif LOSSES[C].counts:
        y = rng.poisson(2.0, size=(n, sizes[-1])).astype(float)
    else:
        y = rng.normal(size=(n, sizes[-1]))
    r = Records(net, parameters, x, y)
    assume(within_reach(r))
    return r


def within_reach(r):
    """Whether rounding leaves digits: nothing overflows, no division by an output (or 1 − output) near 0.

    e^(e^(e^z)) is no number, and 1 / (1 − a) has lost all its digits where a is 1 but for 1e-16.
    """
    with np.errstate(all="ignore"):
        ahead = forward(r.program, r.parameters, r.x)
        back = backward(r.program, r.loss, ahead, r.targets)
        a = ahead.a[-1]
        near = {"cross_entropy": a, "binary_cross_entropy": np.minimum(a, 1 - a), "poisson": a}.get(r.loss.name, 1.0)
        numbers = [v for v in (*ahead.z, *ahead.a, *back.dC_da, *back.delta) if v is not None]
        return bool(np.min(near) > 1e-5) and all(np.max(abs(v), initial=0.0) < 1e8 for v in numbers)


def unsure(r, address):
    """How far a number moves when all numbers of the network move in their twelfth digit: its condition × 1e-12."""
    rng = np.random.default_rng(0)
    jog = lambda v: v * (1 + 1e-12 * rng.normal(size=np.shape(v)))  # noqa: E731
    moved = [
        Records(r.architecture, tuple({k: jog(v) for k, v in p.items()} for p in r.parameters), jog(r.x), r.y)
        for _ in range(4)
    ]
    return max(abs(other.value(address) - r.value(address)) for other in moved)


def quantities(r, i=0):
    """Every single quantity of a network, for one sample, as addresses: (computed, variable)."""
    at = f"@{i}" if i else ""
    computed, variable = [f"C[{i}]"], [f"x[{k}]{at}" for k in range(r.n[0])]
    for l in range(1, r.L + 1):
        nodes = range(r.n[l])
        both = [f"{name}[{l}][{j}]{at}" for name in ("z", "a") for j in nodes]
        computed += both
        variable += both
        variable += [f"w[{l}][{j},{k}]" for j in nodes for k in range(r.n[l - 1])]
        variable += [f"b[{l}][{j}]" for j in nodes if "b" in r.parameters[l]]
    return computed, variable


def slope(of, by):
    """∂of/∂by as an address."""
    top, _, sample = of.partition("@")
    sample = sample or by.partition("@")[2]
    by = by.partition("@")[0]
    if top.startswith("C["):
        return f"dC{top[2:-1]}/d{by}"
    return f"d{top}/d{by}" + (f"@{sample}" if sample else "")


EPS = 2.0**-52


def bounded(e, values=None):
    """The value of a formula in 50 digits, and a bound of what float64 may have lost computing it.

    Running error analysis: each number is taken as rounded once, each operation as rounded a few times.
    """
    values = values or {}
    mp = mpmath.mp

    def go(e):
        match e:
            case Number(v) | Rest(_, v):
                v = mpmath.mpf(v)
                return v, EPS * abs(v) * (0 if v == int(v) and abs(v) < 1000 else 1) if mpmath.isfinite(v) else (
                    v,
                    mp.inf,
                )
            case Symbol(name):
                return go(Number(values[name]))
            case Differential(of, by):
                return go(differentiate(of, by))
            case Sum(terms):
                found = [go(t) for t in terms]
                size = mp.fsum(abs(v) for v, _ in found)
                return mp.fsum(v for v, _ in found), mp.fsum(err for _, err in found) + len(found) * EPS * size
            case Product(factors):
                value, error = mpmath.mpf(1), mpmath.mpf(0)
                for v, err in map(go, factors):
                    value, error = value * v, abs(value) * err + abs(v) * error + error * err + EPS * abs(value * v)
                return value, error
            case Quotient(top, bottom):
                (a, da), (b, db) = go(top), go(bottom)
                if abs(b) <= db:
                    return mp.inf, mp.inf
                return a / b, (da + abs(a / b) * db) / (abs(b) - db) + EPS * abs(a / b)
            case Power(base, exponent):
                (a, da), (n, _) = go(base), go(exponent)
                return a**n, abs(n) * abs(a) ** (n - 1) * da * 2 + 4 * EPS * abs(a**n) if a or n >= 1 else mp.inf
            case Negative(of):
                v, err = go(of)
                return -v, err
            case Function(name, of):
                v, err = go(of)
                return function(name, v, err)
            case Cases(condition, positive, otherwise):
                return go(positive if go(condition)[0] > 0 else otherwise)
        raise TypeError(e)

    def function(name, v, err):
        match name:
            case "exp":
                return mp.exp(v), mp.exp(v) * (mp.expm1(err) + 2 * EPS) if err < 1 else mp.inf
            case "log":
                return (mp.log(v), err / (v - err) + 2 * EPS * (abs(mp.log(v)) + EPS)) if v > err else (mp.inf, mp.inf)
            case "tanh":
                return mp.tanh(v), err + 2 * EPS * abs(mp.tanh(v))
            case "sqrt":
                return (mp.sqrt(v), err / mp.sqrt(v) + EPS * mp.sqrt(v)) if v > 0 else (v, mp.sqrt(abs(err)))
            case "Phi":
                return mp.ncdf(v), err + 4 * EPS * mp.ncdf(v) + EPS * abs(v) * mp.npdf(v)
            case "abs":
                return abs(v), err
            case "sign":
                return mp.sign(v), mpmath.mpf(0)
        raise TypeError(name)

    with mpmath.workdps(50):
        return go(e)


def agrees(value, e, values=None, factor=8.0, also=0.0):
    """Whether a float64 is the value of a formula up to what rounding may do."""
    exact, error = bounded(e, values)
    if not mpmath.isfinite(exact) or not mpmath.isfinite(error):
        return True
    return abs(mpmath.mpf(value) - exact) <= factor * error + abs(exact) * factor * EPS + math.ulp(0.0) * 16 + also
