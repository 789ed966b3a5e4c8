"""What a user may ask of the reading of data, checked. Before it: arguments and options. After it: the readers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError, one_of, shown
from .layout import Layout

IMPUTE = ("mean", "median", "mode")
SCALES = ("auto", "standard", "none")


@dataclass
class Options:
    """What the user asked for, for the readers below."""

    target: list | None = None
    features: list | None = None
    drop: list | None = None
    categories: list | None = None
    impute: bool = False
    scale: str | float = "auto"
    task: str | None = None
    preparation: Layout | None = None
    header: bool | None = None
    max_unpacked: float | None = None


def check_scale(scale: str | float) -> None:
    """Refuse a scale that is neither one of the words nor a finite number above 0."""
    good = scale in SCALES if isinstance(scale, str) else isinstance(scale, int | float) and 0 < scale < np.inf
    if not good or isinstance(scale, bool):
        raise DataError("scale", f"expected {one_of(SCALES)}, or a number above 0 to divide by", shown(scale))
