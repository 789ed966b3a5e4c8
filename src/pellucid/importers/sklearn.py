"""scikit-learn's trained MLPs become networks, and networks become scikit-learn's MLPs; predictions stay the same.

A network can be explained and checked, and trained further; a model of scikit-learn goes where people expect one.
The weights are transposed on the way: scikit-learn holds them as (n_(l−1), n_l).
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from ..architecture import Architecture
from ..errors import InputError, shown
from ..layers import Dense, Input
from ..losses import loss
from ..network import Network

HIDDEN = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
ACTIVATIONS = {**HIDDEN, "softmax": "softmax", "exp": "exponential"}
NAMES = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
SQUARED = ("half_squared_error", "squared_error", "mean_squared_error")


def from_sklearn(model: Any) -> Network:
    """The network of a fitted `MLPClassifier` or `MLPRegressor` of scikit-learn; a copy of its weights.

    Its loss is the model's without the penalty: (binary) cross-entropy, half the squared error, or poisson.

    Raises:
        InputError: something else than a fitted MLP, or one with a loss or activation that is not here.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier((5,), solver="lbfgs", max_iter=5000, random_state=0).fit(X, y)
        >>> net = from_sklearn(model)
        >>> net, bool((net.predict(X) == model.predict(X)).all())
        (Network 4-5-3 (relu, softmax; cross_entropy; 43 parameters), True)
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not isinstance(model, MLPClassifier | MLPRegressor):
        raise InputError("from_sklearn", "expected scikit-learn's MLPClassifier or MLPRegressor", shown(model))
    is_classifier, model = isinstance(model, MLPClassifier), cast(Any, model)
    if not hasattr(model, "coefs_"):
        raise InputError("from_sklearn", "expected a fitted model", shown(model), "Call its fit first.")
    names = [*[model.activation] * (len(model.coefs_) - 1), model.out_activation_]
    for name in names:
        if name not in ACTIVATIONS:
            raise InputError("from_sklearn", f"expected an activation among {', '.join(ACTIVATIONS)}", shown(name))
    dense = [Dense(len(b), ACTIVATIONS[g]) for b, g in zip(model.intercepts_, names, strict=True)]  # type: ignore[arg-type]
    layers = (Input(len(model.coefs_[0])), *dense)
    losses = {
        "softmax": "cross_entropy", "logistic": "binary_cross_entropy", "identity": "half_squared_error",
        "exp": "poisson",
    }  # fmt: skip
    arrays = zip(model.coefs_, model.intercepts_, strict=True)
    parameters = ({}, *({"w": np.ascontiguousarray(w.T), "b": np.array(b)} for w, b in arrays))
    net = Network.of(Architecture(layers, loss(losses[model.out_activation_])), parameters)
    if is_classifier and not model._label_binarizer.y_type_.startswith("multilabel"):
        classes = tuple(model.classes_.tolist())
        net.classes = classes if len(classes) > 1 else None
    return net


def to_sklearn(model: Any) -> Any:
    """A fitted `MLPClassifier` or `MLPRegressor` of scikit-learn with a network's weights (copied).

    Args:
        model: a `Network`, or a fitted estimator of `pellucid.estimators`, whose parameters then come along.

    Raises:
        InputError: what scikit-learn's MLP can't be: hidden layers of several or other activations, another
            loss, an output that does not belong to the loss.

    Example:
        >>> from pellucid.network import mlp
        >>> net = mlp([4, 5, 3], "tanh", output="softmax", loss="cross_entropy")
        >>> model = to_sklearn(net)
        >>> model.out_activation_, model.predict_proba(np.ones((1, 4))).shape
        ('softmax', (1, 3))
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    net: Network = getattr(model, "network_", model)
    if not isinstance(net, Network):
        raise InputError("to_sklearn", "expected a Network or a fitted estimator of Pellucid", shown(model))
    if net.preparation is not None:
        raise InputError(
            "to_sklearn", "expected a network that reads its inputs as they are", "one with a preparation of a table"
        )
    hidden, output = {g.name for g in net.g[1:-1] if g}, net.g[-1].name if net.g[-1] else ""
    if len(hidden) > 1 or not hidden <= set(HIDDEN.values()):
        raise InputError(
            "to_sklearn", "expected hidden layers of one activation: linear, sigmoid, tanh or relu",
            ", ".join(sorted(hidden)),
        )  # fmt: skip
    kinds = {("softmax", "cross_entropy"): True, ("sigmoid", "binary_cross_entropy"): True}
    kinds |= {("linear", name): False for name in SQUARED} | {("exponential", "poisson"): False}
    if (output, net.loss.name) not in kinds:
        raise InputError(
            "to_sklearn",
            "expected softmax with cross_entropy, sigmoid with binary_cross_entropy, linear with a squared error, or "
            "exponential with poisson",
            f"{output} with {net.loss.name}",
        )
    given: dict[str, Any] = {"hidden_layer_sizes": net.n[1:-1], "activation": NAMES[hidden.pop()] if hidden else "relu"}
    kind: Any = MLPClassifier if kinds[output, net.loss.name] else MLPRegressor
    if model is not net:
        kept = set(kind().get_params()) & set(model.get_params(deep=False))
        if not isinstance(model.solver, str) or model.solver not in ("lbfgs", "sgd", "adam"):
            kept -= {"solver"}
        given = {**{name: value for name, value in model.get_params(deep=False).items() if name in kept}, **given}
    if kind is MLPRegressor:
        given["loss"] = "poisson" if net.loss.name == "poisson" else "squared_error"
    made: Any = kind(**given)
    made.coefs_ = [np.array(w.T, order="C") for w in net.w]
    made.intercepts_ = [
        np.array(arrays["b"]) if "b" in arrays else np.zeros(len(arrays["w"]), net.dtype)
        for arrays in net.parameters[1:]
    ]
    made.n_features_in_, made.n_outputs_, made.n_layers_ = net.n[0], net.n[-1], net.L + 1
    made.out_activation_ = NAMES[output]
    _books(made, model)
    if kind is MLPClassifier:
        _labels(made, net, model)
    return made


BOOKS: dict[str, Any] = {
    "n_iter_": 0, "t_": 0, "loss_curve_": (), "best_loss_": np.inf, "validation_scores_": None,
    "best_validation_score_": None, "_no_improvement_count": 0,
}  # fmt: skip


def _books(made: Any, model: Any) -> None:
    """What a training goes on writing: from an estimator, or as before the first epoch."""
    for name, value in BOOKS.items():
        value = getattr(model, name, value)
        setattr(made, name, list(value) if isinstance(value, tuple | list) else value)
    for name in ("loss_", "feature_names_in_"):
        if hasattr(model, name):
            setattr(made, name, getattr(model, name))
    made._best_coefs = [w.copy() for w in made.coefs_]
    made._best_intercepts = [b.copy() for b in made.intercepts_]


def _labels(made: Any, net: Network, model: Any) -> None:
    from sklearn.preprocessing import LabelBinarizer

    several = net.n[-1] > 1 and made.out_activation_ == "logistic"
    nodes = max(net.n[-1], 2)
    known = getattr(model, "classes_", np.arange(nodes) if net.classes is None else np.asarray(net.classes))
    made._label_binarizer = LabelBinarizer().fit(np.eye(nodes, dtype=int) if several else known)
    made.classes_ = np.arange(nodes) if several else known
