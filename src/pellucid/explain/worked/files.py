"""A worked example as files: the format by the ending of the name.

Before it: `example`. After it: `WorkedExample.save`, and the command line.
"""

from __future__ import annotations

import json
from pathlib import Path

from ...errors import InputError, one_of
from .example import WorkedExample

ENDINGS = (".html", ".ipynb", ".json", ".md", ".tex")


def check_ending(path: Path) -> None:
    """Raise an InputError unless the name ends like a format."""
    if path.suffix.lower() not in ENDINGS:
        raise InputError(str(path), f"expected a file that ends with {one_of(ENDINGS)}", path.suffix or "no ending")


def contents(e: WorkedExample, path: Path) -> dict[Path, str]:
    """The text of each file to write: one, and the picture beside a Markdown file.

    Raises:
        InputError: an ending that names no format.
    """
    check_ending(path)
    match path.suffix.lower():
        case ".html":
            return {path: e.to_html()}
        case ".tex":
            return {path: e.to_latex()}
        case ".md":
            text, pictures = e.to_markdown(path.stem)
            return {path: text} | {path.with_name(name): svg for name, svg in pictures.items()}
        case ".ipynb":
            return {path: as_json(e.to_notebook())}
    return {path: as_json(e.to_dict())}


def as_json(value: dict) -> str:
    """JSON for people to read too."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
