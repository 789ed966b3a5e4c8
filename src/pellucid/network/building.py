"""Networks from the sizes of dense layers, and from a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..activations import Activation
from ..errors import InputError, shown
from ..layers import Dense, Input, read_layers
from ..losses import Loss
from .verbs import Network


def network(
    text: str, *, loss: str | Loss | Mapping = "squared_error", l2: float = 0.0, l1: float = 0.0, seed: int | None = 0
) -> Network:
    """A network of the layers that a text describes: a kind's name, then its arguments, the layers between bars.

    Args:
        text: "input 784 | dense 30 sigmoid | dense 10 softmax"; arguments also as name=value: "dense 30 bias=no".
        loss, l2, l1, seed: see `Network`.

    Raises:
        InputError: an unknown kind, arguments that it does not take, or what `Network` refuses.

    Example:
        >>> network("input 784 | dense 30 sigmoid | dense 10 softmax", loss="cross_entropy")
        Network 784-30-10 (sigmoid, softmax; cross_entropy; 23,860 parameters)
    """
    return Network(*read_layers(text), loss=loss, l2=l2, l1=l1, seed=seed)


def mlp(
    sizes: Sequence[int],
    activation: str | Activation = "sigmoid",
    *,
    output: str | Activation | None = None,
    bias: bool = True,
    initialiser: Any = None,
    loss: str | Loss = "squared_error",
    l2: float = 0.0,
    l1: float = 0.0,
    seed: int | None = 0,
) -> Network:
    """A network of dense layers.

    Args:
        sizes: n_0, n_1, …, n_L.
        activation: of all layers.
        output: of the output layer, where it is another.
        bias, initialiser: of all layers (see `Dense`).
        loss, l2, l1, seed: see `Network`.

    Raises:
        InputError: fewer than two sizes, or what `Dense` and `Network` refuse.

    Example:
        >>> mlp([784, 30, 10], "sigmoid")
        Network 784-30-10 (sigmoid, sigmoid; squared_error; 23,860 parameters)
    """
    if isinstance(sizes, str) or not isinstance(sizes, Sequence) or len(sizes) < 2:
        raise InputError("mlp: sizes", "expected the sizes of at least two layers, such as [784, 30, 10]", shown(sizes))
    layers = [Dense(n, activation, bias, initialiser) for n in sizes[1:]]  # type: ignore[arg-type]
    if output is not None:
        layers[-1] = replace(layers[-1], activation=output, initialiser=initialiser)
    return Network(Input(sizes[0]), *layers, loss=loss, l2=l2, l1=l1, seed=seed)
