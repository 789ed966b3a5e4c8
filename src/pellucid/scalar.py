"""Backpropagation number by number: every sum is a loop, every index a letter of the notation.

For reading beside the formulas, and as a reference for the fast code, with which it shares not a line. It runs
on any numbers that add and multiply: floats, complex numbers, `fractions.Fraction` (then every derivative of a
rational network is exact) and mpmath's. One sample at a time; `gradient` takes the mean over the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .errors import InputError, ShapeError
from .scalar_functions import ACTIVATIONS, LOSSES, Named, Number, chosen, softmax


@dataclass(frozen=True)
class Network:
    """A network of dense layers as lists of numbers. Place 0 of each list is the input layer's, which has none.

    Attributes:
        w: w[l][j][k], the weight from node k of layer l−1 to node j of layer l; w[0] is None.
        b: b[l][j], or None for a layer without biases; b[0] is None.
        g: the activation of each layer, by name or {"name": …, constants}; g[0] is None.
        loss: by name or {"name": …, constants}.

    Raises:
        ShapeError: rows of unequal length, or a layer that does not fit the one below.
        InputError: an unknown activation or loss.

    Example:
        >>> net = Network(w=[None, [[2, 3]]], b=[None, [1]], g=[None, "linear"], loss="squared_error")
        >>> net.L, net.n
        (1, [2, 1])
    """

    w: list
    b: list
    g: list
    loss: Named = "squared_error"

    def __post_init__(self):
        chosen(LOSSES, "loss", self.loss)
        if len(self.w) < 2 or not len(self.w) == len(self.b) == len(self.g):
            raise ShapeError("Network", "expected lists w, b and g of one length, L + 1 ≥ 2",
                             (len(self.w), len(self.b), len(self.g)))  # fmt: skip
        for l in range(1, self.L + 1):
            chosen(ACTIVATIONS, f"layer {l}", self.g[l])
            for j in range(len(self.w[l])):
                if len(self.w[l][j]) != self.n[l - 1]:
                    raise ShapeError(f"w[{l}][{j}]", f"expected {self.n[l - 1]} weights", len(self.w[l][j]))
            if self.b[l] is not None and len(self.b[l]) != self.n[l]:
                raise ShapeError(f"b[{l}]", f"expected {self.n[l]} biases", len(self.b[l]))

    @property
    def L(self) -> int:
        """Index of the output layer."""
        return len(self.w) - 1

    @property
    def n(self) -> list[int]:
        """n_l, the number of nodes of each layer 0 … L."""
        return [len(self.w[1][0])] + [len(self.w[l]) for l in range(1, len(self.w))]


def network(description: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]) -> Network:
    """The network that an architecture's `to_dict()` and its arrays describe.

    Example:
        >>> layer = {"kind": "dense", "activation": "relu", "bias": False}
        >>> network({"layers": [layer], "loss": "huber"}, [{"w": [[0.5, 2.0]]}]).w
        [None, [[0.5, 2.0]]]
    """
    layers = [layer for layer in description["layers"] if layer["kind"] != "input"]
    parameters = list(parameters)[len(parameters) - len(layers) :]  # the input has none
    for l, layer in enumerate(layers, 1):
        if layer["kind"] != "dense":
            raise InputError(
                f"layer {l}", "expected a dense layer: plain loops are written for no other", layer["kind"]
            )

    def listed(array):
        return array.tolist() if hasattr(array, "tolist") else array

    return Network(
        w=[None] + [listed(arrays["w"]) for arrays in parameters],
        b=[None] + [listed(arrays.get("b")) for arrays in parameters],
        g=[None] + [layer["activation"] for layer in layers],
        loss=description["loss"],
    )


def convert(net: Network, number: Callable[[Any], Number]) -> Network:
    """The same network with every weight and bias as another kind of number.

    Example:
        >>> net = Network(w=[None, [[0.5]]], b=[None, None], g=[None, "linear"])
        >>> from fractions import Fraction
        >>> convert(net, Fraction).w[1]
        [[Fraction(1, 2)]]
    """
    return replace(
        net,
        w=[None] + [[[number(w_jk) for w_jk in w_j] for w_j in w] for w in net.w[1:]],
        b=[None] + [None if b is None else [number(b_j) for b_j in b] for b in net.b[1:]],
    )


@dataclass(frozen=True)
class Forward:
    """Every z[l][j] and a[l][j] of one sample; a[0] is x, z[0] is None."""

    z: list
    a: list


@dataclass(frozen=True)
class Backward:
    """Every derivative of C_0: dC_da[l][j], delta[l][j] = ∂C_0/∂z_j, dC_dw[l][j][k], dC_db[l][j]."""

    dC_da: list
    delta: list
    dC_dw: list
    dC_db: list


def forward(net: Network, x: Sequence[Number]) -> Forward:
    """z_j = Σ_k w_jk a_k + b_j and a_j = g(z_j), layer by layer.

    Raises:
        ShapeError: x has not n_0 numbers.

    Example:
        >>> net = Network(w=[None, [[2, 3]]], b=[None, [1]], g=[None, "relu"])
        >>> forward(net, [10, 100])
        Forward(z=[None, [321]], a=[[10, 100], [321]])
    """
    if len(x) != net.n[0]:
        raise ShapeError("x", f"expected {net.n[0]} numbers", len(x))
    z: list = [None]
    a: list = [list(x)]
    for l in range(1, net.L + 1):
        z.append([])
        for j in range(net.n[l]):
            z_j = 0
            for k in range(net.n[l - 1]):
                z_j = z_j + net.w[l][j][k] * a[l - 1][k]
            if net.b[l] is not None:
                z_j = z_j + net.b[l][j]
            z[l].append(z_j)

        name, constants = chosen(ACTIVATIONS, f"layer {l}", net.g[l])
        if name == "softmax":
            a.append(softmax(z[l]))
        else:
            g, _ = ACTIVATIONS[name]
            a.append([g(z[l][j], **constants) for j in range(net.n[l])])
    return Forward(z, a)


def targets(y: Any, n_L: int) -> list[Number]:
    """The target of each output node; a label among several nodes is 1 at its own node and 0 elsewhere."""
    if not hasattr(y, "__len__"):
        y = [y] if n_L == 1 else [1 if j == y else 0 for j in range(n_L)]
    if len(y) != n_L:
        raise ShapeError("y", f"expected {n_L} targets", len(y))
    return list(y)


def C(net: Network, record: Forward, y: Any) -> Number:
    """The loss C_0 of one sample, a sum over the output nodes j.

    Example:
        >>> net = Network(w=[None, [[2, 3]]], b=[None, [1]], g=[None, "linear"], loss="squared_error")
        >>> C(net, forward(net, [10, 100]), [320])
        1
    """
    L, n_L, y = net.L, net.n[net.L], targets(y, net.n[net.L])
    name, constants = chosen(LOSSES, "loss", net.loss)
    term, _ = LOSSES[name]
    C_0 = 0
    for j in range(n_L):
        C_0 = C_0 + term(record.a[L][j], y[j], n_L, **constants)
    return C_0


def backward(net: Network, record: Forward, y: Any) -> Backward:
    """The chain rule from the output layer down. Every weight that is read is an old one: nothing changes here.

        ∂C_0/∂a_j^(L)      the loss's own derivative: of the sum over the nodes, only node j's term has a_j in it
        δ_j                = ∂C_0/∂a_j · g′(z_j), or Σ_i ∂C_0/∂a_i · ∂a_i/∂z_j where g is softmax
        ∂C_0/∂w_jk         = δ_j a_k^(l−1)          ∂C_0/∂b_j = δ_j
        ∂C_0/∂a_k^(l−1)    = Σ_j δ_j w_jk

    Example:
        >>> net = Network(w=[None, [[2, 3]]], b=[None, [1]], g=[None, "linear"], loss="squared_error")
        >>> back = backward(net, forward(net, [10, 100]), [320])
        >>> back.delta[1], back.dC_dw[1], back.dC_db[1], back.dC_da[0]
        ([2], [[20, 200]], [2], [4, 6])
    """
    L, n, a, z = net.L, net.n, record.a, record.z
    y = targets(y, n[L])
    name, constants = chosen(LOSSES, "loss", net.loss)
    _, term_derivative = LOSSES[name]

    dC_da: list = [None] * (L + 1)
    delta: list = [None] * (L + 1)
    dC_dw: list = [None] * (L + 1)
    dC_db: list = [None] * (L + 1)
    dC_da[L] = [term_derivative(a[L][j], y[j], n[L], **constants) for j in range(n[L])]

    for l in range(L, 0, -1):
        name, constants = chosen(ACTIVATIONS, f"layer {l}", net.g[l])
        delta[l] = []
        for j in range(n[l]):
            if name == "softmax":
                delta_j = 0
                for i in range(n[l]):  # a change in z_j changes every a_i: ∂a_i/∂z_j = a_i([i = j] − a_j)
                    delta_j = delta_j + dC_da[l][i] * a[l][i] * ((i == j) - a[l][j])
            else:
                _, derivative = ACTIVATIONS[name]
                delta_j = dC_da[l][j] * derivative(z[l][j], **constants)
            delta[l].append(delta_j)

        dC_dw[l] = [[delta[l][j] * a[l - 1][k] for k in range(n[l - 1])] for j in range(n[l])]
        dC_db[l] = None if net.b[l] is None else [delta[l][j] for j in range(n[l])]

        dC_da[l - 1] = []
        for k in range(n[l - 1]):  # a_k reaches the loss through every node j of layer l
            dC_da_k = 0
            for j in range(n[l]):
                dC_da_k = dC_da_k + delta[l][j] * net.w[l][j][k]
            dC_da[l - 1].append(dC_da_k)
    return Backward(dC_da, delta, dC_dw, dC_db)


def gradient(
    net: Network, x: Sequence[Sequence[Number]], y: Sequence[Any], weights: Sequence[Number] | None = None
) -> tuple[list, list]:
    """∂C/∂w = (1/n) Σ_i ∂C_i/∂w and ∂C/∂b likewise, as lists dC_dw[l][j][k] and dC_db[l][j].

    Args:
        net: the network.
        x: the inputs, x[i][k].
        y: the targets, y[i][j], or a label y[i] for each sample.
        weights: s_i to use in place of 1/n; their sum is to be 1.

    Raises:
        ShapeError: no sample, or lists that don't fit each other.

    Example:
        >>> net = Network(w=[None, [[2]]], b=[None, [1]], g=[None, "linear"])
        >>> gradient(net, x=[[1], [2]], y=[[0], [3]])
        ([None, [[7.0]]], [None, [5.0]])
    """
    n = len(x)
    if n == 0 or len(y) != n or (weights is not None and len(weights) != n):
        came = f"{n} samples, {len(y)} targets" + ("" if weights is None else f", {len(weights)} weights")
        raise ShapeError("gradient", "expected at least one sample, and as many targets and weights as samples", came)
    dC_dw: list = [None] + [[[0] * net.n[l - 1] for _ in range(net.n[l])] for l in range(1, net.L + 1)]
    dC_db: list = [None] + [None if net.b[l] is None else [0] * net.n[l] for l in range(1, net.L + 1)]
    for i in range(n):
        back = backward(net, forward(net, x[i]), y[i])
        for l in range(1, net.L + 1):
            for j in range(net.n[l]):
                for k in range(net.n[l - 1]):
                    dC_dw[l][j][k] += share(back.dC_dw[l][j][k], i, n, weights)
                if net.b[l] is not None:
                    dC_db[l][j] += share(back.dC_db[l][j], i, n, weights)
    return dC_dw, dC_db


def share(derivative: Number, i: int, n: int, weights: Sequence[Number] | None) -> Number:
    """What sample i adds to the mean: its derivative / n, or times its weight s_i."""
    return derivative / n if weights is None else derivative * weights[i]


def update(net: Network, dC_dw: list, dC_db: list, lr: Number) -> Network:
    """w ← w − η ∂C/∂w for all weights and biases at once: a new network, the old one is left as it was.

    Example:
        >>> net = Network(w=[None, [[2]]], b=[None, [1]], g=[None, "linear"])
        >>> update(net, [None, [[7.0]]], [None, [5.0]], lr=0.5).w
        [None, [[-1.5]]]
    """
    w: list = [None]
    b: list = [None]
    for l in range(1, net.L + 1):
        w.append([])
        for j in range(net.n[l]):
            w[l].append([net.w[l][j][k] - lr * dC_dw[l][j][k] for k in range(net.n[l - 1])])
        b.append(None if net.b[l] is None else [net.b[l][j] - lr * dC_db[l][j] for j in range(net.n[l])])
    return replace(net, w=w, b=b)
