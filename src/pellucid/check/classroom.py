"""Check the files of a class: run each one in the sandbox, compare what it returns, have it graded.

Before it: `sandbox` runs a stranger's file, `checking` compares, `grading` gives points. After it: the command line
prints a table, JSON, or a results.json. Whatever one file does, the next one is checked too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..architecture import Architecture
from ..arrays import Array, Parameters
from ..errors import InputError, PellucidError, shown
from .candidate import see
from .checking import check_gradients
from .grading import Grading, Submission, graded, unrun
from .naming import leaves
from .problem import problem
from .sandbox import Limits, Outcome, run

MOST_SOURCE = 2_000_000  # bytes of a submission


@dataclass(frozen=True)
class Task:
    """What a class was asked for, and how its answers are run and graded.

    Args:
        architecture, parameters: the network.
        x, y: the samples.
        function: the function's name; None looks for the usual ones.
        limits: of a run.
        forbidden: modules that a submission must not import.
        grading: how points are given.
        how: more arguments of `check_gradients` (orientation, samples, reduction, learning_rate).
        without: protections to leave out.

    Raises:
        InputError, ShapeError: a network or samples that can't be checked.
    """

    architecture: Architecture
    parameters: Parameters
    x: Array
    y: Array
    function: str | None = None
    limits: Limits | None = None
    forbidden: Sequence[str] = ("pellucid",)
    grading: Grading = field(default_factory=Grading)
    how: Mapping[str, Any] = field(default_factory=dict)
    without: Sequence[str] = ()

    def __post_init__(self):
        how = {name: value for name, value in self.how.items() if value is not None}
        right = problem(self.architecture, self.parameters, self.x, self.y, reduction=how.get("reduction", "mean"))
        see(right.gradients, right, **{name: how[name] for name in ("orientation", "samples") if name in how})

    @property
    def asked(self) -> tuple[tuple[str, int], ...]:
        """The gradients that are asked for: w and b of each layer, in backward order."""
        layers = range(self.architecture.L, 0, -1)
        return tuple((name, l) for l in layers for name in self.architecture.layers[l - 1].shapes())

    def allowed(self) -> Limits:
        """The limits, with room for the answer that this network needs."""
        if self.limits is not None:
            return self.limits
        shapes = [shape for layer in self.architecture.layers for shape in layer.shapes().values()]
        entries = sum(math.prod(shape) for shape in shapes) * (len(self.x) + 1)
        return Limits(answer=min(16_000_000 + 16 * entries, Limits.memory))

    def check(self, path: str | Path, name: str | None = None) -> Submission:
        """Run and check one file.

        Raises:
            InputError: there is no such file, or it can't be read.
        """
        path = Path(path)
        try:
            if path.stat().st_size > MOST_SOURCE:
                return self.unrun(name or path.name, "large", f"The file has more than {MOST_SOURCE:,} bytes.")
            source = path.read_bytes()
        except OSError as error:
            raise InputError(str(path), "expected a Python file", (error.strerror or str(error)).lower()) from None
        return self.check_source(source, name or path.name)

    def check_source(self, source: bytes | str, name: str) -> Submission:
        """Run and check a file's content.

        Example:
            >>> import numpy as np
            >>> from pellucid.layers import Dense
            >>> from pellucid.losses import loss
            >>> net = Architecture((Dense(1, 1, bias=False),), loss("squared_error"))
            >>> task = Task(net, ({"w": np.array([[3.0]])},), [[2.0]], [[5.0]])
            >>> task.check_source("def backward(x, y, w, b): return {'dw1': (w[1] @ x - y) * x}", "mine.py").sentence
            'Wrong first: dC/dw[1]. The 2 that comes down from the square is missing.'
        """
        ran: list[Outcome] = []
        given: list[Array] = []

        def candidate(w, b, x, y):
            if len(ran) == 1 and np.array_equal(x, given[0]) and np.array_equal(y, given[1]):
                return ran[0].again  # it was called twice then, in the same process
            arrays = {"x": x, "y": y}
            arrays |= {f"w{l}": value for l, value in enumerate(w, 1)}
            arrays |= {f"b{l}": value for l, value in enumerate(b, 1) if value is not None}
            ran.append(
                run(
                    source, arrays, function=self.function, architecture=self.architecture.to_dict(),
                    limits=self.allowed(), forbidden=self.forbidden, without=self.without,
                )
            )  # fmt: skip
            given[:] = given or [x, y]
            if not ran[-1].ok:
                raise Failed(ran[-1].sentence)
            if all(value is None for _, value in leaves(ran[-1].value)):
                raise Failed("it returned no gradient")
            return ran[-1].value

        try:
            with np.errstate(all="ignore"):
                report = check_gradients(self.architecture, self.parameters, self.x, self.y, candidate, **self.how)
        except Failed:
            if ran[0].ok:
                return self.unrun(name, "incomplete", f"{ran[0].function}() returned no gradient yet.", ran[0])
            return self.unrun(name, ran[0].status, ran[0].sentence, ran[0])
        except Exception as error:  # whatever a stranger's file returns, the next one is checked too
            if not ran:
                raise
            known = isinstance(error, PellucidError)
            sentence = str(error).removeprefix("candidate: ") if known else f"it can't be compared ({error!r:.200})."
            return self.unrun(name, "unusable", f"What {ran[0].function}() returned: {sentence}", ran[0])
        return graded(self.asked, self.grading, name, report, ran[0])

    def unrun(self, name: str, status: str, sentence: str, outcome: Outcome | None = None) -> Submission:
        """A submission without anything to compare."""
        return unrun(self.asked, self.grading, name, status, sentence, outcome)


class Failed(Exception):
    """The submission gave no gradients."""


def files_in(paths: Sequence[str | Path]) -> Iterator[tuple[Path, str | None, str]]:
    """Each submission of files and folders: its path, the function asked for, and its name.

    `FILE.py:function` asks for a function. A folder stands for the Python files in it and below it.

    Raises:
        InputError: no such file, or a folder without any.

    Example:
        >>> list(files_in(["here.py:gradients"]))
        Traceback (most recent call last):
        pellucid.errors.InputError: here.py: expected a Python file or a folder of them, got no such file.
    """
    for given in paths:
        path, function = Path(given), None
        if not path.exists() and ":" in path.name:
            stem, _, function = str(given).rpartition(":")
            path = Path(stem)
            if not function.isidentifier():
                raise InputError(str(given), "expected FILE.py or FILE.py:function", shown(function))
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*.py") if p.is_file() and not hidden(p.relative_to(path)))
            if not inside:
                raise InputError(str(path), "expected Python files in the folder", "none")
            for found in inside:
                yield found, function, found.relative_to(path).as_posix()
        elif path.is_file():
            yield path, function, path.name
        else:
            raise InputError(str(path), "expected a Python file or a folder of them", "no such file")


def hidden(path: Path) -> bool:
    """Whether any part of a path begins with a dot or two underscores."""
    return any(part.startswith((".", "__")) for part in path.parts)
