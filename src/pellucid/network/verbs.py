"""The network as people use it: a description with its weights, and the verbs.

Below it everything is functions on descriptions and arrays; here they are bound to one object: fit, predict,
score, trace, save. Weights have the addresses of the notation: `net.w[2][1, 2]`, `net.b[1]`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from ..architecture import Architecture
from ..arrays import Parameters, tree_map
from ..errors import InputError, NonFiniteError, number
from ..forward import forward
from ..inputs import as_targets
from ..layers import Layer
from ..losses import Loss
from ..losses import loss as named_loss
from ..penalty import Penalty
from ..training import Settings, Training, metric
from ..training.engines import in_parts, judge
from ..training.settings import documented, refuse_words
from .arrays import Arrays, ByLayer
from .samples import in_precision, inputs_of, made_ready, pair_of
from .state import State

ROWS = 4096  # how many rows a prediction takes at a time

# What other libraries call the verbs and parts of a network.
WORDS = {
    "summary": "print(net) shows its layers, `pellucid info` a table of them",
    "compile": "optimiser and metrics are arguments of net.fit, the loss one of Network",
    "train": "call net.fit(x, y)",
    "forward": "net.outputs(x) gives the outputs, net.trace(x, y) every number on the way",
    "backward": "net.trace(x, y) has every derivative",
    "predict_proba": "net.outputs(x) gives the outputs",
    "weights": "see net.w[l] and net.b[l]",
    "biases": "see net.b[l]",
    "get_weights": "see net.w[l] and net.b[l]",
    "coefs_": "see net.w[l]",
    "intercepts_": "see net.b[l]",
    "state_dict": "see net.parameters, or net.save(path)",
    "to": "training chooses by net.fit(…, backend=…, dtype=…)",
}


class Network(State):
    """A feed-forward network with its weights.

    Args:
        layers: layers 0 … L in the data's order, the Input first: an argument's place is its l.
        loss: C_i, by name or object; the default is Σ_j (a_j − y_j)².
        l2, l1: the penalty R = l2 Σ w² + l1 Σ |w| on all weights, not on biases; training minimises C + R.
        seed: of the first weights; None draws one.

    Raises:
        InputError, ShapeError: layers that don't fit each other, an unknown loss, a negative penalty.

    Example:
        >>> from pellucid import Dense, Input
        >>> net = Network(Input(784), Dense(30, "sigmoid"), Dense(10, "sigmoid"), seed=0)
        >>> net.L, net.n, net.w[2].shape
        (2, (784, 30, 10), (10, 30))
    """

    def __init__(
        self, *layers: Layer, loss: str | Loss | Mapping = "squared_error", l2: float = 0.0, l1: float = 0.0,
        seed: int | None = 0,
    ):  # fmt: skip
        self.architecture = Architecture(layers, named_loss(loss), Penalty(l2, l1))
        self.parameters = self.architecture.initial(seed)
        self.classes = self.preparation = self.history = None

    @classmethod
    def of(cls, architecture: Architecture, parameters: Parameters) -> Network:
        """A network of an architecture and its arrays, which are not copied."""
        architecture.check(parameters)
        net = cls.__new__(cls)
        net.architecture, net.parameters = architecture, parameters
        net.classes = net.preparation = net.history = None
        return net

    def __copy__(self) -> Network:
        """A network of its own: what is done to its weights leaves these as they are."""
        net = Network.of(self.architecture, tree_map(np.copy, self.parameters))
        net.classes, net.preparation, net.history = self.classes, self.preparation, copy(self.history)
        return net

    # ── its arrays ────────────────────────────────────────────────────────────────────────────────

    @property
    def arrays(self) -> Arrays:
        """Every trained array by its name, then its layer: arrays["w"][2]."""
        return Arrays(self)

    @property
    def w(self) -> ByLayer:
        """w[l][j, k], the weights; destination first."""
        return ByLayer(self, "w")

    @property
    def b(self) -> ByLayer:
        """b[l][j], the biases."""
        return ByLayer(self, "b")

    def __getattr__(self, name: str) -> Any:
        hint = f"; {WORDS[name]}" if name in WORDS else ""
        raise AttributeError(f"a Network has no attribute {name!r}{hint}", name=name, obj=self)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.n))
        names = ", ".join(g.name if g else layer.kind for g, layer in zip(self.g[1:], self.layers[1:], strict=True))
        return f"Network {sizes} ({names}; {self.loss.name}; {self.n_parameters:,} parameters)"

    # ── training ──────────────────────────────────────────────────────────────────────────────────

    @documented
    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int = 100,
        batch_size: int | None = 32,
        optimiser: Any = "sgd",
        learning_rate: float | None = None,
        schedule: str | Callable[[Any], Any] | None = None,
        clip: float | None = None,
        validation: float | tuple[Any, Any] | None = None,
        metrics: Sequence[str] | str = (),
        patience: int | None = None,
        tolerance: float = 1e-4,
        monitor: str | None = None,
        restore_best: bool = False,
        sample_weight: Any = None,
        class_weight: str | Mapping[Any, float] | None = None,
        shuffle: bool = True,
        seed: int | None = 0,
        dtype: str = "float32",
        backend: str = "auto",
        progress: bool | None = None,
        checkpoint: str | os.PathLike | None = None,
        checkpoint_every: int = 1,
        resume: bool = False,
        on_epoch: Callable[..., bool | None] | None = None,
        **unknown: Any,
    ) -> Any:
        """Train by explicit backpropagation; the weights change in place, also when it is interrupted.

        Args:
            x: inputs (n, n_0), or (n, …) in the shape of the Input; or a `data.Dataset` or `data.Stream` (then y is
                left out).
            y: targets (n, n_L), or labels (n,) of any kind.
            validation: a share of the samples to hold out (with their sample weights), or (x, y), or (x, y, weights).
            sample_weight: (n,) numbers ≥ 0, the weight of each sample in its batch's mean.
            class_weight: "balanced", or a weight for each label.
            {settings}

        Returns:
            The `History`, which is also `net.history`.

        Raises:
            InputError, ShapeError: arguments or arrays that can't be used.
            NonFiniteError: a loss or gradient became infinite or not a number; the last finite weights are kept.
            ModelFileError: the checkpoint can't be written, read or belongs to another training.

        Example:
            >>> import pellucid
            >>> x = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
            >>> net = pellucid.mlp([2, 8, 1], "tanh", output="sigmoid", loss="binary_cross_entropy", seed=1)
            >>> history = net.fit(x, [0, 1, 1, 0], epochs=300, batch_size=None, optimiser="adam", learning_rate=0.05)
            >>> net.predict(x)
            array([0, 1, 1, 0])
        """
        refuse_words(unknown)
        settings = Settings(
            epochs=epochs,
            batch_size=batch_size,
            optimiser=optimiser,
            learning_rate=learning_rate,
            schedule=schedule,
            clip=clip,
            metrics=metrics,
            patience=patience,
            tolerance=tolerance,
            monitor=monitor,
            restore_best=restore_best,
            shuffle=shuffle,
            seed=seed,
            dtype=dtype,
            backend=backend,
            progress=progress,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            resume=resume,
            on_epoch=on_epoch,
        )
        self.architecture.check_ends()
        samples = made_ready(self, x, y, validation, sample_weight, class_weight, settings.drawn)
        settings.check_updates(samples.source.n)
        training = Training(self.architecture, self.parameters, samples.source, settings, samples.validation)
        self.classes, self.preparation = samples.classes, samples.preparation
        try:
            _, self.history = training.go()
        except NonFiniteError:
            self.history = training.history
            raise
        finally:
            self.parameters = training.parameters
        return self.history

    # ── using ─────────────────────────────────────────────────────────────────────────────────────

    def outputs(self, x: Any) -> np.ndarray:
        """a^(L), (n, n_L), in the precision of the weights.

        Args:
            x: inputs (n, n_0), or one sample (n_0,), as the network takes them; or a data set; or a frame, whose
                columns go through the preparation that was fitted in training.

        Raises:
            InputError, ShapeError: inputs that can't be used.
        """
        x = in_precision(inputs_of(self, x), self.dtype)
        if len(x) <= ROWS:
            return forward(self.architecture.program, self.parameters, x).output
        parts = [
            forward(self.architecture.program, self.parameters, x[i : i + ROWS]).output for i in range(0, len(x), ROWS)
        ]
        return np.concatenate(parts)

    def predict(self, x: Any, threshold: float = 0.5) -> np.ndarray:
        """The class of each sample for a network trained on labels, (n,); else the outputs, (n, n_L).

        Numbers come in the units of the training's targets, also where the preparation standardised them.

        Args:
            x: as in `outputs`.
            threshold: from which output on a single node says the second class; lower it where that class is rare.

        Raises:
            InputError, ShapeError: inputs that can't be used; a threshold where there is no such node.
        """
        a = self.outputs(x)
        if number("threshold", threshold) != 0.5 and (self.classes is None or a.shape[1] > 1):
            raise InputError("threshold", "expected a network with one output node for two classes", repr(self))
        if self.classes is None:
            return a if self.preparation is None else self.preparation.decode(a)
        labels = (a[:, 0] > threshold).astype(int) if a.shape[1] == 1 else a.argmax(axis=1)
        return np.asarray(self.classes)[labels]

    def evaluate(self, x: Any, y: Any = None, metrics: Sequence[str] | str = ()) -> dict[str, float]:
        """The mean loss C and the metrics by name, computed in float64.

        Args:
            x: as in `predict`; a data set or a frame brings its targets, then y is left out.
            y: targets as in `fit`.

        Raises:
            InputError, ShapeError: arrays that can't be used.
        """
        x, y = pair_of(self, x, y)
        a, C = in_parts(
            lambda x, y: judge(self.architecture.program, self.loss, self.parameters, x.astype(np.float64), y), x, y
        )
        names = (metrics,) if isinstance(metrics, str) else metrics
        return {"loss": float(C.mean()), **{name: metric(name)(a, y, self.loss) for name in names}}

    def score(self, x: Any, y: Any = None) -> float:
        """Accuracy for classes, R² for numbers; arguments as in `evaluate`.

        Raises:
            InputError, ShapeError: arrays that can't be used.
        """
        name = "accuracy" if self.classes is not None or self.loss.classes else "r2"
        return self.evaluate(x, y, name)[name]

    def trace(self, x: Any, y: Any) -> Any:
        """The float64 record of forward and backward for some samples: every number by its address, and explained.

        Args:
            x: (n, n_0), or one sample (n_0,).
            y: targets (n, n_L), or labels (n,).

        Returns:
            A `pellucid.explain.Trace`.

        Raises:
            InputError, ShapeError: arrays that can't be used.

        Example:
            >>> from pellucid import Dense, Input
            >>> net = Network(Input(1), Dense(1, bias=False))
            >>> net.w[1] = [[3.0]]
            >>> t = net.trace([[2.0]], [[5.0]])
            >>> t["C0"], t["dC0/dw[1][0,0]"]
            (1.0, 4.0)
        """
        from ..explain import Trace

        x = inputs_of(self, x)
        given = np.asarray(y)
        labels = self.classes is None and given.dtype.kind in "iu" and given.shape == (len(x),) and self.n[-1] > 1
        if not labels:  # numbers of nodes need no reading, and one sample's need not name two classes
            y, _ = as_targets(y, len(x), self.n[-1], self.loss, self.classes)
        return Trace(self.architecture, self.parameters, x, y)

    # ── keeping ───────────────────────────────────────────────────────────────────────────────────

    def save(self, path: str | os.PathLike) -> Path:
        """Write the network with all it needs into one safetensors file, atomically; returns its path.

        Raises:
            InputError: a weight that is not finite, a name that ends like that of another format.
            ModelFileError: the file can't be written.
        """
        from .. import __version__, store

        description = {
            "pellucid": __version__,
            "classes": None if self.classes is None else list(self.classes),
            "preparation": None if self.preparation is None else self.preparation.to_dict(),
            "history": None if self.history is None else self.history.to_dict(),
        }
        store.save(path, self.architecture, self.parameters, description=description)
        return Path(os.fsdecode(path))
