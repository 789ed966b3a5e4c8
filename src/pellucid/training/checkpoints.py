"""A training on disk, so that it can go on: weights, the optimiser's state, the history, the best weights so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Parameters
from ..errors import ModelFileError
from ..store import read_arrays, write_arrays
from .history import History
from .stopping import Stopping

KIND = "pellucid checkpoint"


@dataclass
class Checkpoint:
    """Everything that the next epoch depends on.

    Attributes:
        training: what kind of training it is, as JSON values; a training resumes only its own checkpoint.
        t: the number of updates so far.
        rate: the learning rate now.
        leaves: the optimiser's state, leaf by leaf.
    """

    training: dict[str, Any]
    t: int
    rate: float
    parameters: Parameters
    leaves: list[np.ndarray]
    history: History
    stopping: Stopping


def write_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, atomically."""
    stopping = {k: v for k, v in vars(checkpoint.stopping).items() if k != "weights"}
    arrays = dict(_named("layer", checkpoint.parameters))
    arrays |= {f"state.{i}": np.asarray(leaf) for i, leaf in enumerate(checkpoint.leaves)}
    arrays |= dict(_named("best", checkpoint.stopping.weights or ()))
    metadata = {
        "kind": KIND,
        "training": checkpoint.training,
        "t": checkpoint.t,
        "rate": checkpoint.rate,
        "history": checkpoint.history.to_dict(),
        "stopping": {**stopping, "best": None if stopping["best"] == float("inf") else stopping["best"]},
    }
    write_arrays(path, arrays, metadata)


def read_checkpoint(path: str | Path, training: dict[str, Any], names: list[list[str]]) -> Checkpoint:
    """Read the checkpoint of just this training.

    Args:
        training: what the training is; it must equal what was stored, except for the number of epochs.
        names: the names of the arrays of each layer.

    Raises:
        ModelFileError: no checkpoint, or that of another training.
    """
    arrays, metadata = read_arrays(path)
    if metadata.get("kind") != KIND:
        raise ModelFileError(str(path), "expected a checkpoint of a training", metadata.get("kind", "another file"))
    stored = metadata["training"]
    for key in sorted(set(stored) | set(training)):
        if key != "epochs" and stored.get(key) != training.get(key):
            raise ModelFileError(
                str(path), f"expected the checkpoint of a training with {key} {training.get(key)}", stored.get(key),
                "Resume with the arguments of the first start, or choose another file.",
            )  # fmt: skip
    leaves = [arrays[f"state.{i}"] for i in range(sum(name.startswith("state.") for name in arrays))]
    stopping = Stopping(**{k: v for k, v in metadata["stopping"].items() if k != "best"})
    if metadata["stopping"]["best"] is not None:
        stopping.best = metadata["stopping"]["best"]
    if any(name.startswith("best.") for name in arrays):
        stopping.weights = _tree("best", arrays, names)
    return Checkpoint(
        stored, metadata["t"], metadata["rate"], _tree("layer", arrays, names), leaves,
        History.from_dict(metadata["history"]), stopping,
    )  # fmt: skip


def _named(prefix: str, parameters: Parameters) -> Iterator[tuple[str, np.ndarray]]:
    for l, layer in enumerate(parameters):
        for name, array in layer.items():
            yield f"{prefix}.{l}.{name}", np.asarray(array)


def _tree(prefix: str, arrays: dict[str, np.ndarray], names: list[list[str]]) -> Parameters:
    return tuple({name: arrays[f"{prefix}.{l}.{name}"] for name in layer} for l, layer in enumerate(names))
