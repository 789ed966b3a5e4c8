"""What a model on disk is made of: the architecture, its arrays, and a description of where they came from.

Before it: `container`. After it: `Network.save` and `pellucid.load`. Nothing is built before all of it is checked.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..architecture import Architecture
from ..arrays import Parameters
from ..errors import InputError, ModelFileError, PellucidError, shown
from .container import expect_tensors, read_data, read_head, write_arrays
from .files import opened

# Endings of formats that are not written here.
FOREIGN = {
    ".onnx": "ONNX", ".pt": "PyTorch's", ".pth": "PyTorch's", ".keras": "Keras's", ".h5": "Keras's", ".hdf5": "Keras's",
    ".pb": "TensorFlow's", ".tflite": "TensorFlow's", ".pkl": "pickle", ".pickle": "pickle", ".joblib": "joblib",
    ".npz": "NumPy's", ".npy": "NumPy's", ".json": "JSON",
}  # fmt: skip


def check_name(path: str | os.PathLike) -> None:
    """Refuse a model's name whose ending promises a format that this is not.

    Raises:
        InputError: such a name.

    Example:
        >>> check_name("net.onnx")
        Traceback (most recent call last):
        pellucid.errors.InputError: net.onnx: expected the name of a safetensors file, for Pellucid writes no other \
format, got the ending of ONNX. Call it net.safetensors.
    """
    root, ending = os.path.splitext(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else ("", "")
    if ending.lower() in FOREIGN:
        raise InputError(
            root + ending, "expected the name of a safetensors file, for Pellucid writes no other format",
            f"the ending of {FOREIGN[ending.lower()]}", f"Call it {os.path.basename(root)}.safetensors.",
        )  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """What a model file holds.

    Attributes:
        architecture: the layers, the loss, the penalty.
        parameters: per layer 1 … L its arrays by name.
        description: what else was saved with it as JSON values (preparation, classes, history, versions, …).
    """

    architecture: Architecture
    parameters: Parameters
    description: dict[str, Any]


def save(path: str | os.PathLike, architecture: Architecture, parameters: Parameters, *, description: Mapping) -> None:
    """Write a model to `path`; an existing file is replaced in one step, or stays as it was if anything fails.

    Raises:
        ShapeError: `parameters` does not fit the architecture.
        InputError: a weight that is not finite, a description that JSON can't express, a name that ends like that
            of another format.
        ModelFileError: the file can't be written.

    Example:
        >>> import tempfile
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import loss
        >>> net = Architecture((Input(2), Dense(1, "tanh")), loss("squared_error"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(folder + "/m.safetensors", net, net.initial(0), description={"classes": ["no", "yes"]})
        ...     load(folder + "/m.safetensors").description
        {'classes': ['no', 'yes']}
    """
    check_name(path)
    architecture.check(parameters)
    arrays: dict[str, np.ndarray] = {}
    for l, layer in enumerate(parameters):
        for name, values in layer.items():
            arrays[f"layer.{l}.{name}"] = array = np.asarray(values)
            if array.dtype.kind != "f":
                raise InputError(f"{architecture.where(l)}: {name}", "expected floating-point numbers", array.dtype)
            if (place := _not_finite(array)) is not None:
                raise InputError(
                    f"{name}[{l}][{','.join(map(str, place))}]", "expected a finite number", array[place],
                    "Such a model is not saved: train again with a smaller learning rate, or with clipping.",
                )  # fmt: skip
    metadata = {"kind": "model", "architecture": architecture.to_dict(), "description": dict(description)}
    write_arrays(path, arrays, metadata)


def load(path: str | os.PathLike) -> Stored:
    """The model that `save` wrote.

    Raises:
        ModelFileError: no file, another format, a newer version, damage, or arrays that don't fit the description.
    """
    with opened(path) as (file, where, size):
        head = read_head(file, where, size)
        architecture, description = _described(head.metadata, where)
        expect_tensors(
            head.tensors,
            {
                f"layer.{l}.{name}": (shape, "f")
                for l in range(architecture.L + 1)
                for name, shape in architecture.program.shapes(l).items()
            },
            where,
        )
        arrays = read_data(file, where, head)
    parameters = tuple(
        {name: arrays[f"layer.{l}.{name}"] for name in architecture.program.shapes(l)}
        for l in range(architecture.L + 1)
    )
    for l, layer in enumerate(parameters):
        for name, array in layer.items():
            if (place := _not_finite(array)) is not None:
                address = f"{name}[{l}][{','.join(map(str, place))}]"
                raise ModelFileError(where, f"expected finite weights, got {array[place]} at {address}")
    return Stored(architecture, parameters, description)


def _not_finite(array: np.ndarray) -> tuple[int, ...] | None:
    """The place of the first number that is infinite or not a number."""
    finite = np.isfinite(array)
    return None if finite.all() else tuple(int(i) for i in np.argwhere(~finite)[0])


def _described(metadata: dict[str, Any], where: str) -> tuple[Architecture, dict[str, Any]]:
    """The architecture and the description out of a model's metadata; no array is made here."""
    if metadata.get("kind") != "model":
        kind = metadata.get("kind")
        raise ModelFileError(where, "expected a model", f"a {kind}" if isinstance(kind, str) else "something else")
    description = metadata.get("description")
    if not isinstance(description, dict):
        raise ModelFileError(where, "expected a description with names and values", shown(description))
    try:
        stored = metadata["architecture"]
        _check_constants(stored)
        return Architecture.from_dict(stored), description
    except PellucidError as error:
        raise ModelFileError(where, f"expected a network that this version can build; {error.args[0]}") from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = f"{type(error).__name__} {error}"
        raise ModelFileError(where, f"expected a network that this version can build; {reason}") from None


def _check_constants(stored: Any) -> None:
    """Whatever carries a name (activation, loss, initialiser) has finite numbers as its constants."""
    parts = [stored["loss"]]
    for layer in stored["layers"]:
        parts += [part for part in layer.values() if isinstance(part, dict)]
    for part in [*parts, {"name": "penalty", **stored["penalty"]}]:
        for name, value in part.items():
            number = isinstance(value, int | float) and math.isfinite(value)
            if name != "name" and not number:
                raise InputError(shown(part.get("name")), f"expected a finite number for {name}", shown(value))
