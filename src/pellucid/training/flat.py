"""All weights as one vector, so that an optimiser's few lines run once per update and not once per array.

On NumPy each line costs about a microsecond before it computes anything, which for small networks is most of an
update. Between `step`, which reads the weights by layer, and the optimiser.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Parameters
from ..optimisers import SGD, Optimiser, State

Places = list[list[tuple[str, slice, tuple[int, ...]]]]  # per layer: name, part of the vector, shape


class Flat(tuple):
    """Parameters whose arrays are views of one vector."""

    vector: np.ndarray
    places: Places

    @classmethod
    def of(cls, vector: np.ndarray, like: Parameters) -> Flat:
        """The views of a vector in the shapes of `like`."""
        places = like.places if isinstance(like, Flat) else places_of(like)
        parameters = cls(views(vector, places))
        parameters.vector, parameters.places = vector, places
        return parameters


def packed(parameters: Parameters) -> np.ndarray:
    """All arrays as one vector, layer by layer.

    Example:
        >>> packed(({"w": np.array([[1, 2]]), "b": np.array([3])},))
        array([1, 2, 3])
    """
    if isinstance(parameters, Flat):
        return parameters.vector
    return np.concatenate([array.ravel() for layer in parameters for array in layer.values()])


def unpacked(vector: np.ndarray, like: Parameters) -> Parameters:
    """The arrays of a vector that `packed` made, as views in the shapes of `like`."""
    return tuple(views(vector, places_of(like)))


def places_of(parameters: Parameters) -> Places:
    """Where each array stands in the vector."""
    places, start = [], 0
    for layer in parameters:
        places.append([])
        for name, array in layer.items():
            places[-1].append((name, slice(start, start + array.size), array.shape))
            start += array.size
    return places


def views(vector: np.ndarray, places: Places) -> list[dict[str, np.ndarray]]:
    """The arrays by layer and name, in the vector's memory."""
    return [{name: vector[part].reshape(shape) for name, part, shape in layer} for layer in places]


@dataclass(frozen=True)
class OnOneVector(Optimiser):
    """An optimiser that computes element by element, put to work on all arrays as one vector."""

    optimiser: Optimiser = field(default_factory=SGD)

    name = "on one vector"

    def start(self, parameters: Parameters) -> State:
        """The state before the first update."""
        return self.optimiser.start(({"all": packed(parameters)},))

    def update(self, parameters: Parameters, gradient: Parameters, state: State, rate: Any) -> tuple[Flat, State]:
        """New parameters and new state; the old ones stay as they are."""
        old, slope = ({"all": packed(parameters)},), ({"all": packed(gradient)},)
        (new,), state = self.optimiser.update(old, slope, state, rate)
        return Flat.of(new["all"], parameters), state

    def leaves(self, state: State) -> list[Any]:
        """The arrays and numbers of a state in a fixed order."""
        return self.optimiser.leaves(state)

    def rebuild(self, template: State, leaves: list[Any]) -> State:
        """A state of the template's structure with other leaves."""
        return self.optimiser.rebuild(template, leaves)
