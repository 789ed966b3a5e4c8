"""The classifier: labels of any kind to output nodes and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from ..errors import InputError, shown
from ..losses import Loss
from ..losses import loss as named_loss
from .base import BaseMLP
from .settings import Parameters

if TYPE_CHECKING:
    from ..network import Network

OF_LOSS = Parameters.__dataclass_fields__["loss"].metadata


@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron for classes, with the parameters and attributes of scikit-learn's `MLPClassifier`.

    Two classes: one output node, a^(L) = σ(z), binary cross-entropy. More: a node for each, softmax,
    cross-entropy. Several labels per sample (an indicator matrix): a node for each, σ, the sum of their binary
    cross-entropies. An update lowers the mean loss of its batch + (alpha/2) ‖W‖²/b.

    Args:
        hidden_layer_sizes: widths of the hidden layers.
        activation: of the hidden layers: "identity", "logistic", "tanh", "relu", or one of Pellucid's.
        solver: "lbfgs", "sgd", "adam", or an optimiser of Pellucid or Optax, by name or as an object.
        alpha: the penalty's factor.
        batch_size: samples per update; "auto" is min(200, n).
        learning_rate: of "sgd": "constant", "invscaling" (η/(t + 1)^power_t) or "adaptive" (a fifth whenever
            patience ends).
        learning_rate_init: η.
        power_t: the exponent of "invscaling".
        max_iter: epochs at most; iterations of "lbfgs".
        shuffle: whether each epoch has an order of its own.
        random_state: of the first weights, the order and the held-out samples. A number gives the weights that
            scikit-learn gets with it, up to rounding.
        tol, n_iter_no_change: training stops after more than so many epochs without an improvement by `tol`.
        verbose: whether to print each epoch.
        warm_start: whether `fit` goes on from the present weights.
        momentum, nesterovs_momentum: of "sgd".
        early_stopping, validation_fraction: whether to hold out a share, watch the score on it and end with the
            best weights.
        beta_1, beta_2, epsilon: of "adam".
        max_fun: of "lbfgs", evaluations at most.
        loss: "log_loss", or a loss of Pellucid.
        layers: layers 1 … L, or a function of (n_in, n_out) that makes them, in place of `hidden_layer_sizes`
            and `activation`.
        dtype: "float32" or "float64"; None takes that of the inputs.
        backend: "numpy", "jax", or "auto" to choose by the size of the work.

    Attributes:
        network_: the `Network`, to be explained.
        history_: Pellucid's `History` of the last training in batches.
        classes_, coefs_, intercepts_, loss_, loss_curve_, best_loss_, validation_scores_,
        best_validation_score_, n_iter_, t_, n_features_in_, feature_names_in_, n_layers_, n_outputs_,
        out_activation_: as in scikit-learn.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier(random_state=1, max_iter=600, tol=1e-3).fit(X, y)
        >>> model.predict(X[::50]), model.network_.n
        (array([0, 1, 2]), (4, 100, 3))
    """

    loss: str | Loss = field(default="log_loss", kw_only=True, metadata=OF_LOSS)

    # ── labels and nodes ──────────────────────────────────────────────────────────────────────────

    def _targets(self, y, incremental):
        y = y.toarray() if hasattr(y, "toarray") else y
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise InputError(
                f"{type(self).__name__}: y", "expected labels, or an indicator matrix of several labels per sample",
                "several columns of classes", "Wrap the classifier in sklearn.multioutput.MultiOutputClassifier.",
            )  # fmt: skip
        if kind not in ("binary", "multiclass", "multilabel-indicator"):
            check_classification_targets(y)  # raises
        found = np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self.classes_, self._multilabel = found, kind.startswith("multilabel")
        elif self.warm_start:
            if set(found) != set(self.classes_):
                raise InputError(
                    type(self).__name__,
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {found}",
                )
        elif len(np.setdiff1d(found, self.classes_, assume_unique=True)):
            raise InputError(
                type(self).__name__,
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {found}",
            )
        if self._multilabel:
            return y.astype(np.float64)
        labels = np.searchsorted(self.classes_, y)
        return labels.astype(np.int32) if len(self.classes_) > 2 else labels[:, None].astype(np.float64)

    def _output(self):
        if self._multilabel:
            return "logistic", len(self.classes_)
        return ("softmax", len(self.classes_)) if len(self.classes_) > 2 else ("logistic", 1)

    def _loss(self):
        if not isinstance(self.loss, str) or self.loss != "log_loss":
            return named_loss(self.loss)
        return named_loss("cross_entropy" if self.out_activation_ == "softmax" else "binary_cross_entropy")

    def _strata(self, y):
        return y.astype(bool) if self.n_outputs_ == 1 else None

    def _score(self, a, y, weights):
        right = (a > 0.5) == (y > 0.5) if y.ndim == 2 else a.argmax(axis=1) == y
        return float(np.average(right.all(axis=1) if y.ndim == 2 else right, weights=weights))

    @property
    def network_(self) -> Network:
        """The trained `Network`, to be explained, checked or saved; it shares its weights with the estimator."""
        net = super().network_
        if not self._multilabel and len(self.classes_) > 1:
            net.classes = tuple(self.classes_.tolist())
        return net

    # ── training and using ────────────────────────────────────────────────────────────────────────

    @available_if(lambda self: self._can_go_on())
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """One epoch over the given data, going on from the present weights and optimiser's state.

        Args:
            X, y, sample_weight: see `fit`.
            classes: all classes that will come; needed in the first call.

        Returns:
            The estimator.

        Raises:
            InputError, ValueError: see `fit`; no classes in the first call, or others later.
        """
        first = getattr(self, "classes_", None) is None
        if classes is None and first:
            raise InputError(f"{type(self).__name__}: classes", "must be passed on the first call to partial_fit")
        if classes is not None:
            labels = unique_labels(classes)
            if first:
                self.classes_, self._multilabel = labels, type_of_target(y).startswith("multilabel")
            elif not np.array_equal(self.classes_, labels):
                raise InputError(
                    f"{type(self).__name__}: classes",
                    f"expected those of the first call, {self.classes_}",
                    shown(classes),
                )
        return self._fit(X, y, sample_weight, incremental=True)

    def decision_function(self, X):
        """z^(L), before the output activation: (n,) for two classes (the second where > 0), else (n, classes).

        Raises:
            NotFittedError, ValueError: before `fit`; inputs that can't be used.
        """
        z = self._forward(X)[0]
        return z[:, 0] if z.shape[1] == 1 and not self._multilabel else z

    def predict(self, X):
        """The class of each sample, (n,); for several labels per sample an indicator matrix (n, labels).

        Raises:
            NotFittedError, ValueError: before `fit`; inputs that can't be used.
        """
        a = self._forward(X)[1]
        if self._multilabel:
            return (a > 0.5).astype(int)
        if len(self.classes_) < 3:
            return self.classes_[np.minimum(a[:, 0] > 0.5, len(self.classes_) - 1).astype(int)]
        return self.classes_[a.argmax(axis=1)]

    def predict_proba(self, X):
        """The probability of each class, or of each label, (n, classes).

        Raises:
            NotFittedError, ValueError: before `fit`; inputs that can't be used.
        """
        a = self._forward(X)[1]
        return a if a.shape[1] > 1 else np.hstack([1 - a, a])

    def predict_log_proba(self, X):
        """The logarithm of `predict_proba`.

        Raises:
            NotFittedError, ValueError: before `fit`; inputs that can't be used.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
