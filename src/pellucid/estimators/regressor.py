"""The regressor: numbers, one or several per sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from ..errors import InputError
from ..inputs import place
from ..losses import loss as named_loss
from .base import BaseMLP


@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron for numbers, with the parameters and attributes of scikit-learn's `MLPRegressor`.

    An update lowers the mean over its batch of ½ Σ_j (a_j − y_j)², + (alpha/2) ‖W‖²/b. `loss_` and
    `loss_curve_` report, as scikit-learn does, the mean over the output nodes in place of the sum.

    With loss="poisson" the targets are ≥ 0, the outputs e^z, and C_i is Σ_j [y_j log(y_j/a_j) − y_j + a_j].

    Args:
        loss: "squared_error" (with scikit-learn's ½), "poisson", or another loss of Pellucid, by name or as an
            object.
        hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t,
        max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping,
        validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, layers, dtype, backend: see
            `MLPClassifier`.

    Attributes:
        network_, history_ and those of scikit-learn: see `MLPClassifier`.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = MLPRegressor(solver="lbfgs", random_state=0, max_iter=50, tol=10.0).fit(X, y)
        >>> model.predict(X[:3]).shape, model.network_.loss.name
        ((3,), 'half_squared_error')
    """

    def _targets(self, y, incremental):
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        y = (y if y.ndim == 2 else y[:, None]).astype(np.float64, copy=False)
        if self._loss().counts and (y < 0).any():
            index = np.argwhere(y < 0)[0]
            where = f"{type(self).__name__}: y{place(index)}"
            raise InputError(where, f"the loss {self._loss().name} expects targets ≥ 0", y[tuple(index)])
        self._n_targets = y.shape[1]
        known = getattr(self, "n_outputs_", self._n_targets)
        if (incremental or self.warm_start) and known != self._n_targets:
            raise InputError(f"{type(self).__name__}: y", f"expected {known} targets, as before", self._n_targets)
        return y

    def _output(self):
        return "exp" if self._loss().counts else "identity", self._n_targets

    def _loss(self):
        squared = isinstance(self.loss, str) and self.loss == "squared_error"
        return named_loss("half_squared_error" if squared else self.loss)

    @property
    def _reported(self):
        squared = isinstance(self.loss, str) and self.loss == "squared_error"
        return 1 / self.n_outputs_ if squared else 1.0

    @property
    def _of_y(self):
        return {"y_numeric": True}

    def _strata(self, y):
        return None

    def _score(self, a, y, weights):
        from sklearn.metrics import r2_score

        return float(r2_score(y, a, sample_weight=weights))

    @available_if(lambda self: self._can_go_on())
    def partial_fit(self, X, y, sample_weight=None):
        """One epoch over the given data, going on from the present weights and optimiser's state.

        Args:
            X, y, sample_weight: see `fit`.

        Returns:
            The estimator.

        Raises:
            InputError, ValueError: see `fit`.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """The outputs, (n,) for one target, else (n, n_L).

        Raises:
            NotFittedError, ValueError: before `fit`; inputs that can't be used.
        """
        a = self._forward(X)[1]
        return a[:, 0] if a.shape[1] == 1 else a

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
