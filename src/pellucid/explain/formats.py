"""Every output format by name: several derivations in, one text out.

Before it: the renderers. After it: the command line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import InputError, one_of, shown
from .derivation import Derivation
from .render import blocks as b
from .render import html, latex, markdown
from .render.mathml import to_mathml
from .render.text import paths_to_text


def as_text(found: Sequence[Derivation], top: int, *, width: int | None, ascii: bool, **options: Any) -> str:
    """For a terminal."""
    parts = []
    for d in found:
        parts.append(d.to_text(width=width, ascii=ascii, **options))
        if top:
            parts.append(paths_to_text(d.paths(top), digits=options["digits"], ascii=ascii))
    return "\n\n".join(parts) + "\n"


def as_markdown(found: Sequence[Derivation], top: int, *, digits: int, **options: Any) -> str:
    """Markdown with LaTeX formulas."""
    return "\n".join(laid_out(markdown.Layout(digits), found, top, **options))


def as_latex(found: Sequence[Derivation], top: int, *, digits: int, **options: Any) -> str:
    """A LaTeX fragment."""
    return "\n".join(laid_out(latex.Layout(digits), found, top, **options))


def as_document(found: Sequence[Derivation], top: int, **options: Any) -> str:
    """A whole LaTeX document."""
    return latex.document(as_latex(found, top, **options))


def as_html(found: Sequence[Derivation], top: int, *, digits: int, **options: Any) -> str:
    """A page by itself."""
    body = "\n".join(laid_out(html.Layout(digits), found, top, **options))
    return html.page(", ".join(str(d.address) for d in found), body)


def as_mathml(found: Sequence[Derivation], top: int, *, digits: int, **options: Any) -> str:
    """One <math> element for each formula on the way, of all levels."""
    shown = (below for d in found for _, below in d.walk(options["depth"]))
    return "".join(f"{to_mathml(d, digits=digits)}\n" for d in shown)


def as_json(found: Sequence[Derivation], top: int, *, depth: int | None, checks: bool, **options: Any) -> str:
    """{"derivations": […]}, each as `derivation.schema.json` has it."""
    written = [d.to_dict(depth, checks=checks) for d in found]
    return json.dumps({"derivations": written}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def laid_out(layout: Any, found: Sequence[Derivation], top: int, *, depth: int | None, checks: bool, **_: Any) -> list:
    """Each derivation, with its largest paths, in one layout."""
    parts = []
    for d in found:
        parts.append(layout.block(b.entry(d, depth, checks=checks)))
        if top:
            parts += map(layout.block, b.paths_blocks(d.paths(top)))
    return parts


FORMATS: dict[str, Callable[..., str]] = {
    "text": as_text, "markdown": as_markdown, "latex": as_latex, "tex": as_document, "mathml": as_mathml,
    "html": as_html, "json": as_json,
}  # fmt: skip


def rendered(
    found: Sequence[Derivation],
    format: str = "text",
    *,
    digits: int = 6,
    depth: int | None = None,
    checks: bool = True,
    top: int = 0,
    width: int | None = 100,
    ascii: bool = False,
) -> str:
    """Several derivations in one text.

    Args:
        format: "text", "markdown", "latex" (a fragment), "tex" (a whole document), "mathml", "html" or "json".
        digits, depth, checks: see `Derivation.to_text`.
        top: how many of the largest paths to add to each.
        width, ascii: of "text".

    Raises:
        InputError: another format, or a number of digits that can't be.
    """
    if format not in FORMATS:
        raise InputError("format", f"expected {one_of(FORMATS)}", shown(format))
    if not 1 <= digits <= 17:
        raise InputError("digits", "expected a number from 1 to 17", digits)
    options: dict[str, Any] = {"digits": digits, "depth": depth, "checks": checks}
    return FORMATS[format](found, top, **options, **({"width": width, "ascii": ascii} if format == "text" else {}))
