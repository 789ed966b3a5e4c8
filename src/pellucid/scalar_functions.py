"""The activations and losses of `scalar`, for one number at a time, of whatever kind the number is.

Floats, complex numbers (an analytic step into the imaginary part goes through), `fractions.Fraction` and
mpmath's numbers. Shares nothing with `activations` and `losses`, so that either can be checked by the other.
"""

from __future__ import annotations

import cmath
import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from .errors import InputError, one_of, shown

Number = Any  # float, complex, Fraction, mpmath.mpf, …
Named = str | Mapping[str, Any]  # "relu", or {"name": "leaky_relu", "slope": 0.1}


# ── elementary functions, for whatever kind of number comes ──────────────────────────────────────────────


def library(x: Number) -> Any:
    """Where the elementary functions of numbers like x live: math, cmath or mpmath."""
    if type(x).__module__.startswith("mpmath"):
        return importlib.import_module("mpmath")
    if isinstance(x, Fraction):
        raise InputError(
            "Fraction", "expected only rational activations and losses", shown(x),
            "Take linear, relu, leaky_relu or softsign with a loss that has no logarithm, or compute with floats.",
        )  # fmt: skip
    return cmath if isinstance(x, complex) else math


def exp(x: Number) -> Number:
    """e^x; infinity where a float overflows."""
    try:
        return library(x).exp(x)
    except OverflowError:
        return math.inf


def log(x: Number) -> Number:
    """The natural logarithm."""
    return library(x).log(x)


def Phi(x: Number) -> Number:
    """The distribution function of the standard normal distribution, ½ erfc(−x/√2)."""
    if isinstance(x, complex):
        from scipy.special import erfc  # cmath has none

        return complex(erfc(-x / math.sqrt(2))) / 2
    m = library(x)
    return m.erfc(-x / m.sqrt(2)) / 2


def phi(x: Number) -> Number:
    """The density of the standard normal distribution, Φ′."""
    m = library(x)
    return exp(-x * x / 2) / m.sqrt(2 * m.pi)


def sigma(x: Number) -> Number:
    """1/(1 + e^(−x))."""
    return 1 / (1 + exp(-x))


def magnitude(x: Number) -> Number:
    """|x|, continued analytically: a complex x keeps its small imaginary part."""
    return x if x.real > 0 else -x


def sign(x: Number) -> int:
    """−1, 0 or 1."""
    return (x.real > 0) - (x.real < 0)


def like(x: Number, constant: float) -> Number:
    """A constant as a number of the same kind as x: beside a Fraction it stays exact."""
    return Fraction(constant) if isinstance(x, Fraction) else constant


def positive(x: Number) -> Number:
    """The number x, which a logarithm needs to be > 0."""
    if not x.real > 0:
        raise InputError(
            "cross-entropy", "expected outputs between 0 and 1", x, "Take sigmoid or softmax in the output layer."
        )
    return x


def above_zero(x: Number) -> Number:
    """The number x, which the loss poisson needs to be > 0."""
    if not x.real > 0:
        raise InputError("poisson", "expected outputs above 0", x, "Take exponential in the output layer.")
    return x


# ── the tables: g with g′, and one node's share of C_0 with its derivative ───────────────────────────────

LAMBDA, LAMBDA_ALPHA = 1.0507009873554805, 1.0507009873554805 * 1.6732632423543772  # SELU's λ and λα

ACTIVATIONS: dict[str, tuple[Callable[..., Number], Callable[..., Number]]] = {
    # name: g(z), g′(z). At a kink g′ is the value for z < 0.
    "linear": (lambda z: z, lambda z: 1),
    "sigmoid": (lambda z: sigma(z), lambda z: sigma(z) * (1 - sigma(z))),
    "tanh": (lambda z: library(z).tanh(z), lambda z: 1 - library(z).tanh(z) ** 2),
    "relu": (lambda z: 0 if z.real <= 0 else z, lambda z: 1 if z.real > 0 else 0),
    "leaky_relu": (
        lambda z, slope=0.01: z if z.real > 0 else like(z, slope) * z,
        lambda z, slope=0.01: 1 if z.real > 0 else like(z, slope),
    ),
    "elu": (
        lambda z, alpha=1.0: z if z.real > 0 else alpha * (exp(z) - 1),
        lambda z, alpha=1.0: 1 if z.real > 0 else alpha * exp(z),
    ),
    "selu": (
        lambda z: LAMBDA * z if z.real > 0 else LAMBDA_ALPHA * (exp(z) - 1),
        lambda z: LAMBDA if z.real > 0 else LAMBDA_ALPHA * exp(z),
    ),
    "gelu": (lambda z: z * Phi(z), lambda z: Phi(z) + z * phi(z)),
    "silu": (lambda z: z * sigma(z), lambda z: sigma(z) * (1 + z * (1 - sigma(z)))),
    "softplus": (lambda z: (z if z.real > 0 else 0) + log(1 + exp(-magnitude(z))), lambda z: sigma(z)),
    "exponential": (lambda z: exp(z), lambda z: exp(z)),
    "softsign": (lambda z: z / (1 + magnitude(z)), lambda z: 1 / (1 + magnitude(z)) ** 2),
}

LOSSES: dict[str, tuple[Callable[..., Number], Callable[..., Number]]] = {
    # name: the share of one output node with output a and target y among n_L nodes, and its derivative in a
    "squared_error": (lambda a, y, n_L: (a - y) ** 2, lambda a, y, n_L: 2 * (a - y)),
    "half_squared_error": (lambda a, y, n_L: (a - y) ** 2 / 2, lambda a, y, n_L: a - y),
    "mean_squared_error": (lambda a, y, n_L: (a - y) ** 2 / n_L, lambda a, y, n_L: 2 * (a - y) / n_L),
    "absolute_error": (lambda a, y, n_L: magnitude(a - y), lambda a, y, n_L: sign(a - y)),
    "huber": (
        lambda a, y, n_L, kappa=1.0: (
            (a - y) ** 2 / 2
            if magnitude(a - y).real <= kappa
            else like(a, kappa) * (magnitude(a - y) - like(a, kappa) / 2)
        ),
        lambda a, y, n_L, kappa=1.0: a - y if magnitude(a - y).real <= kappa else like(a, kappa) * sign(a - y),
    ),
    "cross_entropy": (
        lambda a, y, n_L: -y * log(positive(a)) if y != 0 else 0,
        lambda a, y, n_L: -y / positive(a) if y != 0 else 0,
    ),
    "binary_cross_entropy": (
        lambda a, y, n_L: (-y * log(positive(a)) if y != 0 else 0) + (-(1 - y) * log(positive(1 - a)) if y != 1 else 0),
        lambda a, y, n_L: (-y / positive(a) if y != 0 else 0) + ((1 - y) / positive(1 - a) if y != 1 else 0),
    ),
    "poisson": (
        lambda a, y, n_L: (y * log(y / above_zero(a)) if y != 0 else 0) - y + a,
        lambda a, y, n_L: 1 - y / above_zero(a) if y != 0 else 1,
    ),
}


def softmax(z: Sequence[Number]) -> list[Number]:
    """a_j = e^(z_j)/Σ_i e^(z_i). The largest z is taken off first, which changes nothing and cannot overflow."""
    top = max(z_i.real for z_i in z)
    total = 0
    for z_i in z:
        total = total + exp(z_i - top)
    return [exp(z_j - top) / total for z_j in z]


def chosen(table: Mapping[str, Any], what: str, given: Named) -> tuple[str, dict[str, Any]]:
    """A name of a table and the constants beside it."""
    constants = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = str(constants.pop("name", None))
    if name not in table and not (name == "softmax" and table is ACTIVATIONS):
        raise InputError(
            what, f"expected {one_of([*table, 'softmax'] if table is ACTIVATIONS else table)}", shown(given)
        )
    return name, constants
