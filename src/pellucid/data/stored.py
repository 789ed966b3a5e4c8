"""JSON → Preparation, with every field checked before anything is built from it.

Before it: a model's file, which anybody may have written. After it: Preparation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..errors import DataError, InputError, one_of, shown
from ..inputs import check_labels
from .preparation import FORMAT, Column, Preparation, Target
from .table import KINDS


def preparation_of(stored: Any, where: str = "preparation") -> Preparation:
    """The Preparation that `stored` describes.

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
        column(value, f"{where}, column {i}") for i, value in enumerate(listing(given["columns"], where), 1)
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
    return Preparation(
        columns,
        None if target is None else target_of(target, f"{where}, target"),
        named,
        shape,
        texts(given.get("notes", []), f"{where}, notes"),
    )


def column(stored: Any, where: str) -> Column:
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
