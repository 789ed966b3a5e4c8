"""A network from the file that `Network.save` wrote. Nothing of it is believed before it is checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .. import store
from ..errors import InputError, ModelFileError, PellucidError, shown
from ..inputs import check_classes, check_labels
from ..training.history import History
from .verbs import Network


def load(path: str | os.PathLike) -> Network:
    """The network that `Network.save` wrote.

    Raises:
        ModelFileError: no model, a damaged one, or one of a newer version; nothing is built then.
    """
    stored = store.load(path)
    net = Network.of(stored.architecture, stored.parameters)
    try:
        _describe(net, stored.description)
    except PellucidError as error:
        reason = f"expected a description that fits the network; {error.args[0]}"
        raise ModelFileError(os.fsdecode(path), reason) from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = f"{type(error).__name__} {error}"
        raise ModelFileError(os.fsdecode(path), f"expected a description of a network; {reason}") from None
    return net


def _describe(net: Network, description: Mapping[str, Any]) -> None:
    """Give a network what was saved beside its weights."""
    if description.get("classes") is not None:
        if not isinstance(description["classes"], list):
            raise InputError("classes", "expected a list of labels", shown(description["classes"]))
        net.classes = tuple(description["classes"])
        check_labels(net.classes, "classes")
        check_classes(net.classes, net.n[-1], "classes")
    if description.get("preparation") is not None:
        from ..data import Preparation

        net.preparation = Preparation.from_dict(description["preparation"])
        if net.preparation.n_inputs != net.n[0]:
            raise InputError("preparation", f"expected {net.n[0]} inputs", net.preparation.n_inputs)
        if net.preparation.classes is not None and net.preparation.classes != net.classes:
            raise InputError(
                "preparation", f"expected the classes {shown(net.classes)}", shown(net.preparation.classes)
            )
        target = net.preparation.target
        if target is not None and target.classes is None and len(target.names) != net.n[-1]:
            raise InputError("preparation", f"expected {net.n[-1]} targets", len(target.names))
    if description.get("history") is not None:
        net.history = History.from_dict(description["history"])
