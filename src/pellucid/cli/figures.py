"""How good a network is on a prepared data set, in the units of its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .output import number, say, some, table


def usual_metric(classes: tuple | None) -> str:
    """The figure that people ask for first.

    Example:
        >>> usual_metric(("no", "yes")), usual_metric(None)
        ('accuracy', 'r2')
    """
    return "r2" if classes is None else "accuracy"


def figures_of(net: Any, data: Any, names: Sequence[str]) -> dict[str, float]:
    """The mean loss C, and each metric; those of a regression in the targets' own units.

    Args:
        net: the network.
        data: a Dataset with targets.
        names: metrics by name.
    """
    import numpy as np

    from ..training import metric

    y = data.y if data.classes is None else np.asarray(data.classes)[data.y]
    if data.classes is not None or data.preparation is None:
        return net.evaluate(data.x, y, names)
    decode = data.preparation.decode
    a, y_own = decode(net.outputs(data.x).astype(np.float64)), decode(y)
    return net.evaluate(data.x, y) | {name: metric(name)(a, y_own, net.loss) for name in names}


def show_figures(parts: Mapping[str, Mapping[str, float]]) -> None:
    """One line for each part of the data."""
    names = list(next(iter(parts.values())))
    rows = [(part, *(number(figures[name]) for name in names)) for part, figures in parts.items()]
    table(("part", *names), rows, text=("part",))


def of_classes(net: Any, data: Any) -> dict[str, Any] | None:
    """What accuracy must be measured against: the share of the largest class, and the classes never predicted."""
    import numpy as np

    if data.classes is None or data.y is None:
        return None
    counts = np.bincount(np.asarray(data.y).reshape(-1).astype(int), minlength=len(data.classes))
    said = set(net.predict(data.x).tolist())
    never = [c for c, count in zip(data.classes, counts, strict=True) if count and c not in said]
    return {
        "largest_class": data.classes[int(counts.argmax())],
        "share": float(counts.max() / counts.sum()),
        "never_predicted": never,
    }


def show_classes(part: str, facts: Mapping[str, Any], nodes: int) -> None:
    """The same as sentences, with what can be tried where a class is never predicted."""
    say(f"always {facts['largest_class']!r} would have accuracy {number(facts['share'])} ({part})")
    if facts["never_predicted"]:
        lower = ", or a lower threshold: pellucid predict MODEL DATA --threshold 0.2" if nodes == 1 else ""
        never = some(map(repr, facts["never_predicted"]))
        say(f"never predicted there: {never}. Try --class-weight balanced, --metrics f1{lower}")
