"""Training in batches by scikit-learn's rules: its order of rows, its learning rates, its reasons to stop.

The updates are Pellucid's `Training`; `Watch` is called after each epoch and keeps scikit-learn's books.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..architecture import Architecture
from ..arrays import Parameters
from ..errors import InputError, NonFiniteError
from ..optimisers import SGD, Adam, Optimiser, State, optimiser
from ..training import Epoch, History, InMemory, Settings, Training


@dataclass
class Solver:
    """What a later `partial_fit` goes on with."""

    learning_rate: float
    state: State
    backend: str


def chosen(estimator: Any) -> Optimiser:
    """The optimiser that `solver` and its parameters mean."""
    e = estimator
    rate = float(e.learning_rate_init)
    if isinstance(e.solver, str) and e.solver == "sgd":
        return SGD(rate, float(e.momentum), bool(e.nesterovs_momentum and e.momentum))
    if isinstance(e.solver, str) and e.solver == "adam":
        return Adam(rate, float(e.beta_1), float(e.beta_2), float(e.epsilon), constant_epsilon=True)
    return optimiser(e.solver, rate if isinstance(e.solver, str) else None)


def held_out(estimator: Any, y: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers for training and for validation; the same ones as scikit-learn's."""
    from sklearn.model_selection import train_test_split

    kept, out = (
        np.asarray(part)
        for part in train_test_split(
            np.arange(n),
            random_state=estimator._random_state,
            test_size=estimator.validation_fraction,
            stratify=estimator._strata(y),
        )
    )
    if len(out) < 2:
        raise InputError(
            type(estimator).__name__, f"The validation set is too small: {len(out)} of {n} samples", None,
            "Increase validation_fraction, or give more samples.",
        )  # fmt: skip
    return kept, out


def open_books(estimator: Any) -> None:
    """The attributes that each epoch writes, as before the first."""
    e = estimator
    e.loss_curve_ = []
    e._no_improvement_count = 0
    e.best_loss_ = None if e.early_stopping else np.inf
    e.validation_scores_ = [] if e.early_stopping else None
    e.best_validation_score_ = -np.inf if e.early_stopping else None


class Order:
    """The order of the rows in each epoch: a permutation of the last epoch's, from the estimator's random state."""

    def __init__(self, n: int, random_state: np.random.RandomState | None):
        self.rows, self.random_state = np.arange(n), random_state

    def __call__(self, epoch: int) -> np.ndarray:
        """The row numbers in this epoch's order."""
        if self.random_state is not None:
            self.rows = self.rows[self.random_state.permutation(len(self.rows))]
        return self.rows


class Watch:
    """Called after each epoch: loss curve, validation score, learning rate, whether to stop."""

    def __init__(self, estimator: Any, n: int, validation: tuple[Any, np.ndarray, np.ndarray | None] | None):
        self.estimator, self.n, self.validation = estimator, n, validation
        self.training: Training | None = None
        self.stopped = False

    def __call__(self, epoch: Epoch, knobs: dict[str, Any]) -> bool:
        """Take note of an epoch; True when it is time to stop."""
        e = self.estimator
        e.n_iter_ += 1
        e.t_ += self.n
        e.loss_ = epoch.loss
        e.loss_curve_.append(e.loss_)
        if e.verbose:
            print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
        self._compare()
        if e.solver == "sgd" and e.learning_rate == "invscaling":
            knobs["rate"] = float(e.learning_rate_init) / (e.t_ + 1) ** e.power_t
        self.stopped = e._no_improvement_count > e.n_iter_no_change and self._stops(knobs)
        return self.stopped

    def _compare(self) -> None:
        """Count the epochs without an improvement of at least `tol`."""
        e = self.estimator
        if self.validation is None:
            worse = e.loss_ > e.best_loss_ - e.tol
            e.best_loss_ = min(e.best_loss_, e.loss_)
        else:
            X, y, weights = self.validation
            assert self.training is not None
            parameters = self.training.on_host(self.training.parameters)
            e._keep(parameters)
            a = e._forward(X, checked=True)[1]
            score = e._score(a, y, weights) if np.isfinite(a).all() else float("nan")
            e.validation_scores_.append(score)
            if e.verbose:
                print(f"Validation score: {score:f}")
            worse = score < e.best_validation_score_ + e.tol
            if score > e.best_validation_score_:
                e.best_validation_score_, e._best = score, parameters
        e._no_improvement_count = e._no_improvement_count + 1 if worse else 0

    def _stops(self, knobs: dict[str, Any]) -> bool:
        """At the end of patience: stop, or go on with a fifth of the learning rate."""
        e = self.estimator
        what = "Training loss" if self.validation is None else "Validation score"
        text = f"{what} did not improve more than tol={e.tol:f} for {e.n_iter_no_change} consecutive epochs."
        if e.solver != "sgd" or e.learning_rate != "adaptive":
            text, stops = text + " Stopping.", True
        elif knobs["rate"] <= 1e-6:
            text, stops = text + " Learning rate too small. Stopping.", True
        else:
            knobs["rate"] /= 5.0
            e._no_improvement_count = 0
            text, stops = text + f" Setting learning rate to {knobs['rate']:f}", False
        if e.verbose:
            print(text)
        return stops


def train_in_batches(
    estimator: Any,
    architecture: Architecture,
    parameters: Parameters,
    X: Any,
    y: np.ndarray,
    weights: np.ndarray | None,
    incremental: bool,
    first: bool,
) -> None:
    """Train the estimator's weights; one epoch where it is one of several calls of `partial_fit`.

    Args:
        incremental: whether it is a call of `partial_fit`.
        first: whether the weights are new.

    Raises:
        InputError: `partial_fit` with early stopping, too small a validation set.
        NonFiniteError: a number became infinite or not a number.
    """
    e = estimator
    validation = None
    if e.early_stopping:
        if incremental:
            raise InputError(type(e).__name__, "partial_fit does not support early_stopping=True")
        kept, out = held_out(e, y, X.shape[0])
        validation = X[out], y[out], None if weights is None else weights[out]
        X, y, weights = X[kept], y[kept], None if weights is None else weights[kept]
    n = X.shape[0]
    order = Order(n, e._random_state if e.shuffle else None)
    source = InMemory(X, y, weights, order)

    solver = getattr(e, "_optimizer", None) if incremental else None
    update = chosen(e)
    scored = getattr(e, "validation_scores_", None) is not None
    if first or not hasattr(e, "_no_improvement_count") or scored != (validation is not None):
        open_books(e)
        e._best = parameters
    watch = Watch(e, n, validation)
    settings = Settings(
        epochs=1 if incremental else int(e.max_iter),
        batch_size=batch_of(e, n),
        optimiser=update,
        dtype=X.dtype.name,
        backend=e.backend if solver is None else solver.backend,
        progress=False,
        on_epoch=watch,
    )
    state = None if solver is None else solver.state
    training = watch.training = Training(
        architecture, parameters, source, settings, state=state, shared_penalty=True, reported=e._reported
    )
    if solver is not None:
        training.knobs["rate"] = solver.learning_rate
    e.n_iter_, e._batch = 0, settings.batch_size
    try:
        training.go()
    except NonFiniteError as error:
        if validation is None:
            e._keep(training.parameters)
            raise
        e.validation_scores_.append(float("nan"))
        warnings.warn(f"Training broke off: {error}", ConvergenceWarning, stacklevel=4)
        watch.stopped = True
    e.history_ = training.history
    e._optimizer = Solver(training.knobs["rate"], training.state, training.engine.name)
    e._keep(training.parameters if validation is None else e._best)
    _warn(e, training.history, watch.stopped or incremental)


def batch_of(estimator: Any, n: int) -> int:
    """How many samples a batch has: `batch_size`, at most n; "auto" is 200."""
    size = estimator.batch_size
    if size == "auto":
        return min(200, n)
    if size > n:
        warnings.warn(f"batch_size={size} is more than the {n} samples; it becomes {n}", stacklevel=5)
    return min(int(size), n)


def _warn(estimator: Any, history: History, settled: bool) -> None:
    if history.interrupted:
        warnings.warn(f"Training interrupted by user: {history.stopped}.", stacklevel=5)
    elif not settled:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=5,
        )
