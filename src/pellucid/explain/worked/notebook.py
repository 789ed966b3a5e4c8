"""A worked example as a Jupyter notebook: the page's sections as text, each followed by the code that computes it.

Before it: a page with code, made by `layout`. After it: Jupyter. The format is nbformat 4.5, written
by hand: it is plain JSON.
"""

from __future__ import annotations

import base64
from typing import Any

from ..render import blocks as b
from ..render.markdown import Layout, page_body


class Inline(Layout):
    """Markdown whose pictures stand in the text, for a notebook is one file."""

    def figure(self, f: b.Figure) -> str:
        """The picture as the address of an image."""
        text = super().figure(f)
        for name, svg in self.figures.items():
            data = base64.b64encode(svg.encode()).decode()
            text = text.replace(f"({name})", f"(data:image/svg+xml;base64,{data})")
        return text


def markdown(page: b.Page, digits: int) -> str:
    """The page as Markdown in one piece."""
    return page_body(Inline(digits), page)


def notebook(page: b.Page, digits: int) -> dict[str, Any]:
    """The notebook as JSON values."""
    layout = Inline(digits)
    sentence = layout.writer.sentence
    cells = [text_cell("title", f"# {layout.writer.words(page.title)}\n\n{sentence(page.lead)}")]
    for section in page.sections:
        cells.append(text_cell(section.name, layout.section(section)))
        if section.code:
            cells.append(code_cell(f"{section.name}-code", section.code))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def lines(text: str) -> list[str]:
    """A text as notebooks store it."""
    return text.strip("\n").splitlines(keepends=True)


def text_cell(name: str, text: str) -> dict[str, Any]:
    """A cell of Markdown."""
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": lines(text)}


def code_cell(name: str, text: str) -> dict[str, Any]:
    """A cell of Python that has not run yet."""
    empty: dict[str, Any] = {"execution_count": None, "outputs": [], "metadata": {}}
    return {"cell_type": "code", "id": name, "source": lines(text), **empty}
