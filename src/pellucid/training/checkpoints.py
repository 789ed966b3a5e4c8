"""A training on disk, so that it can go on: weights, the optimiser's state, the history, the best weights so far.

Before it: the loop, which says what it trains and on what. A checkpoint is distrusted like a model: nothing of it is
used before all of it is what this very training could have written.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Parameters
from ..errors import InputError, ModelFileError, number, shown
from ..store import Tensor, expect_tensors, read_arrays, write_arrays
from .history import History
from .settings import LARGEST_T
from .stopping import Stopping

KIND = "pellucid checkpoint"
OTHER = "Resume with the arguments and data of the first start, or choose another file."


@dataclass
class Checkpoint:
    """Everything that the next epoch depends on.

    Attributes:
        training: what is trained, how and on what, as JSON values; a training resumes only its own checkpoint.
        t: the number of updates so far.
        rate: the learning rate now.
        leaves: the optimiser's state, leaf by leaf.
        stopping: its best figure and weights so far; whether to stop is for the training that goes on.
    """

    training: dict[str, Any]
    t: int
    rate: float
    parameters: Parameters
    leaves: Sequence[np.ndarray]
    history: History
    stopping: Stopping


def write_checkpoint(path: str | os.PathLike, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, atomically.

    Raises:
        ModelFileError, InputError: it can't be written; an older one is untouched.
    """
    stopping = checkpoint.stopping
    arrays = dict(_named("layer", checkpoint.parameters))
    arrays |= {f"state.{i}": np.asarray(leaf) for i, leaf in enumerate(checkpoint.leaves)}
    arrays |= dict(_named("best", stopping.weights or ()))
    metadata = {
        "kind": KIND,
        "training": checkpoint.training,
        "t": checkpoint.t,
        "rate": checkpoint.rate,
        "history": checkpoint.history.to_dict(),
        "stopping": {
            "best": None if stopping.best == math.inf else stopping.best,
            "best_epoch": stopping.best_epoch,
            "waited": stopping.waited,
        },
    }
    write_arrays(path, arrays, metadata)


def read_checkpoint(path: str | os.PathLike, here: Checkpoint) -> Checkpoint:
    """Read the checkpoint of just this training.

    Args:
        path: the file.
        here: the training as it stands before its first update: what it is, its arrays, its rule of stopping.

    Raises:
        ModelFileError: no checkpoint, that of another training (with what differs), or one that can't be right.
    """
    metadata: dict[str, Any] = {}

    def check(found: dict[str, Any], tensors: Mapping[str, Tensor], where: str) -> None:
        if found.get("kind") != KIND:
            kind = found.get("kind")
            raise ModelFileError(where, "expected a checkpoint of a training", f"a {kind}" if kind else "another file")
        _check_same(found.get("training"), here.training, where)
        needed = {name: (array.shape, "f") for name, array in _named("layer", here.parameters)}
        needed |= {f"state.{i}": (leaf.shape, leaf.dtype.kind) for i, leaf in enumerate(here.leaves)}
        if any(name.startswith("best.") for name in tensors):
            needed |= {name: (array.shape, "f") for name, array in _named("best", here.parameters)}
        expect_tensors(tensors, needed, where)
        metadata.update(_read_numbers(found, where))

    arrays, _ = read_arrays(path, check)
    for name, array in arrays.items():
        if not name.startswith("state.") and not np.isfinite(array).all():
            raise ModelFileError(os.fsdecode(path), f"expected finite numbers, got others in {name}")
    stopping = Stopping(
        here.stopping.figure, here.stopping.patience, here.stopping.tolerance, here.stopping.higher,
        metadata["best"], metadata["best_epoch"], metadata["waited"],
        _tree("best", arrays, here.parameters) if "best.1.w" in arrays else None,
    )  # fmt: skip
    leaves = [arrays[f"state.{i}"] for i in range(len(here.leaves))]
    parameters = _tree("layer", arrays, here.parameters)
    return Checkpoint(here.training, metadata["t"], metadata["rate"], parameters, leaves, metadata["history"], stopping)


def _read_numbers(found: dict[str, Any], where: str) -> dict[str, Any]:
    """What a checkpoint says beside its arrays, each in its type and range."""
    stopping = found.get("stopping")
    given: dict[str, Any] = {**found, **(stopping if isinstance(stopping, dict) else {})}
    for name, most in (("t", LARGEST_T), ("best_epoch", LARGEST_T), ("waited", LARGEST_T)):
        if type(given.get(name)) is not int or not 0 <= given[name] <= most:
            raise ModelFileError(where, f"expected a whole number ≥ 0 for {name}", shown(given.get(name)))
    best = given.get("best")
    try:
        number("rate", given.get("rate"), "a finite number ≥ 0", 0.0)
        number("best", 0.0 if best is None else best)
    except InputError as error:
        raise ModelFileError(f"{where}: {error.where}", error.expected, error.got) from None
    try:
        history = History.from_dict(found["history"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelFileError(where, f"expected the history of a training; {type(error).__name__} {error}") from None
    return {**given, "best": math.inf if best is None else float(best), "history": history}


def _check_same(there: Any, here: Mapping[str, Any], where: str) -> None:
    """Refuse the checkpoint of another training, and say what differs; the number of epochs may."""
    if not isinstance(there, dict):
        raise ModelFileError(where, "expected a checkpoint that says what it trains", shown(there))
    found = list(_differences({**there, "epochs": None}, {**here, "epochs": None}))
    if found:
        rest = f", and {len(found) - 3} more differences" if len(found) > 3 else ""
        said = "; ".join(found[:3])
        raise ModelFileError(where, f"expected the checkpoint of this training, but {said}{rest}", do=OTHER)


def _differences(there: Any, here: Any, at: str = "") -> Iterator[str]:
    """Each value that differs, as "layers 1, n_out is 30 there and 20 here"."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted({*there, *here}):
            if at == "data":
                if there.get(key) != here.get(key):
                    yield f"it was trained on other {key}"
            else:
                yield from _differences(there.get(key), here.get(key), f"{at}, {key}" if at else key)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for i, (a, b) in enumerate(zip(there, here, strict=True)):
            yield from _differences(a, b, f"{at} {i}")
    elif isinstance(there, list) and isinstance(here, list):
        yield f"it has {len(there)} {at.rpartition(', ')[2]} there and {len(here)} here"
    elif there != here:
        yield f"{at} is {shown(there)} there and {shown(here)} here"


def _named(prefix: str, parameters: Parameters) -> Iterator[tuple[str, np.ndarray]]:
    for l, layer in enumerate(parameters):
        for name, array in layer.items():
            yield f"{prefix}.{l}.{name}", np.asarray(array)


def _tree(prefix: str, arrays: dict[str, np.ndarray], like: Parameters) -> Parameters:
    return tuple({name: arrays[f"{prefix}.{l}.{name}"] for name in layer} for l, layer in enumerate(like))
