"""What a notebook is handed of anything that can be laid out as blocks: the same in each of its formats.

Before it: the renderers. After it: the objects that notebooks show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import html, latex, markdown


def bundle(plain: str, blocks: Sequence[Any], digits: int = 6) -> dict[str, str]:
    """Text, HTML, Markdown and LaTeX by their media types; a notebook takes what it can show, and may show."""
    laid_out = {
        name: module.Layout(digits) for name, module in (("html", html), ("markdown", markdown), ("latex", latex))
    }
    found = {f"text/{name}": "\n".join(map(layout.block, blocks)) for name, layout in laid_out.items()}
    return {"text/plain": plain, **found, "text/html": html.element(found["text/html"])}
