"""What training, predicting and explaining work on: the numbers x and y, and what they stand for.

Before it: a table and its Preparation. After it: training, and everything that looks at single samples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ShapeError, shown
from .layout import Layout


@dataclass(frozen=True, eq=False)
class Dataset:
    """n samples as a network takes them.

    Attributes:
        x: inputs (n, n_0), floats, C-contiguous.
        y: integer labels (n,) for a classification, floats (n, n_L) for a regression, or None.
        classes: the label values; y == i means classes[i]. None for a regression.
        feature_names: a name for each input.
        target_names: the columns that y comes from.
        preparation: how x and y were made; None where they were given ready-made.
        name: what messages call the data.
        shape: a sample's shape before it was flattened, such as (28, 28).
        notes: what was decided, filled or ignored on the way, one sentence each.

    Raises:
        ShapeError: x isn't (n, n_0), or y doesn't have n entries.

    Example:
        >>> data = Dataset(np.zeros((3, 2)), np.array([0, 1, 0]), classes=("no", "yes"))
        >>> data.n, data.n_inputs, data.n_outputs, data.take([2]).n
        (3, 2, 2, 1)
    """

    x: np.ndarray
    y: np.ndarray | None = None
    classes: tuple | None = None
    feature_names: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    preparation: Layout | None = None
    name: str = "data"
    shape: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        x, y = self.x, self.y
        if not isinstance(x, np.ndarray) or x.ndim != 2 or x.dtype.kind != "f":
            raise ShapeError(f"{self.name}, x", "expected floats of shape (n, n_0)", shown(x))
        if y is not None and (not isinstance(y, np.ndarray) or y.ndim not in (1, 2) or len(y) != len(x)):
            raise ShapeError(f"{self.name}, y", f"expected {len(x)} targets, one per row of x", shown(y))
        object.__setattr__(self, "x", np.ascontiguousarray(x))

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.x)

    @property
    def n_inputs(self) -> int:
        """Number of inputs, n_0."""
        return self.x.shape[1]

    @property
    def n_outputs(self) -> int:
        """Number of classes, or of target columns; 0 without targets."""
        if self.classes is not None:
            return len(self.classes)
        if self.y is not None:
            return self.y.shape[1] if self.y.ndim == 2 else 1
        return len(self.target_names)

    @property
    def task(self) -> str | None:
        """ "classification", "regression", or None where nothing is to be predicted."""
        if self.classes is not None:
            return "classification"
        return "regression" if self.n_outputs else None

    def take(self, rows: Any) -> Dataset:
        """The data set of these rows: indices, a mask or a slice."""
        rows = rows if isinstance(rows, slice) else np.asarray(rows)
        return replace(self, x=self.x[rows], y=None if self.y is None else self.y[rows])

    def __len__(self) -> int:
        return self.n
