"""What the classifier and the regressor share: fit, the fitted attributes, the network, the forward pass.

`coefs_` and `intercepts_` hold the weights in scikit-learn's orientation, (n_(l−1), n_l); `network_` is a view of
the same memory in Pellucid's, so that a change in one shows in the other. Before it: arrays, frames, sparse
matrices as people have them. After it: `stochastic` or `quasi_newton` train.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..activations import Activation
from ..architecture import Architecture
from ..arrays import Parameters as Weights
from ..arrays import dtype_of
from ..errors import InputError, NonFiniteError, shown
from ..forward import forward
from ..inputs import as_weights
from ..layers import Dense, Input, Layer
from ..losses import Loss
from ..penalty import Penalty
from ..program import program
from .quasi_newton import train_with_lbfgs
from .settings import HIDDEN, OUTPUTS, Parameters, check
from .stochastic import train_in_batches

if TYPE_CHECKING:
    from ..network import Network

ROWS = 512  # how many rows a prediction takes at a time


class BrokenFit(NonFiniteError, ValueError):
    """Training broke down; a ValueError too, which is what scikit-learn raises."""


@dataclass(eq=False, repr=False)
class BaseMLP(Parameters, BaseEstimator, ABC):
    """A multi-layer perceptron that trains by explicit backpropagation. Use `MLPClassifier` or `MLPRegressor`."""

    _reported: ClassVar[Any] = 1.0  # the factor on C in loss_: scikit-learn averages some losses over the outputs
    # ── what the two kinds decide ─────────────────────────────────────────────────────────────────

    @abstractmethod
    def _targets(self, y: Any, incremental: bool) -> np.ndarray:
        """Targets as the loss reads them: (n, n_L), or labels (n,). Learns or checks the classes."""

    @abstractmethod
    def _output(self) -> tuple[str, int]:
        """The output activation by scikit-learn's name, and n_L."""

    @abstractmethod
    def _loss(self) -> Loss:
        """C_i."""

    @abstractmethod
    def _score(self, a: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> float:
        """How good outputs are for targets, larger is better: what early stopping watches."""

    # ── training ──────────────────────────────────────────────────────────────────────────────────

    def fit(self, X, y, sample_weight=None):
        """Train from new weights, or from the present ones with `warm_start`.

        Args:
            X: inputs (n, n_0): an array, a pandas or polars frame, a sparse matrix.
            y: targets (n,) or (n, n_L).
            sample_weight: (n,) numbers ≥ 0. In a batch with weights s_i an update lowers
                Σ_i s_i C_i/Σ_i s_i + (alpha/2) ‖W‖²/Σ_i s_i; where a batch is the whole data, a weight of 2 is
                the same as the row twice.

        Returns:
            The estimator.

        Raises:
            InputError, ValueError: parameters or data that can't be used.
            NonFiniteError: a number became infinite; the last finite weights are kept.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(self, X, y, sample_weight, *, incremental):
        check(self)
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        arrays: Any = validate_data(
            self, X, y, reset=first, accept_sparse=["csr", "csc"], multi_output=True,
            dtype=(np.float64, np.float32) if self.dtype is None else np.dtype(self.dtype), **self._of_y,
        )  # fmt: skip
        X = arrays[0].tocsr() if hasattr(arrays[0], "tocsr") else arrays[0]
        y = self._targets(arrays[1], incremental)
        if isinstance(sample_weight, Real):
            sample_weight = np.full(len(y), sample_weight)
        weights = as_weights(sample_weight, None, y, None)
        self._random_state = check_random_state(self.random_state)
        if first:
            self._initialise(X.dtype)
        architecture, parameters = self._architecture(), self._parameters()
        architecture.check(parameters)
        try:
            if isinstance(self.solver, str) and self.solver == "lbfgs":
                train_with_lbfgs(self, architecture, parameters, X, y, weights)
            else:
                train_in_batches(self, architecture, parameters, X, y, weights, incremental, first)
        except NonFiniteError as error:
            do = (
                "Solver produced non-finite parameter weights. The input data may contain large values and need"
                " to be preprocessed. The last finite weights are kept."
            )
            raise BrokenFit(error.where, error.expected, error.got, do) from None
        return self

    def _initialise(self, dtype: np.dtype) -> None:
        """New weights, and the attributes that a training goes on writing."""
        self.out_activation_, self.n_outputs_ = self._output()
        self.n_iter_, self.t_ = 0, 0
        architecture = self._architecture()
        if self.layers is None and isinstance(self.activation, str) and self.activation in HIDDEN:
            parameters = self._drawn(architecture.n)
        else:
            parameters = architecture.initial(int(self._random_state.randint(2**31 - 1)))
        if self.layers is not None:
            last = architecture.program.activation(architecture.L)
            g = last.name if last else self.out_activation_
            self.out_activation_ = next((theirs for theirs, ours in OUTPUTS.items() if ours == g), g)
        self.n_layers_ = architecture.L + 1
        self._keep(tuple({name: array.astype(dtype) for name, array in layer.items()} for layer in parameters))

    def _drawn(self, n: tuple[int, ...]) -> Weights:
        """First weights and biases from the same draws as scikit-learn's. Glorot & Bengio 2010."""
        numerator = 2.0 if self.activation == "logistic" else 6.0
        layers: list[dict[str, Any]] = [{}]
        for n_in, n_out in pairwise(n):
            limit = np.sqrt(numerator / (n_in + n_out))
            coef = self._random_state.uniform(-limit, limit, (n_in, n_out))
            layers.append({"w": np.ascontiguousarray(coef.T), "b": self._random_state.uniform(-limit, limit, n_out)})
        return tuple(layers)

    # ── the network ───────────────────────────────────────────────────────────────────────────────

    def _layers(self) -> tuple[Layer, ...]:
        n_in: int = self.n_features_in_  # type: ignore[attr-defined]  # scikit-learn's validate_data sets it
        n_out = self.n_outputs_
        if self.layers is not None:
            given: Any = self.layers(n_in, n_out) if callable(self.layers) else self.layers
            layers = tuple(given)
            if not layers or not all(isinstance(layer, Dense) for layer in layers):
                raise InputError(f"{type(self).__name__}: layers", "expected dense layers", shown(layers))
            if layers[-1].n != n_out:
                raise InputError(
                    f"{type(self).__name__}: layers", f"expected {n_out} outputs, as in the data", layers[-1].n,
                    "Give a function of (n_in, n_out) to fit any data.",
                )  # fmt: skip
            return (Input(n_in), *layers)
        hidden = np.asarray(self.hidden_layer_sizes, dtype=int)
        inner_sizes = np.atleast_1d(hidden).tolist()
        g = self.activation
        inner: str | Activation = HIDDEN.get(g, g) if isinstance(g, str) else g
        outer = OUTPUTS.get(self.out_activation_, self.out_activation_)
        return (Input(n_in), *(Dense(n, inner) for n in inner_sizes), Dense(n_out, outer))  # type: ignore[arg-type]

    def _architecture(self, penalty: Penalty | None = None) -> Architecture:
        return Architecture(self._layers(), self._loss(), penalty or Penalty(float(self.alpha) / 2))

    def _parameters(self) -> Weights:
        """The weights as Pellucid holds them, in the memory of `coefs_` and `intercepts_`."""
        shapes = [program(self._layers()).shapes(l) for l in range(1, len(self.coefs_) + 1)]
        found = zip(shapes, self.coefs_, self.intercepts_, strict=True)
        return (
            {},
            *({"w": coef.T, "b": intercept} if "b" in shape else {"w": coef.T} for shape, coef, intercept in found),
        )

    def _keep(self, parameters: Weights) -> None:
        """Make these the weights."""
        self.coefs_ = [arrays["w"].T for arrays in parameters[1:]]
        self.intercepts_ = [arrays.get("b", np.zeros(len(arrays["w"]), arrays["w"].dtype)) for arrays in parameters[1:]]

    @property
    def network_(self) -> Network:
        """The trained `Network`, to be explained, checked or saved; it shares its weights with the estimator.

        Its penalty is that of the last training's whole batches, l2 = alpha/(2b).
        """
        from ..network import Network

        check_is_fitted(self, "coefs_")
        net = Network.of(
            self._architecture(Penalty(float(self.alpha) / 2 / getattr(self, "_batch", 1))), self._parameters()
        )
        net.history = getattr(self, "history_", None)
        return net

    # ── using ─────────────────────────────────────────────────────────────────────────────────────

    def _forward(self, X: Any, checked: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """z^(L) and a^(L) of all rows, some rows at a time."""
        if not checked:
            check_is_fitted(self, "coefs_")
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        X = X.tocsr() if hasattr(X, "tocsr") else X
        net, parameters, z, a = program(self._layers()), self._parameters(), [], []
        dtype = dtype_of(parameters)
        for start in range(0, X.shape[0], ROWS):
            rows = X[start : start + ROWS]
            rows = rows.toarray() if hasattr(rows, "toarray") else rows
            record = forward(net, parameters, rows.astype(dtype, copy=False))
            z.append(record.z[-1])
            a.append(record.a[-1])
        return (np.concatenate(z), np.concatenate(a)) if len(z) > 1 else (z[0], a[0])

    @property
    def _of_y(self) -> dict[str, Any]:
        return {}

    def _can_go_on(self) -> bool:
        """Whether `partial_fit` is there: its solver takes steps, and not L-BFGS, which needs all data at once."""
        if isinstance(self.solver, str) and self.solver == "lbfgs":
            raise AttributeError(
                f"partial_fit is only available for solvers that take steps, {self.solver} takes all data at once"
            )
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
