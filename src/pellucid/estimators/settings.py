"""The estimators' parameters as one record, and scikit-learn's names for what Pellucid has too.

Nothing is checked before `fit`, as scikit-learn wants it; there `check` goes through the record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..activations import Activation
from ..errors import InputError, shown
from ..layers import Layer
from ..losses import Loss
from ..optimisers import Optimiser
from ..training.settings import BACKENDS, DTYPES

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


def parameter(default: Any, expected: str, fits: Callable[[Any], bool] | None) -> Any:
    """A field of `Parameters`: its default, the words for what it may be, and whether a value is that."""
    return field(default=default, metadata={"expected": expected, "fits": fits})


@dataclass(eq=False, repr=False)
class Parameters:
    """The parameters of both estimators, once: scikit-learn's, then Pellucid's own. `check` reads what each may be.

    They are those of `MLPRegressor`; `MLPClassifier` has another loss, and takes it by name only.
    """

    loss: str | Loss = parameter("squared_error", "expected the name of a loss, or a loss of Pellucid", name_or(Loss))
    hidden_layer_sizes: Any = parameter((100,), "expected the widths of the hidden layers, each > 0", sizes)
    activation: str | Activation = parameter(
        "relu", "expected identity, logistic, tanh, relu, or an activation of Pellucid", name_or(Activation)
    )
    _: KW_ONLY
    solver: Any = parameter(
        "adam", "expected lbfgs, sgd, adam, or an optimiser of Pellucid or Optax",
        lambda value: isinstance(value, str | Optimiser) or hasattr(value, "update"),
    )  # fmt: skip
    alpha: float = parameter(0.0001, "expected a finite number ≥ 0", number(0))
    batch_size: int | str = parameter(
        "auto", "expected 'auto' or a whole number ≥ 1", lambda value: value == "auto" or count(value)
    )
    learning_rate: str = parameter(
        "constant", "expected constant, invscaling or adaptive",
        lambda value: isinstance(value, str) and value in ("constant", "invscaling", "adaptive"),
    )  # fmt: skip
    learning_rate_init: float = parameter(0.001, "expected a finite number > 0", number(0, above=True))
    power_t: float = parameter(0.5, "expected a finite number ≥ 0", number(0))
    max_iter: int = parameter(200, "expected a whole number ≥ 1", count)
    shuffle: bool = parameter(True, "expected True or False", flag)
    random_state: Any = parameter(None, "", None)  # scikit-learn checks it
    tol: float = parameter(1e-4, "expected a number ≥ 0", lambda value: number(0)(value) or value == math.inf)
    verbose: bool | int = parameter(
        False, "expected True, False or a whole number", lambda value: flag(value) or isinstance(value, Integral)
    )
    warm_start: bool = parameter(False, "expected True or False", flag)
    momentum: float = parameter(0.9, "expected a number in [0, 1)", number(0, 1))
    nesterovs_momentum: bool = parameter(True, "expected True or False", flag)
    early_stopping: bool = parameter(False, "expected True or False", flag)
    validation_fraction: float = parameter(0.1, "expected a number in [0, 1)", number(0, 1))
    beta_1: float = parameter(0.9, "expected a number in [0, 1)", number(0, 1))
    beta_2: float = parameter(0.999, "expected a number in [0, 1)", number(0, 1))
    epsilon: float = parameter(1e-8, "expected a finite number > 0", number(0, above=True))
    n_iter_no_change: float = parameter(
        10, "expected a whole number ≥ 1, or infinity", lambda value: count(value) or value == math.inf
    )
    max_fun: int = parameter(15000, "expected a whole number ≥ 1", count)
    layers: Any = parameter(
        None, "expected None, layers, or a function of (n_in, n_out) that returns layers",
        lambda value: (
            value is None
            or callable(value)
            or (isinstance(value, Sequence) and all(isinstance(layer, Layer) for layer in value))
        ),
    )  # fmt: skip
    dtype: Any = parameter(
        None, "expected None, 'float32' or 'float64'",
        lambda value: value is None or np.dtype(value).name in DTYPES,
    )  # fmt: skip
    backend: str = parameter(
        "auto", "expected auto, numpy or jax", lambda value: isinstance(value, str) and value in BACKENDS
    )


def check(estimator: Any) -> None:
    """Raise an InputError for the first parameter that can't be used."""
    kind = type(estimator).__name__
    for each in fields(estimator):
        value, fits = getattr(estimator, each.name), each.metadata["fits"]
        try:
            right = fits is None or bool(fits(value))
        except (TypeError, ValueError):
            right = False
        if not right:
            raise InputError(f"{kind}: {each.name}", each.metadata["expected"], shown(value))
