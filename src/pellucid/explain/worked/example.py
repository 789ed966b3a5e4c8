"""The numbers of a worked example: which symbols it speaks of, the update of all weights, the loss afterwards.

Before it: `records` and the explainer. After it: `layout` makes a page of it, `notebook` a notebook.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError, shown
from ...records import Records
from ...addresses import Derivative, Quantity
from ..explainer import TERMS, Explainer
from ..derivation import Derivation

COMPLETE = 150  # up to so many weights and biases everything is shown
WIDE = 16  # up to so many nodes a layer's numbers are all listed in an incomplete example

Parameters = tuple[dict[str, np.ndarray], ...]


@dataclass(frozen=True)
class WorkedExample:
    """One sample, followed through the network and back.

    Attributes:
        records: the network's numbers for this one sample, which is sample 0.
        addresses: the derivatives that are explained in full, output layer first.
        others: further addresses that were asked for.
        layers: the layers whose derivatives are listed one by one, output layer first.
        complete: whether every number is shown; else only those of small layers, and the chosen ones.
        learning_rate: η of the update.
        title: the heading.
        terms, depth, digits: see `explain` and `Derivation.to_text`.
        model: the model's file, from which the notebook of a large network loads it.
    """

    records: Records
    addresses: tuple[str, ...]
    others: tuple[str, ...]
    layers: tuple[int, ...]
    complete: bool
    learning_rate: float
    title: str
    terms: int | None = TERMS
    depth: int = 2
    digits: int = 6
    model: str = ""
    explainer: Explainer = field(init=False, compare=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "explainer", Explainer(self.records, self.terms, self.depth))

    def explain(self, address: str) -> Derivation:
        """The derivation of one number."""
        return self.explainer.explain(address)

    @cached_property
    def gradient(self) -> Parameters:
        """∂C_0/∂w and ∂C_0/∂b of each layer, with the penalty's derivative."""
        r = self.records
        found = []
        for l, arrays in enumerate(r.parameters):
            of_layer = {name: np.asarray(r.value(f"dC0/d{name}[{l}]"), float) for name in arrays}
            if r.penalty.any and "w" in of_layer:
                of_layer["w"] = of_layer["w"] + np.asarray(r.value(f"dR/dw[{l}]"))
            found.append(of_layer)
        return tuple(found)

    @cached_property
    def updated(self) -> Records:
        """The same sample after one update of all weights and biases: w − η ∂C_0/∂w, all from the old numbers."""
        new = tuple(
            {name: np.asarray(array[...]) - self.learning_rate * gradient[name] for name, array in arrays.items()}
            for arrays, gradient in zip(self.records.parameters, self.gradient, strict=True)
        )
        return Records(self.records.architecture, new, self.records.x, self.records.y)

    @cached_property
    def predicted(self) -> float:
        """What the derivatives say the update does to C_0 + R: −η Σ (∂C/∂w)²."""
        squares = sum(float((array**2).sum()) for arrays in self.gradient for array in arrays.values())
        return -self.learning_rate * squares

    def objective(self, records: Records) -> float:
        """C_0, with the penalty where there is one."""
        return float(records.C[0]) + records.R

    def listed(self, l: int) -> list[tuple[str, tuple[int, ...]]]:
        """The weights and biases of a layer that are listed one by one: all of a small layer, else the chosen ones."""
        arrays = self.records.parameters[l]
        if l in self.layers:
            return [(name, index) for name in arrays for index in np.ndindex(*arrays[name].shape)]
        chosen = [a.by for a in self.chosen if a.by.layer == l and a.by.name in ("w", "b")]
        return [(q.name, q.nodes) for q in chosen]

    @property
    def chosen(self) -> tuple[Derivative, ...]:
        """The explained derivatives, parsed."""
        found = (self.records.address(address) for address in self.addresses)
        return tuple(address for address in found if isinstance(address, Derivative))

    @property
    def chosen_weights(self) -> tuple[tuple[int, int, int], ...]:
        """(l, j, k) of the weights that the example speaks of."""
        return tuple((a.by.layer, *a.by.nodes) for a in self.chosen if a.by.name == "w")  # type: ignore[misc]

    @property
    def drawing(self) -> Any:
        """The network drawn with its indices; a notebook shows it."""
        from .layout import drawing

        return drawing(self)

    # ── outputs ───────────────────────────────────────────────────────────────────────────────────

    def page(self) -> Any:
        """Its parts as a page of blocks."""
        from .layout import page

        return page(self)

    def to_html(self) -> str:
        """One HTML file: no script, nothing from another host."""
        from ..render.html import page_to_html

        return page_to_html(self.page(), digits=self.digits)

    def to_latex(self) -> str:
        """A whole LaTeX document."""
        from ..render.latex import page_to_latex

        return page_to_latex(self.page(), digits=self.digits)

    def to_markdown(self, stem: str = "network") -> tuple[str, dict[str, str]]:
        """Markdown, and the pictures that it shows as SVG, by file name."""
        from ..render.markdown import page_to_markdown

        return page_to_markdown(self.page(), digits=self.digits, stem=stem)

    def to_notebook(self) -> dict[str, Any]:
        """A Jupyter notebook (nbformat 4.5) whose cells compute what its text says."""
        from .notebook import notebook

        return notebook(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, checked by `worked.schema.json`."""
        from .data import to_dict

        return to_dict(self)

    def save(self, path: str | os.PathLike) -> tuple[Path, ...]:
        """Write it in the format that the ending names (.html, .tex, .md, .ipynb, .json); the files that were written.

        Raises:
            InputError: another ending.
            ModelFileError: a file that can't be written.
        """
        from ...store import replacing
        from .files import contents

        files = contents(self, Path(path))
        for name, text in files.items():
            with replacing(name) as file:
                file.write(text.encode())
        return tuple(files)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """How a notebook shows it."""
        from ..render.html import fragment

        return {"text/plain": repr(self), "text/html": fragment(self.page(), digits=self.digits)}

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.records.n))
        return f"WorkedExample of a {sizes} network: {', '.join(self.addresses)}"


def worked_example(
    records: Any,
    sample: int = 0,
    *,
    addresses: Sequence[str] = (),
    layers: Sequence[int] | None = None,
    learning_rate: float = 0.1,
    terms: int | None = TERMS,
    depth: int = 2,
    digits: int = 6,
    title: str = "",
    model: str = "",
) -> WorkedExample:
    """One sample followed through the network and back: forward pass, loss, derivatives, update, loss afterwards.

    Args:
        records: a network's numbers, `Records` or the `Trace` of some samples.
        sample: which of their samples.
        addresses: derivatives by a weight, bias, z or a to explain in full, and whatever else to explain; by
            default one weight of each layer (of the last three in a deep network), w[L][1,2] in the output layer.
        layers: the layers of which every derivative is listed; by default all in a network of up to COMPLETE
            weights and biases, else none.
        learning_rate: η.
        terms: how many terms of a long sum to show, None for all.
        depth: how many levels the explained derivatives are unfolded.
        digits: significant digits of every number.
        title: the heading.
        model: the model's file, from which the notebook of a large network loads it.

    Raises:
        AddressError: an address that names nothing in this network.
        InputError: a sample, layer, learning rate or number of digits that can't be.

    Example:
        >>> from pellucid.architecture import Architecture
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> net = Architecture((Input(1), Dense(1, bias=False)), SquaredError())
        >>> r = Records(net, ({}, {"w": np.array([[3.0]])}), [[2.0]], [[5.0]])
        >>> example = worked_example(r, learning_rate=0.125)
        >>> example.addresses, float(example.updated.parameters[1]["w"][0, 0]), float(example.updated.C[0])
        (('dC0/dw[1][0,0]',), 2.5, 0.0)
    """
    records = getattr(records, "records", records)
    if not 0 <= sample < records.samples:
        raise InputError(
            "sample", f"there are {records.samples} samples, so expected 0 … {records.samples - 1}", sample
        )
    if not 0 < learning_rate < float("inf"):
        raise InputError("learning_rate", "expected a finite number > 0", learning_rate)
    if not 1 <= digits <= 17:
        raise InputError("digits", "expected a number from 1 to 17", digits)
    one = Records(
        records.architecture, records.parameters, records.x[sample : sample + 1], records.y[sample : sample + 1]
    )
    size = sum(
        array.shape[0] * (array.shape[1] if len(array.shape) > 1 else 1) for p in one.parameters for array in p.values()
    )
    complete = size <= COMPLETE
    if layers is None:
        layers = range(1, one.L + 1) if complete else ()
    for l in layers:
        if not 1 <= l <= one.L:
            raise InputError("layers", f"the layers with weights are 1 … {one.L}", shown(l))
    found = [one.address(address) for address in addresses]
    own = [a for a in found if isinstance(a, Derivative) and a.of == Quantity("C", sample=0) and a.by.name != "y"]
    others = [a for a in found if a not in own]
    chosen = own or [one.address(address) for address in usual(one)]
    chosen = sorted(chosen, key=lambda a: -(a.by.layer or 0))
    sizes = "-".join(map(str, one.n))
    return WorkedExample(
        one, tuple(map(str, chosen)), tuple(map(str, others)), tuple(sorted(set(layers), reverse=True)), complete,
        float(learning_rate), title or f"A worked example: backpropagation in a {sizes} network", terms, depth, digits,
        str(model),
    )  # fmt: skip


def usual(records: Records) -> list[str]:
    """One weight of each of the last three layers: w_12 where it exists.

    Example:
        >>> from pellucid.architecture import Architecture
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> net = Architecture((Input(3), Dense(6), Dense(4)), SquaredError())
        >>> usual(Records(net, net.initial(0), np.zeros((1, 3)), np.zeros((1, 4))))
        ['dC0/dw[2][1,2]', 'dC0/dw[1][1,2]']
    """
    found = []
    for l in range(records.L, max(0, records.L - 3), -1):
        if "w" in records.parameters[l]:
            j, k = min(1, records.n[l] - 1), min(2, records.n[l - 1] - 1)
            found.append(f"dC0/dw[{l}][{j},{k}]")
    return found
