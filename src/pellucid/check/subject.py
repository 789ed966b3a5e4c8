"""Whatever `gradcheck` is given, as one thing to call: a point → numbers, and a point with weights → gradients.

Before it: functions, objects, frameworks' classes. After it: `gradcheck` compares. Each call gets copies of the point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InputError, ShapeError, shown
from .candidate import as_array, unit_roundoff
from .frameworks import function_class, is_module, is_tensor, of_custom_vjp, of_tensors, times


@dataclass(frozen=True)
class Answer:
    """What a function returned: all outputs one after the other, in float64.

    Attributes:
        shapes: of each output; `tupled` whether there was a tuple of them.
        type: the coarsest type among them, and `unit` its unit roundoff.
    """

    vector: Array
    shapes: tuple[tuple[int, ...], ...]
    tupled: bool
    type: np.dtype
    unit: float

    @classmethod
    def of(cls, out: Any) -> Answer:
        """Flattened, converted, copied."""
        tupled = isinstance(out, tuple | list) and any(hasattr(part, "shape") for part in out)
        arrays = [as_array(part, "output") for part in (out if tupled else (out,))]
        coarsest = max(arrays, key=unit_roundoff)
        vector = np.concatenate([np.array(a, np.float64).ravel() for a in arrays])
        return cls(vector, tuple(a.shape for a in arrays), tupled, coarsest.dtype, unit_roundoff(coarsest))

    def name(self, m: int) -> str:
        """The output at place m of the vector."""
        for number, shape in enumerate(self.shapes):
            size = int(np.prod(shape))
            if m < size:
                index = ",".join(map(str, np.unravel_index(m, shape))) if shape else ""
                return f"output {number if self.tupled else ''}".strip() + (f" [{index}]" if index else "")
            m -= size
        raise IndexError(m)

    def split(self, v: Array) -> Any:
        """A vector in the outputs' shapes."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1]
        parts = tuple(part.reshape(shape) for part, shape in zip(np.split(v, ends), self.shapes, strict=True))
        return parts if self.tupled else parts[0]


@dataclass
class Subject:
    """A function with its pull-back.

    Attributes:
        own: (point) → output or outputs.
        back: (point, v) → the gradient of v · output in each argument.
        names: of the arguments, "" where there is only one.
        notes: what it does that it should not.
    """

    own: Callable
    back: Callable
    point: list[Array]
    names: list[str]
    notes: list[str] = field(default_factory=list)
    shape: Answer | None = None

    def value(self, point: Sequence[Array]) -> Answer:
        """All outputs at a point."""
        answer = Answer.of(self.called(self.own, point, "the function"))
        self.shape = self.shape or answer
        if answer.shapes != self.shape.shapes:
            raise ShapeError("gradcheck: f", f"expected outputs {self.shape.shapes} everywhere", answer.shapes)
        return answer

    def several(self, answer: Answer) -> bool:
        """Whether the outputs are more than one plain number."""
        return answer.tupled or answer.shapes[0] != ()

    def pull_back(self, point: Sequence[Array], v: Array) -> list[Array]:
        """The gradient of v · outputs, one array per argument."""
        assert self.shape is not None
        weights = self.shape.split(v)
        return gradients(self.called(lambda *args: self.back(args, weights), point, "its derivative"), point)

    def called(self, function: Callable, point: Sequence[Array], what: str) -> Any:
        """A call with copies; what changes them is noted."""
        copies = [a.copy() for a in point]
        out = function(*copies)
        for n, (copy, a) in enumerate(zip(copies, point, strict=True)):
            note = (
                f"{what[0].upper()}{what[1:]} changes {self.names[n] or 'its argument'} in place; it was handed copies."
            )
            if note not in self.notes and not np.array_equal(copy, a, equal_nan=True):
                out = tuple(np.array(part) for part in out) if isinstance(out, tuple) else out
                self.notes.append(note)
        return out


def subject(f: Any, args: Any) -> Subject:
    """The function itself, and its pull-back (point, v) → (D f)* v.

    Raises:
        InputError: something without a derivative.
    """
    args = args if isinstance(args, tuple) else (args,)
    owner = function_class(f)
    if is_module(f) or owner or any(map(is_tensor, args)):
        own, back, point, names = of_tensors(
            owner.apply if owner else f, args, trusted=is_module(f) or owner is not None
        )
        return Subject(own, back, point, names if len(point) > 1 else [""])
    point = [np.array(a, np.float64) for a in args]
    own, back = parts(f, point)
    return Subject(own, back, point, [f"argument {n}" for n in range(len(point))] if len(point) > 1 else [""])


def parts(f: Any, point: list[Array]) -> tuple[Callable, Callable]:
    """The same for functions of arrays."""
    if isinstance(f, tuple) and len(f) == 2 and all(map(callable, f)):
        own, derivative = f
        return own, lambda args, v: times(derivative(*args), args, v)
    if hasattr(f, "fwd") and hasattr(f, "bwd"):  # JAX: defvjp's two functions, called as they are
        return of_custom_vjp(f)
    given: Any = f  # no longer a tuple
    if hasattr(f, "g") and hasattr(f, "derivative"):  # one of Pellucid's activations, or one made like them
        return given.g, lambda args, v: given.derivative(*args) * v
    for name in ("pull_back", "vjp"):
        if hasattr(f, name):
            own, back = f if callable(f) else getattr(f, "forward", None), getattr(f, name)
            if own is None:
                raise InputError("gradcheck: f", f"expected a call or `forward` beside `{name}`", shown(f))
            return own, lambda args, v, back=back: back(*args, v)
    if callable(f):
        got = f(*(a.copy() for a in point))
        if isinstance(got, tuple) and len(got) == 2 and np.ndim(got[0]) == 0:
            return lambda *args: given(*args)[0], lambda args, v: times(given(*args)[1], args, v)
        raise InputError("gradcheck: f", "expected a function that returns (value, gradient)", shown(got))
    raise InputError("gradcheck: f", "expected a function with its derivative", shown(f), "Give (f, df).")


def gradients(got: Any, point: Sequence[Array]) -> list[Array]:
    """One array per argument."""
    got = tuple(got) if isinstance(got, tuple | list) and (len(point) > 1 or len(got) == 1) else (got,)
    if len(got) != len(point):
        raise ShapeError("gradcheck: gradient", f"expected {len(point)} arrays, one per argument", len(got))
    out = []
    for n, (g, a) in enumerate(zip(got, point, strict=True)):
        g = np.array(as_array(g, "gradient"), np.float64)
        if g.shape != a.shape:
            raise ShapeError(f"gradcheck: gradient in argument {n}", f"expected {a.shape}", g.shape)
        out.append(g)
    return out
