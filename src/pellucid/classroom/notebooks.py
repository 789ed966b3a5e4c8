"""A Jupyter notebook as a Python file: its code cells one after the other, and which line came from where.

Before it: the bytes of a notebook. After it: `files` hands over the source; messages name cell and line.
"""

from __future__ import annotations

import json
import re


def code_cells(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The code of a notebook, cell after cell, and what its lines are called.

    Lines that only a notebook understands become comments.

    Raises:
        ValueError: no notebook.

    Example:
        >>> code_cells(b'{"cells": [{"cell_type": "code", "source": ["%matplotlib inline\\\\n", "x = 1"]}]}')
        (b'# %matplotlib inline\\nx = 1\\n', ('code cell 1, line 1', 'code cell 1, line 2'))
    """
    try:
        cells = json.loads(data)["cells"]
        codes = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        texts = ["".join(code) if isinstance(code, list) else code + "" for code in codes]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("no notebook") from error
    lines, places = [], []
    for number, text in enumerate(texts, 1):
        whole = text.lstrip().startswith("%%")
        for at, line in enumerate(re.split("\r\n|\r|\n", text), 1):
            lines.append(f"# {line}" if whole or line.lstrip().startswith(("%", "!", "?")) else line)
            places.append(f"code cell {number}, line {at}")
    return ("\n".join(lines) + "\n").encode("utf8", "replace"), tuple(places)
