"""The course of a training as a picture: loss, metrics, learning rate, norms of the gradient, epoch by epoch.

Before it: `history`. After it: a file, or a notebook. Matplotlib is optional: `pip install 'pellucid[plot]'`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ..errors import InputError, MissingDependencyError, one_of

FORMATS = (".svg", ".png", ".pdf")


def check_plot(path: str | os.PathLike) -> Any:
    """Matplotlib's Figure, where it is installed and can write a file of this name.

    Raises:
        InputError: a name with another ending.
        MissingDependencyError: no matplotlib.
    """
    name = os.fsdecode(path)
    if not name.lower().endswith(FORMATS):
        raise InputError("plot", f"expected a name that ends in {one_of(FORMATS)}", name)
    return _figure()


def _figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "plot", "matplotlib is needed", "none", "Install it with: pip install 'pellucid[plot]'."
        ) from None
    return Figure


def draw(epochs: Sequence[Any], path: str | os.PathLike | None) -> Any:
    """The figure of some epochs, written to `path` if there is one.

    Raises:
        InputError: no epoch to draw, or a name that ends otherwise than in .svg, .png or .pdf.
        MissingDependencyError: no matplotlib.
        ModelFileError: the file can't be written.
    """
    figure_type = _figure() if path is None else check_plot(path)
    if not epochs:
        raise InputError("plot", "expected at least one epoch", "none")
    numbers = [e.epoch for e in epochs]
    metrics = sorted({name for e in epochs for name in e.metrics})
    panels: list[tuple[str, dict[str, list[Any]]]] = [("loss", {"training": [e.loss for e in epochs]})]
    if any(e.validation_loss is not None for e in epochs):
        panels[0][1]["validation"] = [e.validation_loss for e in epochs]
    if metrics:
        panels.append(("metrics", {name: [e.metrics.get(name) for e in epochs] for name in metrics}))
    panels.append(("learning rate", {"η": [e.learning_rate for e in epochs]}))
    layers = range(len(epochs[-1].gradient_norms))
    norms = {f"l = {l + 1}": [e.gradient_norms[l] if e.gradient_norms else None for e in epochs] for l in layers}
    panels.append(("norm of the gradient", norms))
    figure = figure_type(figsize=(7, 2.2 * len(panels)), layout="constrained")
    for axes, (title, lines) in zip(figure.subplots(len(panels), 1, sharex=True), panels, strict=True):
        for label, values in lines.items():
            axes.plot(numbers, [float("nan") if v is None else v for v in values], label=label, linewidth=1.2)
        positive = all(v is not None and v > 0 for values in lines.values() for v in values)
        if title in ("loss", "norm of the gradient") and positive:
            axes.set_yscale("log")
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        if len(lines) > 1:
            axes.legend(fontsize="small")
    figure.get_axes()[-1].set_xlabel("epoch")
    if path is not None:
        from ..store import replacing

        with replacing(path) as file:
            figure.savefig(file, format=os.path.splitext(os.fsdecode(path))[1][1:].lower())
    return figure
