"""What a model keeps of its training data: its columns with their numbers and its target, from and to JSON.

Before it: a model's file, which anybody may have written, so every field is checked. After it: the readers,
which look for these columns in later data, and Preparation, which turns them into inputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import DataError, InputError, ShapeError, one_of, shown
from ..inputs import check_labels
from .table import KINDS

FORMAT = 1


@dataclass(frozen=True)
class Column:
    """One input column: a number becomes (value − shift) / scale, a category one 0 or 1 for each of its values.

    Attributes:
        name: its name in the table.
        kind: "number", "boolean" or "category".
        shift, scale: of a number.
        values: of a category, in the order of its inputs.
        fill: what stands in for a missing value; None if missing values are refused.
        constant: training saw a single value.
    """

    name: str
    kind: str = "number"
    shift: float = 0.0
    scale: float = 1.0
    values: tuple[str, ...] = ()
    fill: float | str | None = None
    constant: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the network's inputs that this column becomes."""
        return tuple(f"{self.name}={value}" for value in self.values) if self.kind == "category" else (self.name,)

    def to_dict(self) -> dict[str, Any]:
        """JSON, without what is as usual."""
        usual = Column(self.name)
        every = {key: getattr(self, key) for key in self.__dataclass_fields__}
        given = {key: value for key, value in every.items() if key == "name" or value != getattr(usual, key)}
        return given | ({"values": list(self.values)} if self.values else {})


@dataclass(frozen=True)
class Target:
    """What the network is to answer: one of `classes`, or numbers that were (value − shift) / scale in training.

    Attributes:
        names: the target columns.
        classes: the label values, in the order of the outputs; None for a regression.
        shift, scale: one number for each target column of a regression.
    """

    names: tuple[str, ...]
    classes: tuple | None = None
    shift: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether numbers were standardised."""
        return any(self.shift) or any(scale != 1 for scale in self.scale)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Numbers in their own units → as the network learns them; labels stay as they are."""
        if self.classes is not None:
            return y
        with np.errstate(over="ignore", invalid="ignore"):  # what gets infinite is refused by those who check targets
            return (y - np.array(self.shift)) / np.array(self.scale)

    def decode(self, outputs: Any) -> np.ndarray:
        """What the network puts out → label values (n,), or numbers in their own units (n, n_L).

        Labels are taken from the largest of K outputs, from one output ≥ ½ where there are two classes, or
        from whole numbers (n,) that index `classes`.

        Raises:
            ShapeError: outputs of another width.
        """
        a = np.asarray(outputs)
        if self.classes is None:
            if a.shape[-1:] != (len(self.shift),):
                raise ShapeError("outputs", f"expected {len(self.shift)} columns", f"shape {a.shape}")
            with np.errstate(over="ignore", invalid="ignore"):
                return a * np.array(self.scale) + np.array(self.shift)
        if a.ndim == 2 and a.shape[1] == 1 and len(self.classes) == 2:
            a = (a[:, 0] >= 0.5).astype(int)
        elif a.ndim == 2 and a.shape[1] == len(self.classes):
            a = a.argmax(axis=1)
        if a.ndim != 1 or a.dtype.kind not in "iu" or (a.size and not 0 <= a.min() <= a.max() < len(self.classes)):
            raise ShapeError("outputs", f"expected one column for each of {len(self.classes)} classes", shown(a))
        return np.array(self.classes)[a]

    def to_dict(self) -> dict[str, Any]:
        """JSON."""
        return {
            "names": list(self.names),
            "classes": None if self.classes is None else list(self.classes),
            "shift": list(self.shift),
            "scale": list(self.scale),
        }


@dataclass(frozen=True)
class Layout:
    """The input columns and the target that a training knew, which a reader of later data looks for.

    Attributes:
        columns: the input columns, in order.
        target: what is to be answered; None where training had no targets.
        named: whether columns are found by name (tables) or by position (arrays).
        shape: a sample's shape before it was flattened, such as (28, 28).
        notes: what was decided when it was fitted, one sentence each.
    """

    columns: tuple[Column, ...]
    target: Target | None = None
    named: bool = True
    shape: tuple[int, ...] | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, the target's too."""
        return (*(column.name for column in self.columns), *(self.target.names if self.target else ()))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the network's inputs."""
        return tuple(name for column in self.columns for name in column.inputs)

    @property
    def n_inputs(self) -> int:
        """How many inputs the network has, n_0."""
        return sum(len(column.inputs) for column in self.columns)

    @property
    def classes(self) -> tuple | None:
        """The label values, in the order of the outputs; None for a regression."""
        return self.target.classes if self.target else None

    def to_dict(self) -> dict[str, Any]:
        """JSON: what a model's file keeps."""
        return {
            "format": FORMAT,
            "columns": [column.to_dict() for column in self.columns],
            "target": self.target and self.target.to_dict(),
            "named": self.named,
            "shape": None if self.shape is None else list(self.shape),
            "notes": list(self.notes),
        }


def fields_of(stored: Any, where: str = "preparation") -> dict[str, Any]:
    """The fields of the Layout that JSON describes, each checked before anything is built from it.

    Raises:
        DataError: a missing or unknown key, a wrong type, a number that isn't finite, a scale of 0, a newer format.
    """
    keys = {"format", "columns", "target", "named", "shape", "notes"}
    given = mapping(stored, where, keys, needed={"format", "columns"})
    if given["format"] != FORMAT:
        raise DataError(
            where, f"expected format {FORMAT}", shown(given["format"]), "A newer Pellucid may have written it; update."
        )
    columns = tuple(
        column_of(value, f"{where}, column {i}") for i, value in enumerate(listing(given["columns"], where), 1)
    )
    names = [c.name for c in columns]
    if not columns or len(set(names)) < len(names):
        raise DataError(where, "expected columns of different names", shown(names))
    named = given.get("named", True)
    if not isinstance(named, bool):
        raise DataError(f"{where}, named", "expected true or false", shown(named))
    shape = given.get("shape")
    if shape is not None:
        shape = tuple(shape) if isinstance(shape, list) else (0,)
        if not all(isinstance(m, int) and not isinstance(m, bool) and m > 0 for m in shape) or math.prod(shape) != sum(
            len(c.inputs) for c in columns
        ):
            raise DataError(f"{where}, shape", "expected whole numbers whose product is the number of inputs", shape)
    target = given.get("target")
    return {
        "columns": columns,
        "target": None if target is None else target_of(target, f"{where}, target"),
        "named": named,
        "shape": shape,
        "notes": texts(given.get("notes", []), f"{where}, notes"),
    }


def column_of(stored: Any, where: str) -> Column:
    """One column of the JSON."""
    given = mapping(stored, where, {"name", "kind", "shift", "scale", "values", "fill", "constant"}, needed={"name"})
    kind = given.get("kind", "number")
    if not isinstance(given["name"], str):
        raise DataError(f"{where}, name", "expected text", shown(given["name"]))
    if kind not in KINDS:
        raise DataError(f"{where}, kind", f"expected {one_of(KINDS)}", shown(kind))
    values = texts(given.get("values", []), f"{where}, values")
    if (kind == "category") != bool(values) or len(set(values)) < len(values):
        raise DataError(f"{where}, values", "expected different texts for a category, none for a number", shown(values))
    fill = given.get("fill")
    if fill is not None and kind == "category" and fill not in values:
        raise DataError(f"{where}, fill", "expected one of its values", shown(fill))
    if fill is not None and kind != "category":
        fill = number(fill, f"{where}, fill")
    constant = given.get("constant", False)
    if not isinstance(constant, bool):
        raise DataError(f"{where}, constant", "expected true or false", shown(constant))
    shift, scale = (
        number(given.get("shift", 0.0), f"{where}, shift"),
        number(given.get("scale", 1.0), f"{where}, scale"),
    )
    if scale <= 0:
        raise DataError(f"{where}, scale", "expected a number above 0", scale)
    return Column(given["name"], kind, shift, scale, values, fill, constant)


def target_of(stored: Any, where: str) -> Target:
    """The target of the JSON."""
    given = mapping(stored, where, {"names", "classes", "shift", "scale"}, needed={"names"})
    names = texts(given["names"], f"{where}, names")
    classes = given.get("classes")
    shift = tuple(number(v, f"{where}, shift") for v in listing(given.get("shift", []), where))
    scale = tuple(number(v, f"{where}, scale") for v in listing(given.get("scale", []), where))
    if classes is not None:
        classes = tuple(listing(classes, f"{where}, classes"))
        try:
            check_labels(classes, f"{where}, classes")
        except InputError as error:
            raise DataError(error.where, error.expected, error.got) from None
        if len(classes) < 2:
            raise DataError(f"{where}, classes", "expected at least two different labels", shown(classes))
    elif not len(names) == len(shift) == len(scale) > 0:
        raise DataError(where, "expected a shift and a scale for each target", f"{len(shift)} and {len(scale)}")
    if any(s <= 0 for s in scale):
        raise DataError(f"{where}, scale", "expected numbers above 0", scale)
    return Target(names, classes, shift, scale)


def mapping(value: Any, where: str, known: set[str], needed: set[str]) -> Mapping[str, Any]:
    """A JSON object with the needed keys and no unknown ones."""
    if not isinstance(value, Mapping):
        raise DataError(where, "expected an object", shown(value))
    if absent := needed - set(value):
        raise DataError(where, f"expected the key {sorted(absent)[0]!r}", f"the keys {sorted(value)}")
    if unknown := set(value) - known:
        raise DataError(where, f"expected {one_of(known)}", f"the key {sorted(map(str, unknown))[0]!r}")
    return value


def listing(value: Any, where: str) -> list | tuple:
    """A JSON array."""
    if not isinstance(value, list | tuple):
        raise DataError(where, "expected a list", shown(value))
    return value


def texts(value: Any, where: str) -> tuple[str, ...]:
    """A JSON array of strings."""
    if not all(isinstance(text, str) for text in listing(value, where)):
        raise DataError(where, "expected a list of texts", shown(value))
    return tuple(value)


def number(value: Any, where: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(where, "expected a finite number", shown(value))
    return float(value)
