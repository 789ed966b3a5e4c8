"""Check the files of a class: run each one in the sandbox, compare what it returns, give points and a reason.

Before it: `sandbox` runs a stranger's file, `checking` compares. After it: the command line prints a table, JSON,
or a results.json. Whatever one file does, the next one is checked too.
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
from .naming import leaves
from .problem import problem
from .report import Report
from .sandbox import Limits, Outcome, run
from .verdict import IMPRECISE, RIGHT, WRONG, address

MOST_SOURCE = 2_000_000  # bytes of a submission
UNRUN = "not run"
FINE = {RIGHT: "", IMPRECISE: "Right, but less precise than it could be."}


@dataclass(frozen=True)
class Points:
    """The points of one quantity.

    Attributes:
        address: "dC/dw[2]".
        verdict: as in the report, or "missing", or "not run".
        points, most: what it got, and what it could get.
        reason: why, in one sentence; empty where all is right.
    """

    address: str
    verdict: str
    points: float
    most: float
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Grading:
    """How points are given.

    Args:
        points: for a submission in which everything is right, shared equally among the gradients.
        partial: the share of its points that a wrong gradient gets when a known mistake explains it.

    Raises:
        InputError: no number > 0, or a share outside 0 … 1.
    """

    points: float = 10.0
    partial: float = 0.5

    def __post_init__(self):
        if not 0 < self.points < math.inf:
            raise InputError("points", "expected a number > 0", shown(self.points))
        if not 0 <= self.partial <= 1:
            raise InputError("partial", "expected a share from 0 to 1", shown(self.partial))


@dataclass(frozen=True)
class Submission:
    """One file, checked.

    Attributes:
        name: what the file is called.
        status: "right", "wrong", "incomplete", or why there is nothing to compare: a slug of `Outcome.status`, or
            "unusable" for an answer that is no set of gradients.
        sentence: the result in one sentence.
        points: of each gradient that is asked for.
        report: the comparison; None where there was none.
        outcome: the run in the sandbox; None where it never came to one.
    """

    name: str
    status: str
    sentence: str
    points: tuple[Points, ...]
    report: Report | None = None
    outcome: Outcome | None = None

    @property
    def ok(self) -> bool:
        """Whether everything is there and right."""
        return self.status == "right"

    @property
    def score(self) -> float:
        """The points together."""
        return rounded(sum(p.points for p in self.points))

    @property
    def most(self) -> float:
        """The points that could be had."""
        return rounded(sum(p.most for p in self.points))

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        run = self.outcome
        return {
            "name": self.name,
            "ok": self.ok,
            "status": self.status,
            "sentence": self.sentence,
            "score": self.score,
            "max_score": self.most,
            "gradients": [p.to_dict() for p in self.points],
            "report": None if self.report is None else self.report.to_dict(),
            "run": None
            if run is None
            else {
                "function": run.function,
                "line": run.line,
                "trace": list(run.trace),
                "seconds": run.seconds,
                "printed": run.printed,
                "printed_bytes": run.printed_bytes,
                "enforced": dict(run.protection.enforced),
                "not_enforced": list(run.protection.missing),
            },
        }

    def to_gradescope(self) -> dict[str, Any]:
        """What Gradescope reads from results.json: one test for each gradient, with its points and the reason."""
        tests = [
            {
                "name": p.address,
                "score": rounded(p.points),
                "max_score": rounded(p.most),
                "status": "passed" if p.points == p.most else "failed",
                "output": p.reason or "Right.",
                "visibility": "visible",
            }
            for p in self.points
        ]
        seconds = 0.0 if self.outcome is None else round(self.outcome.seconds, 3)
        return {
            "score": self.score,
            "output": "\n".join(self.feedback()),
            "output_format": "text",
            "execution_time": seconds,
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "tests": tests,
        }

    def feedback(self) -> list[str]:
        """The result, and for each mistake what it is and how to mend it."""
        lines = [self.sentence]
        if self.outcome is not None and not self.outcome.ok and self.outcome.trace:
            lines += ["Its own lines, the innermost last:", *(f"  {line}" for line in self.outcome.trace)]
        if self.report is not None and not self.ok:
            for number, explanation in enumerate(self.report.explanations[:3]):
                for m in explanation.mistakes:
                    lines += [f"Or: {m.what}"] if number else [m.what] if m.what not in self.sentence else []
                    lines += [f"  To mend it: {m.mend}", f"  To see it: {m.formula}"]
            if self.report.pattern and not self.report.explanations:
                lines.append(self.report.pattern.text)
            lines += self.report.notes
        return lines


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
    grading: Grading = Grading()
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
            >>> task.check_source("def backward(x, y, w, b): return {'dw1': (w[0] @ x - y) * x}", "mine.py").sentence
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
        return self.graded(name, report, ran[0])

    def unrun(self, name: str, status: str, sentence: str, outcome: Outcome | None = None) -> Submission:
        """A submission without anything to compare."""
        each = self.grading.points / len(self.asked)
        points = tuple(Points(address(kind, l), UNRUN, 0.0, each, sentence) for kind, l in self.asked)
        return Submission(name, status, sentence, points, None, outcome)

    def graded(self, name: str, report: Report, outcome: Outcome) -> Submission:
        """A submission that was compared."""
        each = self.grading.points / len(self.asked)
        found = {q.address: q for q in report.quantities}
        points = []
        for kind, l in self.asked:
            q = found.get(address(kind, l))
            if q is None or q.problem == "it is missing":
                verdict, share, reason = "missing", 0.0, "It is missing."
            elif q.verdict == WRONG:
                verdict, share, reason = q.verdict, self.grading.partial if report.mistakes else 0.0, why(q, report)
            else:
                verdict, share, reason = q.verdict, 1.0, FINE.get(q.verdict, f"{q.verdict[:1].upper()}{q.verdict[1:]}.")
            points.append(Points(address(kind, l), verdict, share * each, each, reason))
        absent = [p.address for p in points if p.verdict == "missing"]
        if any(q.verdict == WRONG and q.address not in absent for q in report.quantities):
            status = "wrong"
        elif absent:
            status = "incomplete"
        else:
            status = "right" if report.ok else "wrong"
        return Submission(name, status, told(status, report, absent), tuple(points), report, outcome)


class Failed(Exception):
    """The submission gave no gradients."""


def rounded(points: float) -> float:
    """Points without the dust of floating-point sums."""
    return round(points, 6)


def why(quantity: Any, report: Report) -> str:
    """Why a gradient is wrong, in a sentence or two."""
    if quantity.problem:
        return quantity.problem[:1].upper() + quantity.problem[1:] + "."
    if report.explanations:
        return " ".join(f"{m.what} {m.mend}" for m in report.explanations[0].mistakes)
    off = f"{quantity.wrong} of {quantity.size} entries are wrong, by up to {quantity.error:.2g} of the largest"
    said = f" {report.pattern.text}" if report.pattern and quantity.address == report.first_wrong else ""
    return f"{off}; no known mistake explains this.{said}"


def told(status: str, report: Report, absent: Sequence[str]) -> str:
    """The result in one sentence."""
    lacking = f"missing: {', '.join(absent[:6])}" if absent else ""
    if status == "right":
        return "Right." if report.verdict == RIGHT else f"Right: {report.verdict.removeprefix('right ')}."
    if status == "incomplete":
        return f"What is there is right, but some is {lacking}."
    first = f"Wrong first: {report.first_wrong}." if report.first_wrong else "Wrong."
    mistakes = report.explanations[0].mistakes if report.explanations else ()
    mistake = " And: ".join(m.what for m in mistakes) or "No known mistake explains it."
    return f"{first} {mistake}" + (f" Also {lacking}." if absent else "")


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
