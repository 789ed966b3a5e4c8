"""A worked example as files: the format by the ending of the name.

Before it: nothing. After it: `WorkedExample.save`, and the command line.
"""

from __future__ import annotations

import json
from pathlib import Path

from ...errors import InputError, one_of

ENDINGS = (".html", ".ipynb", ".json", ".md", ".tex")


def check_ending(path: Path) -> str:
    """The ending of a name.

    Raises:
        InputError: it names no format.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InputError(str(path), f"expected a file that ends with {one_of(ENDINGS)}", path.suffix or "no ending")
    return path.suffix.lower()


def as_json(value: dict) -> str:
    """JSON for people to read too."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
