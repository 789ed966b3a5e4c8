"""Pellucid: glass-box backpropagation.

    import pellucid as pc

    net = pc.mlp([64, 30, 10], "relu", output="softmax", loss="cross_entropy")
    net.fit(x, y, epochs=30, optimiser="adam")

Networks are trained by explicit backpropagation, and every number on the way has an address, a value and an
explanation. Heavy libraries (JAX, scikit-learn, polars) are imported where they are used, not here.
"""

from .activations import ELU, LeakyReLU
from .errors import (
    AddressError,
    DataError,
    InputError,
    MissingDependencyError,
    ModelFileError,
    NonFiniteError,
    PellucidError,
    ShapeError,
    TrainingError,
)
from .layers import Dense
from .losses import Huber
from .network import Network, load, mlp
from .optimisers import SGD, Adam, Optax

__version__ = "0.1.0"

__all__ = [
    "ELU",
    "SGD",
    "Adam",
    "AddressError",
    "DataError",
    "Dense",
    "Huber",
    "InputError",
    "LeakyReLU",
    "MissingDependencyError",
    "ModelFileError",
    "Network",
    "NonFiniteError",
    "Optax",
    "PellucidError",
    "ShapeError",
    "TrainingError",
    "load",
    "mlp",
]
