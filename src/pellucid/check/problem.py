"""What a candidate is compared with: one network, its arrays, its data, and the right computation in float64.

Before it: architecture, forward, backward. After it: `passes` computes the same gradients with a mistake
planted, `bounds` says how far right gradients may lie apart, `search` looks for the mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..architecture import Architecture
from ..arrays import Array, Parameters
from ..backward import Backward, backward, losses, stable_form
from ..errors import InputError, ShapeError, one_of, shown
from ..forward import Forward, forward
from ..inputs import as_array, as_inputs, check_finite
from ..losses import Fused, targets

REDUCTIONS = ("mean", "sum", "per_sample")


@dataclass(frozen=True)
class Problem:
    """A network with its data, as float64 NumPy arrays.

    Attributes:
        architecture: layers 1 … L, the loss, the penalty.
        parameters: one dict per layer 0 … L.
        x: inputs, (n, n_0).
        y: targets, (n, n_L).
        reduction: what the right gradient is: the mean over the samples, their sum, or each sample's own.
        learning_rate: η, where the user told it.
        previous: x and y of another batch, whose gradient may have been added by mistake.
    """

    architecture: Architecture
    parameters: Parameters
    x: Array
    y: Array
    reduction: str = "mean"
    learning_rate: float | None = None
    previous: tuple[Array, Array] | None = None

    @property
    def L(self) -> int:
        """Index of the output layer."""
        return self.architecture.L

    @property
    def n(self) -> int:
        """The number of samples."""
        return self.x.shape[0]

    @property
    def widths(self) -> tuple[int, ...]:
        """n_l of layers 0 … L."""
        return self.architecture.n

    @cached_property
    def record(self) -> Forward:
        """Every z and a."""
        return forward(self.architecture.program, self.parameters, self.x)

    @cached_property
    def back(self) -> Backward:
        """Every ∂C_i/∂a and δ."""
        return backward(self.architecture.program, self.architecture.loss, self.record, self.y)

    @cached_property
    def fused(self) -> Fused | None:
        """The fused form of the output layer, if there is one."""
        return stable_form(self.architecture.program, self.architecture.loss)

    @cached_property
    @np.errstate(all="ignore")
    def gradients(self) -> tuple[dict[str, Array], ...]:
        """The right gradients of layers 1 … L, penalty included (not in each sample's own gradient)."""
        out = []
        for l in range(1, self.L + 1):
            right = {}
            for name, factors in self.back.factors[l].items():
                if self.reduction == "per_sample":
                    right[name] = factors.per_sample()
                else:
                    right[name] = factors.mean() * (self.n if self.reduction == "sum" else 1)
            if self.reduction != "per_sample":
                right = {name: gradient + self.dR(l, name) for name, gradient in right.items()}
            out.append(right)
        return tuple(out)

    def g(self, l: int):
        """The activation of layer l."""
        return self.architecture.program.applied(l)

    def z(self, l: int) -> Array:
        """z^(l), (n, n_l)."""
        z = self.record.z[l]
        assert z is not None  # of layers 1 … L
        return z

    def a(self, l: int) -> Array:
        """a^(l), (n, n_l)."""
        return self.record.a[l]

    def w(self, l: int) -> Array:
        """W^(l), (n_l, n_(l−1))."""
        return self.parameters[l]["w"]

    def b(self, l: int) -> Array | None:
        """b^(l), (n_l,), or None where the layer has no biases."""
        return self.parameters[l].get("b")

    @cached_property
    def textbook(self) -> bool:
        """Whether all layers are dense, each on the one below: the networks whose mistakes have names."""
        net = self.architecture.program
        return all(
            layer.kind == "dense" and net.reads[l] == (l - 1,) for l, layer in enumerate(self.architecture.layers) if l
        )

    def shape(self, kind: str, l: int) -> tuple[int, ...]:
        """The shape of an array of weights, or of a quantity or its derivative without the samples."""
        net = self.architecture.program
        if (kind, l) in [(name, at) for at, name in net.arrays]:
            return net.shapes(l)[kind]
        slot = (
            net.output(l) if kind == "dC_da" else net.slot(l, {"delta": "z"}.get(kind, kind)) or net.slot(l, kind[1:])
        )
        return slot.space.shape if slot else ()

    def handed_down(self, l: int, delta: Array) -> Array:
        """∂C_i/∂a^(l−1) from δ^(l): what the operation of z^(l) pulls back."""
        net = self.architecture.program
        slot = net.slots[net.names[l]["z"]]
        return slot.operation.pull_back(1, self.record.inputs(slot.number), self.z(l), delta)

    def delta(self, l: int) -> Array:
        """δ^(l), (n, n_l)."""
        delta = self.back.delta[l]
        assert delta is not None  # of layers 1 … L
        return delta

    def dC_da(self, l: int) -> Array:
        """∂C_i/∂a^(l), (n, n_l)."""
        slope = self.back.dC_da[l]
        assert slope is not None  # the pass went down to the input
        return slope

    def dR(self, l: int, name: str) -> Array:
        """∂R/∂(array) of layer l; 0 in each sample's own gradient, and for arrays that are not penalised."""
        w = self.parameters[l][name]
        acts = name in self.architecture.layers[l].penalised and self.architecture.penalty.any
        return self.architecture.penalty.dR_dw(w) if acts and self.reduction != "per_sample" else np.zeros_like(w)

    def dR_dw(self, l: int) -> Array:
        """The penalty's derivative in W^(l); 0 in each sample's own gradient."""
        return self.dR(l, "w")

    @np.errstate(all="ignore")
    def objective(self, parameters: Parameters) -> Array:
        """C + R at other parameters (complex ones too); what the gradients are the derivative of."""
        net = self.architecture.program
        C = losses(net, self.architecture.loss, forward(net, parameters, self.x), self.y)
        if self.reduction == "per_sample":
            return C.sum()
        total = C.sum() if self.reduction == "sum" else C.mean()
        return total + self.architecture.penalty.R(list(self.architecture.penalised(parameters)))


def problem(
    architecture: Architecture,
    parameters: Parameters,
    x: Array,
    y: Array,
    *,
    reduction: str = "mean",
    learning_rate: float | None = None,
    previous: Sequence[Array] | None = None,
) -> Problem:
    """A Problem from what the user gave: all in float64, labels as one-hot rows, one sample as one row.

    Raises:
        InputError: no samples, an unknown reduction, labels that are no classes, a
            number that is infinite or none.
        ShapeError: x or y that does not fit the network.
    """
    if reduction not in REDUCTIONS:
        raise InputError("reduction", f"expected {one_of(REDUCTIONS)}", shown(reduction))
    arrays = tuple({name: np.asarray(v, np.float64) for name, v in layer.items()} for layer in parameters)
    architecture.check(arrays)
    for l, layer in enumerate(arrays):
        for name, array in layer.items():
            check_finite(array, f"{name}[{l}]")
    x, y = fitting(architecture, x, y, "x", "y")
    before = None
    if previous is not None:
        before = fitting(architecture, previous[0], previous[1], "previous x", "previous y")
    return Problem(architecture, arrays, x, y, reduction, learning_rate, before)


def fitting(architecture: Architecture, x: Array, y: Array, x_name: str, y_name: str) -> tuple[Array, Array]:
    """X as (n, n_0) and y as (n, n_L) in float64; labels 0 … n_L − 1 as rows with a single 1."""
    n_L = architecture.n[-1]
    one = np.ndim(x) == 1
    x, y = as_inputs(x, architecture.shape, x_name), as_array(y, y_name)
    check_finite(y, y_name)
    n = len(x)
    if one and y.shape in ((n_L,), ()):
        y = y.reshape(1, -1) if y.size == n_L else y.reshape(1)
    if y.shape == (n,) and n_L == 1:
        y = y[:, None]
    elif y.shape in ((n,), (n, 1)) and n_L > 1:
        labels = y.reshape(n)
        if (
            labels.dtype.kind in "US"
            or not (labels == np.round(labels)).all()
            or labels.min() < 0
            or labels.max() >= n_L
        ):
            raise InputError(y_name, f"expected labels 0 … {n_L - 1}", shown(labels[:8].tolist()))
        y = targets(labels, np.zeros((n, n_L)))
    if y.shape != (n, n_L):
        raise ShapeError(y_name, f"expected ({n}, {n_L}), or {n} labels", y.shape)
    return x.astype(np.float64), y.astype(np.float64)
