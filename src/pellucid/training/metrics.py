"""Metrics by name: how good the outputs are, in the units that people report.

Accuracy, R² and the plain errors are one line each and need no other library; any other name is looked up
among scikit-learn's metrics.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from ..errors import InputError, one_of, shown
from ..losses import Loss


def classes_of(a: np.ndarray, loss: Loss) -> np.ndarray:
    """The class that the outputs a (n, n_L) say: the largest of several, the side of the middle for one.

    One output node: the middle is ½, whatever loss.
    """
    return (a[:, 0] > 0.5).astype(np.int64) if a.shape[1] == 1 else a.argmax(axis=1)


def accuracy(a: np.ndarray, y: np.ndarray, loss: Loss, weights: np.ndarray | None = None) -> float:
    """The share of samples whose class is right; with several binary targets, of samples right in all."""
    if y.ndim == 1:
        right = classes_of(a, loss) == y
    elif a.shape[1] > 1 and loss.yes_or_no:
        right = ((a > 0.5) == (y > 0.5)).all(axis=1)
    else:
        right = classes_of(a, loss) == (y[:, 0] > 0.5 if a.shape[1] == 1 else y.argmax(axis=1))
    return float(np.average(right, weights=weights))


def r2(a: np.ndarray, y: np.ndarray, loss: Loss, weights: np.ndarray | None = None) -> float:
    """R² = 1 − Σ(y − a)²/Σ(y − ȳ)² per output node, then their mean. 0 for a constant target that is missed."""
    y = y.reshape(a.shape).astype(np.float64)
    mean = np.average(y, axis=0, weights=weights)
    residual, spread = (np.average(d**2, axis=0, weights=weights) for d in (y - a, y - mean))
    ratio = np.where(spread > 0, residual / np.where(spread > 0, spread, 1), (residual > 0).astype(float))
    return float((1 - ratio).mean())


def rmse(a: np.ndarray, y: np.ndarray, loss: Loss, weights: np.ndarray | None = None) -> float:
    """The root of the mean of (a − y)² over samples and output nodes, in the units of y."""
    errors = (a - y.reshape(a.shape)).astype(np.float64)
    return float(np.sqrt(np.average((errors**2).mean(axis=1), weights=weights)))


def mean_absolute(a: np.ndarray, y: np.ndarray, loss: Loss, weights: np.ndarray | None = None) -> float:
    """The mean of |a − y| over samples and output nodes, in the units of y."""
    return float(np.average(np.abs(a - y.reshape(a.shape)).mean(axis=1, dtype=np.float64), weights=weights))


METRICS: dict[str, Callable[..., float]] = {
    "accuracy": accuracy,
    "r2": r2,
    "rmse": rmse,
    "mean_absolute_error": mean_absolute,
}
LOWER_IS_BETTER = {"rmse", "mean_absolute_error"}
ENDINGS = ("_score", "_loss", "_error", "coef", "_deviance")
# Metrics of scikit-learn that read the outputs themselves, and those of numbers; the rest reads labels.
OF_OUTPUTS = {
    "roc_auc_score", "average_precision_score", "log_loss", "brier_score_loss", "d2_log_loss_score", "d2_brier_score",
    "top_k_accuracy_score",
}  # fmt: skip
OF_NUMBERS = (
    "_error",
    "_deviance",
    "r2_score",
    "explained_variance",
    "d2_absolute",
    "d2_pinball",
    "d2_tweedie",
    "pinball",
)


def metric(name: str) -> Callable[..., float]:
    """A metric by name: one of METRICS, or a function of `sklearn.metrics` that takes (y_true, y_predicted).

    What reads labels is given labels, and with more than two classes takes the plain mean over them ("macro"); what
    reads probabilities is given the outputs. "f1" is f1_score, and so on.

    Returns:
        A function of a (n, n_L), y, the loss, and sample weights (n,) or None.

    Raises:
        InputError: an unknown name.

    Example:
        >>> from pellucid.losses import CrossEntropy
        >>> a, y = np.array([[0.2, 0.8], [0.9, 0.1]]), np.array([1, 1])
        >>> metric("accuracy")(a, y, CrossEntropy()), round(metric("f1")(a, y, CrossEntropy()), 3)
        (0.5, 0.667)
    """
    if name in METRICS:
        return METRICS[name]
    import sklearn.metrics

    full = name if isinstance(name, str) and name.endswith(ENDINGS) else f"{name}_score"
    function = getattr(sklearn.metrics, full, None)
    if function is None:
        raise InputError("metrics", f"expected {one_of(METRICS)} or a function of sklearn.metrics", shown(name))

    def borrowed(a, y, loss, weights=None):
        options: dict[str, Any] = {} if weights is None else {"sample_weight": weights}
        truth, said = y, a
        if labels := not any(part in full for part in OF_NUMBERS):
            truth = _labels(a, y)
            several = a.shape[1] > 2 or truth.ndim > 1
            if full in OF_OUTPUTS:
                said = a[:, -1] if not several else a
                options |= {"multi_class": "ovr"} if full == "roc_auc_score" and several else {}
            else:
                said = classes_of(a, loss) if truth.ndim == 1 else (a > 0.5).astype(np.int64)
                options |= {"average": "macro"} if several and "average" in signature(function).parameters else {}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of classes that were never predicted: the figure says so
                return float(function(truth, said, **options))
        except (ValueError, TypeError) as error:
            reason = (str(error).splitlines() or [""])[0].rstrip(".")
            kind = "labels" if labels else "numbers"
            raise InputError("metrics", f"expected one that fits these {kind}, but {full} says {reason!r}") from None

    return borrowed


def _labels(a: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Targets as labels: indices of classes (n,), or several yes or no (n, n_L)."""
    if y.ndim == 1:
        return y
    if y.shape[1] == 1:
        return (y[:, 0] > 0.5).astype(np.int64) if np.isin(y, (0, 1)).all() else y[:, 0]
    whole = np.isin(y, (0, 1)).all()
    return y.argmax(axis=1) if whole and (y.sum(axis=1) == 1).all() else (y > 0.5).astype(np.int64)
