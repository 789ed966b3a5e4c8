"""`pellucid info`: what is in a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .options import Json, Model
from .output import layers_of, number, print_json, say, show_network, size, some, table


def info(
    model: Model,
    json: Json = False,
) -> None:
    """Show what is in a model.

    Layers, loss, classes, how data is prepared for it, how it was trained.

    \b
    Example:
      pellucid info model.safetensors
    """
    from ..network import load
    from ..store import read_metadata

    net = load(model)
    written_by = read_metadata(model)["description"].get("pellucid")
    facts = describe(model, net, written_by)
    if json:
        print_json(facts)
        return
    say(f"{model}: {size(facts['bytes'])}, {facts['dtype']}, written by Pellucid {written_by or '(not said)'}")
    say()
    show_network(net)
    if net.classes is not None:
        say(f"classes: {some(net.classes)}")
    if net.preparation is not None:
        show_preparation(net.preparation)
    if net.history is not None:
        show_history(facts["history"])


def show_preparation(preparation: Any) -> None:
    """Which columns the network reads, and what it answers."""
    say(f"inputs: {some(preparation.feature_names)}")
    for sentence in preparation.notes:
        say(f"  {sentence}")
    if preparation.target is not None:
        say(f"target: {some(preparation.target.names)}")


def show_history(history: dict[str, Any]) -> None:
    """How the training went."""
    say()
    say(course(history))
    table(("last epoch", ""), [(name, number(value)) for name, value in history["last"].items()], text=("last epoch",))


def course(history: dict[str, Any]) -> str:
    """A training in one sentence, from its `summary`."""
    epochs, best, resumed = history["epochs"], history["best_epoch"], history["resumed"]
    went_on = "" if resumed is None else f" (gone on after epoch {resumed})"
    return (
        f"{epochs} epoch{'s' * (epochs != 1)}{went_on} in {history['seconds']:.2f} s on {history['backend']}: "
        f"{history['stopped']}{f'; the weights are those of epoch {best}' if best else ''}"
    )


def describe(path: Path, net: Any, written_by: Any) -> dict[str, Any]:
    """A model as JSON values."""
    stored = net.architecture.to_dict()
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "pellucid": written_by,
        "dtype": str(net.dtype),
        "parameters": net.n_parameters,
        "layers": layers_of(net),
        "loss": stored["loss"],
        "penalty": stored["penalty"],
        "classes": None if net.classes is None else list(net.classes),
        "preparation": None if net.preparation is None else net.preparation.to_dict(),
        "history": None if net.history is None else summary(net.history),
    }


def summary(history: Any) -> dict[str, Any]:
    """A training as JSON values: how long, why it ended, the figures of the last epoch."""
    last: dict[str, Any] = {}
    if len(history):
        end = history.epochs[-1]
        last = {"loss": end.loss, "penalty": end.penalty, "validation_loss": end.validation_loss, **end.metrics}
        last["learning_rate"] = end.learning_rate
    return {
        "epochs": len(history),
        "seconds": history.seconds,
        "stopped": history.stopped,
        "interrupted": history.interrupted,
        "best_epoch": history.best_epoch,
        "resumed": history.resumed,
        "backend": history.backend,
        "convergence": history.convergence,
        "last": {name: value for name, value in last.items() if value is not None},
    }
