"""What a network holds: its description, its arrays, and what training found out.

After it: `arrays` and `samples`, which read it, and `verbs`, which do something with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..activations import Activation
from ..architecture import Architecture
from ..arrays import Parameters, dtype_of
from ..inputs import Classes
from ..layers import Layer
from ..losses import Loss


class State:
    """The parts of a network.

    Attributes:
        architecture: layers, loss and penalty.
        parameters: the arrays of layers 0 … L by their names, w (n_l, n_(l−1)) and b (n_l,) of a dense one.
        classes: the labels in the order of the outputs; None for a regression, or before a training.
        preparation: how the columns of a table became inputs; None for arrays.
        history: what the last training recorded; None before one.
    """

    architecture: Architecture
    parameters: Parameters
    classes: Classes | None
    preparation: Any
    history: Any

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Layers 0 … L; layer 0 is the Input."""
        return self.architecture.layers

    @property
    def loss(self) -> Loss:
        """The loss C_i."""
        return self.architecture.loss

    @property
    def L(self) -> int:
        """Index of the output layer: the number of layers that have weights."""
        return self.architecture.L

    @property
    def n(self) -> tuple[int, ...]:
        """n_l, the number of nodes of each layer 0 … L."""
        return self.architecture.n

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, as its Input says: (n_0,), or (rows, columns, channels)."""
        return self.architecture.shape

    @property
    def g(self) -> tuple[Activation | None, ...]:
        """g^(l), the activation of each layer; the input has none."""
        return tuple(self.architecture.program.activation(l) for l in range(self.L + 1))

    @property
    def dtype(self) -> np.dtype:
        """The precision of the weights: float64 until a training in another one."""
        return dtype_of(self.parameters)

    @property
    def n_parameters(self) -> int:
        """The number of weights and biases."""
        return sum(array.size for layer in self.parameters for array in layer.values())
