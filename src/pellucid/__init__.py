"""Pellucid: glass-box backpropagation.

    import pellucid as pc

    net = pc.mlp([64, 30, 10], "relu", output="softmax", loss="cross_entropy")
    net.fit(x, y, epochs=30, optimiser="adam")
    print(net.trace(x[:1], y[:1]).explain("dC0/dw[2][1,2]"))

Networks are trained by explicit backpropagation, and every number on the way has an address, a value and an
explanation. Names are looked up where they live when they are first used, so that importing costs nothing and
heavy libraries (JAX, scikit-learn, polars) come in only where they are used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import forks as forks  # notes from now on whether this process is a fork of one with JAX

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .activations import ELU, LeakyReLU
    from .check import check, gradcheck
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
    from .importers import from_sklearn, to_sklearn
    from .layers import Dense, Input
    from .losses import Huber
    from .network import Network, load, mlp, network
    from .optimisers import SGD, Adam, Optax

# Where each public name lives.
HOMES = {
    "activations": ("ELU", "LeakyReLU"),
    "check": ("gradcheck",),
    "errors": (
        "AddressError", "DataError", "InputError", "MissingDependencyError", "ModelFileError", "NonFiniteError",
        "PellucidError", "ShapeError", "TrainingError",
    ),
    "importers": ("from_sklearn", "to_sklearn"),
    "layers": ("Dense", "Input"),
    "losses": ("Huber",),
    "network": ("Network", "load", "mlp", "network"),
    "optimisers": ("SGD", "Adam", "Optax"),
}  # fmt: skip
HOME = {name: module for module, names in HOMES.items() for name in names}
MODULES = ("check", "data", "estimators", "explain", "importers", "scalar", "training")

__all__ = [
    "ELU",
    "SGD",
    "Adam",
    "AddressError",
    "DataError",
    "Dense",
    "Huber",
    "Input",
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
    "check",
    "from_sklearn",
    "gradcheck",
    "load",
    "mlp",
    "network",
    "to_sklearn",
]


def __getattr__(name: str) -> Any:
    if name in HOME:
        value = globals()[name] = getattr(import_module(f".{HOME[name]}", __name__), name)
        return value
    if name in MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'pellucid' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *MODULES})
