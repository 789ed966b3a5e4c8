"""A small change of one number: what the derivative predicts, what really happens, the difference.

Before it: `rerun`, which repeats the forward pass. After it: the command line and the page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from ..addresses import Derivative, Quantity
from ..errors import AddressError, InputError, number
from ..expressions import plain_number
from ..records import Records
from .render import blocks as b
from .render.display import bundle
from .render.text import TextWriter, table
from .rerun import rerun
from .sentences import say


@dataclass(frozen=True, repr=False)
class Nudge:
    """What one change does.

    Attributes:
        slope: the derivative of the quantity that is watched, `of`, by the number that is changed, at `address`.
        eps: by how much; old, new: the number before and after.
        before, after: the quantity before and after.
        derivative: ∂of/∂address before the change.
        predicted: derivative · eps; actual: after − before; difference: actual − predicted.
    """

    slope: Derivative
    eps: float
    old: float
    new: float
    before: float
    after: float
    derivative: float
    predicted: float
    actual: float
    difference: float

    @property
    def address(self) -> str:
        """Of the number that is changed."""
        return str(self.slope.by)

    @property
    def of(self) -> str:
        """Of the quantity that is watched."""
        return str(self.slope.of)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        numbers = {f.name: plain_number(getattr(self, f.name)) for f in fields(self) if f.name != "slope"}
        return {"address": self.address, "of": self.of, **numbers}

    def to_text(self, *, digits: int = 6, ascii: bool = False) -> str:
        """Three lines for a terminal."""
        w = TextWriter(digits, ascii)
        arrow = "->" if ascii else "→"
        slope = w.symbol(self.slope)
        how = f"{slope} {w.times} eps = {w.number(self.derivative)} {w.times} {w.number(self.eps)}"
        rows = [
            [w.symbol(self.slope.by), f"{w.number(self.old)} {arrow} {w.number(self.new)}", ""],
            [w.symbol(self.slope.of), f"{w.number(self.before)} {arrow} {w.number(self.after)}", ""],
            ["predicted", w.number(self.predicted), how],
            ["really", w.number(self.actual), ""],
            ["difference", w.number(self.difference), share(self, w)],
        ]  # fmt: skip
        return "\n".join(table(rows))

    def blocks(self) -> tuple[Any, ...]:
        """The same for a page."""
        by, of = self.slope.by, self.slope.of
        rows = ((say("{}", by), self.old, self.new, self.eps), (say("{}", of), self.before, self.after, self.actual))
        text = say(
            "The derivative {} predicts a change of {} · {} = {}. The difference is {}.",
            self.slope, self.derivative, self.eps, self.predicted, self.difference,
        )  # fmt: skip
        return b.Table(("number", "before", "after", "change"), rows), b.Text(text)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """How a notebook shows it."""
        return bundle(self.to_text(), self.blocks())

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Nudge of {self.address} by {self.eps!r}: {self.of} {self.before!r} → {self.after!r}>"


def share(n: Nudge, w: Any) -> str:
    """The difference as a share of what happened, in per cent."""
    if not n.actual or not math.isfinite(n.difference):
        return ""
    return f"{w.number(100 * abs(n.difference / n.actual))} % of what happens"


def nudge(records: Records, address: str, eps: float, of: str | None = None) -> Nudge:
    """Change one number by eps and compare with the derivative's prediction.

    Args:
        address: of a weight, bias, input, target, z or a: "w[2][1,2]"; or of a derivative, "dC0/dw[2][1,2]".
        eps: the change, not 0.
        of: the quantity to watch: "C0", "C", "a[3][0]"; by default sample 0's loss.

    Raises:
        AddressError: something that can't be changed, or that depends on nothing.
        InputError: eps that is 0 or not finite.

    Example:
        >>> import numpy as np
        >>> from pellucid.architecture import Architecture
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> net = Architecture((Input(1), Dense(1, bias=False)), SquaredError())
        >>> r = Records(net, ({}, {"w": np.array([[3.0]])}), [[2.0]], [[5.0]])
        >>> n = nudge(r, "w[1][0,0]", 0.25)
        >>> n.before, n.after, n.predicted, n.actual, n.difference
        (1.0, 2.25, 1.0, 1.25, 0.25)
    """
    if not number("eps", eps, "a finite number other than 0"):
        raise InputError("eps", "expected a finite number other than 0", eps)
    found = records.address(address)
    if isinstance(found, Quantity):
        watched: Any = records.address(of if of is not None else Quantity("C", sample=found.sample or 0))
        found = records.address(Derivative(watched, found))
    if not records.scalar(found.by):
        raise AddressError(str(found.by), "expected one number", "a row or an array", "Name its nodes.")
    old = float(records.value(found.by))
    new = old + eps
    before, after = (float(v) for v in rerun(records, found.of, found.by, [old, new]).real)
    slope = float(records.value(found))
    predicted, actual = slope * eps, after - before
    return Nudge(found, eps, old, new, before, after, slope, predicted, actual, actual - predicted)
