"""The estimators' parameters as tables: what each may be, and scikit-learn's names for what Pellucid has too.

Nothing is checked before `fit`, as scikit-learn wants it; there `check` goes through the first table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..activations import Activation
from ..errors import InputError, shown
from ..layers import Layer
from ..losses import Loss
from ..optimisers import Optimiser
from ..training.engines import ENGINES

HIDDEN = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}  # scikit-learn's → ours
OUTPUTS = {**HIDDEN, "softmax": "softmax", "exp": "exponential"}
STOCHASTIC = ("sgd", "adam")


def number(least: float, below: float = math.inf, *, above: bool = False) -> Callable[[Any], bool]:
    """Whether a value is a number ≥ least (or > least where `above`), and < below."""

    def fits(value: Any) -> bool:
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
            return False
        size = float(value)
        return (size > least if above else size >= least) and size < below

    return fits


def count(value: Any) -> bool:
    """Whether a value is a whole number ≥ 1."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def flag(value: Any) -> bool:
    """Whether a value is True or False."""
    return isinstance(value, bool | np.bool_)


def sizes(value: Any) -> bool:
    """Whether a value is a width, or several."""
    return count(value) or (isinstance(value, Sequence | np.ndarray) and all(count(size) for size in value))


def name_or(kind: Any) -> Callable[[Any], bool]:
    """Whether a value is a name or an object of a kind; whether there is such a name shows where it is used."""
    return lambda value: isinstance(value, str | kind)


Row = tuple[str, Callable[[Any], bool]]
CONSTRAINTS: dict[str, Row] = {
    "hidden_layer_sizes": ("expected the widths of the hidden layers, each > 0", sizes),
    "activation": ("expected identity, logistic, tanh, relu, or an activation of Pellucid", name_or(Activation)),
    "solver": (
        "expected lbfgs, sgd, adam, or an optimiser of Pellucid or Optax",
        lambda value: isinstance(value, str | Optimiser) or hasattr(value, "update"),
    ),
    "alpha": ("expected a finite number ≥ 0", number(0)),
    "batch_size": ("expected 'auto' or a whole number ≥ 1", lambda value: value == "auto" or count(value)),
    "learning_rate": (
        "expected constant, invscaling or adaptive",
        lambda value: isinstance(value, str) and value in ("constant", "invscaling", "adaptive"),
    ),
    "learning_rate_init": ("expected a finite number > 0", number(0, above=True)),
    "power_t": ("expected a finite number ≥ 0", number(0)),
    "max_iter": ("expected a whole number ≥ 1", count),
    "shuffle": ("expected True or False", flag),
    "tol": ("expected a number ≥ 0", lambda value: number(0)(value) or value == math.inf),
    "verbose": ("expected True, False or a whole number", lambda value: flag(value) or isinstance(value, Integral)),
    "warm_start": ("expected True or False", flag),
    "momentum": ("expected a number in [0, 1)", number(0, 1)),
    "nesterovs_momentum": ("expected True or False", flag),
    "early_stopping": ("expected True or False", flag),
    "validation_fraction": ("expected a number in [0, 1)", number(0, 1)),
    "beta_1": ("expected a number in [0, 1)", number(0, 1)),
    "beta_2": ("expected a number in [0, 1)", number(0, 1)),
    "epsilon": ("expected a finite number > 0", number(0, above=True)),
    "n_iter_no_change": ("expected a whole number ≥ 1, or infinity", lambda value: count(value) or value == math.inf),
    "max_fun": ("expected a whole number ≥ 1", count),
    "loss": ("expected the name of a loss, or a loss of Pellucid", name_or(Loss)),
    "layers": (
        "expected None, layers, or a function of (n_in, n_out) that returns layers",
        lambda value: (
            value is None
            or callable(value)
            or (isinstance(value, Sequence) and all(isinstance(layer, Layer) for layer in value))
        ),
    ),
    "dtype": (
        "expected None, 'float32' or 'float64'",
        lambda value: value is None or np.dtype(value) in (np.float32, np.float64),
    ),
    "backend": (
        "expected auto, numpy or jax",
        lambda value: isinstance(value, str) and value in ("auto", *ENGINES),
    ),
}


def check(estimator: Any) -> None:
    """Raise an InputError for the first parameter that can't be used."""
    kind = type(estimator).__name__
    for name, value in estimator.get_params(deep=False).items():
        if name in CONSTRAINTS:
            expected, fits = CONSTRAINTS[name]
            try:
                right = bool(fits(value))
            except (TypeError, ValueError):
                right = False
            if not right:
                raise InputError(f"{kind}: {name}", expected, shown(value))
