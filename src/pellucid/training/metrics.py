"""Metrics by name: how good the outputs are, in the units that people report.

Accuracy, R² and the plain errors are one line each and need no other library; any other name is looked up
among scikit-learn's metrics.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import InputError, one_of, shown
from ..losses import Loss


def classes_of(a: np.ndarray, loss: Loss) -> np.ndarray:
    """The class that the outputs a (n, n_L) say: the largest of several, the side of the middle for one.

    One output node: the middle is ½, whatever loss.
    """
    return (a[:, 0] > 0.5).astype(np.int64) if a.shape[1] == 1 else a.argmax(axis=1)


def accuracy(a: np.ndarray, y: np.ndarray, loss: Loss) -> float:
    """The share of samples whose class is right; with several binary targets, of samples right in all."""
    if y.ndim == 1:
        return float((classes_of(a, loss) == y).mean())
    if a.shape[1] > 1 and loss.name == "binary_cross_entropy":
        return float(((a > 0.5) == (y > 0.5)).all(axis=1).mean())
    truth = y[:, 0] > 0.5 if a.shape[1] == 1 else y.argmax(axis=1)
    return float((classes_of(a, loss) == truth).mean())


def r2(a: np.ndarray, y: np.ndarray, loss: Loss) -> float:
    """R² = 1 − Σ(y − a)²/Σ(y − ȳ)² per output node, then their mean. 0 for a constant target that is missed."""
    y = y.reshape(a.shape).astype(np.float64)
    residual, spread = ((y - a) ** 2).sum(axis=0), ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    ratio = np.where(spread > 0, residual / np.where(spread > 0, spread, 1), (residual > 0).astype(float))
    return float((1 - ratio).mean())


def rmse(a: np.ndarray, y: np.ndarray, loss: Loss) -> float:
    """The root of the mean of (a − y)² over samples and output nodes, in the units of y."""
    return float(np.sqrt(((a - y.reshape(a.shape)) ** 2).mean(dtype=np.float64)))


def mean_absolute(a: np.ndarray, y: np.ndarray, loss: Loss) -> float:
    """The mean of |a − y| over samples and output nodes, in the units of y."""
    return float(np.abs(a - y.reshape(a.shape)).mean(dtype=np.float64))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray, Loss], float]] = {
    "accuracy": accuracy,
    "r2": r2,
    "rmse": rmse,
    "mean_absolute_error": mean_absolute,
}
LOWER_IS_BETTER = {"rmse", "mean_absolute_error"}


def metric(name: str) -> Callable[[np.ndarray, np.ndarray, Loss], float]:
    """A metric by name: one of METRICS, or a function of `sklearn.metrics` that takes (y_true, y_predicted).

    Raises:
        InputError: an unknown name.

    Example:
        >>> from pellucid.losses import CrossEntropy
        >>> metric("accuracy")(np.array([[0.2, 0.8], [0.9, 0.1]]), np.array([1, 1]), CrossEntropy())
        0.5
    """
    if name in METRICS:
        return METRICS[name]
    import sklearn.metrics

    function = getattr(sklearn.metrics, name, None) if isinstance(name, str) else None
    if function is None or not name.endswith(("_score", "_loss", "_error", "_coef", "_deviance")):
        raise InputError("metrics", f"expected {one_of(METRICS)} or a function of sklearn.metrics", shown(name))

    def borrowed(a, y, loss):
        try:
            return float(function(y, a) if y.ndim > 1 else function(y, classes_of(a, loss)))
        except (ValueError, TypeError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise InputError("metrics", f"expected one that fits these outputs, but {name} says {reason!r}") from None

    return borrowed
