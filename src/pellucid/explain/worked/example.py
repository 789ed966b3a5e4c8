"""A whole worked example with its outputs: one sample through the network and back.

Before it: its `numbers`, and the layouts that say them. After it: `Trace`, and the command line.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...addresses import Derivative
from ...errors import InputError, shown
from ...records import Records
from ...store import replacing
from ..explainer import TERMS
from ..render.blocks import Page
from ..render.drawing import Drawing
from ..render.html import fragment, page_to_html
from ..render.latex import page_body, page_to_latex
from ..render.markdown import page_to_markdown
from . import data, layout
from .files import as_json, check_ending
from .notebook import markdown, notebook
from .numbers import COMPLETE, LOSS, Numbers, count, usual


class WorkedExample(Numbers):
    """One sample, followed through the network and back, to be printed and stored; see `Numbers` for what it holds."""

    @property
    def drawing(self) -> Drawing:
        """The network drawn with its indices; a notebook shows it."""
        return layout.drawing(self)

    def page(self) -> Page:
        """Its parts as a page of blocks."""
        return layout.page(self)

    def to_html(self) -> str:
        """One HTML file: no script, nothing from another host."""
        return page_to_html(self.page(), digits=self.digits)

    def to_latex(self) -> str:
        """A whole LaTeX document."""
        return page_to_latex(self.page(), digits=self.digits)

    def to_markdown(self, stem: str = "network") -> tuple[str, dict[str, str]]:
        """Markdown, and the pictures that it shows as SVG, by file name."""
        return page_to_markdown(self.page(), digits=self.digits, stem=stem)

    def to_notebook(self) -> dict[str, Any]:
        """A Jupyter notebook (nbformat 4.5) whose cells compute what its text says."""
        return notebook(self.page(), self.digits)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, checked by `worked.schema.json`."""
        return data.to_dict(self)

    def save(self, path: str | os.PathLike) -> tuple[Path, ...]:
        """Write it in the format that the ending names (.html, .tex, .md, .ipynb, .json); the files that were written.

        Raises:
            InputError: another ending.
            ModelFileError: a file that can't be written.
        """
        files = self.files(Path(path))
        for name, text in files.items():
            with replacing(name) as file:
                file.write(text.encode())
        return tuple(files)

    def files(self, path: Path) -> dict[Path, str]:
        """The text of each file to write: one, and the picture beside a Markdown file."""
        match check_ending(path):
            case ".html":
                return {path: self.to_html()}
            case ".tex":
                return {path: self.to_latex()}
            case ".md":
                text, pictures = self.to_markdown(path.stem)
                return {path: text} | {path.with_name(name): svg for name, svg in pictures.items()}
            case ".ipynb":
                return {path: as_json(self.to_notebook())}
        return {path: as_json(self.to_dict())}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """How a notebook shows it."""
        page = self.page()
        return {
            "text/plain": repr(self),
            "text/html": fragment(page, digits=self.digits),
            "text/markdown": markdown(page, self.digits),
            "text/latex": page_body(page, digits=self.digits, figures=False),
        }

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
        >>> import numpy as np
        >>> from pellucid.architecture import Architecture
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> net = Architecture((Input(1), Dense(1, bias=False)), SquaredError())
        >>> r = Records(net, ({}, {"w": np.array([[3.0]])}), [[2.0]], [[5.0]])
        >>> example = worked_example(r, learning_rate=0.125)
        >>> [str(a) for a in example.addresses], float(example.updated.parameters[1]["w"][0, 0])
        (['dC0/dw[1][0,0]'], 2.5)
        >>> float(example.updated.C[0])
        0.0
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
    complete = count(one) <= COMPLETE
    if layers is None:
        layers = range(1, one.L + 1) if complete else ()
    for l in layers:
        if not 1 <= l <= one.L:
            raise InputError("layers", f"the layers with weights are 1 … {one.L}", shown(l))
    found = [one.address(address) for address in addresses]
    own = [a for a in found if isinstance(a, Derivative) and a.of == LOSS and a.by.name != "y"]
    others = [a for a in found if a not in own]
    chosen = sorted(own or map(one.address, usual(one)), key=lambda a: -(a.by.layer or 0))
    sizes = "-".join(map(str, one.n))
    return WorkedExample(
        one, tuple(chosen), tuple(others), tuple(sorted(set(layers), reverse=True)), complete,
        float(learning_rate), title or f"A worked example: backpropagation in a {sizes} network", terms, depth, digits,
        str(model),
    )  # fmt: skip
