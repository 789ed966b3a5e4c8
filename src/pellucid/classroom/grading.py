"""Points and reasons: what a submission gets for each gradient, and how it is told.

Before it: a `Report`, or an `Outcome` without an answer. After it: `classroom` hands it on; JSON and results.json.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..check.bounds import UNIT32, UNIT64
from ..check.explanations import Mistake
from ..check.layout import sections, verdict
from ..check.report import Report
from ..check.verdict import BELOW, IMPRECISE, RIGHT, WRONG, JudgedArray, address
from ..errors import InputError, shown
from ..explain.render.blocks import Page, Section, Text
from ..explain.render.html import page_to_html
from ..sandbox import Outcome

Asked = Sequence[tuple[str, int]]  # the gradients that are asked for: ("w", 2), ("b", 2), ("w", 1), …
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
        remarks: what a teacher may want to look at: libraries that differentiate, signs of numerical derivatives.
    """

    name: str
    status: str
    sentence: str
    points: tuple[Points, ...]
    report: Report | None = None
    outcome: Outcome | None = None
    remarks: tuple[str, ...] = ()

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
            "remarks": list(self.remarks),
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

    def to_html(self) -> str:
        """A page of its own: the points, the reasons and, where there was a comparison, the whole of it."""
        parts: tuple[Section, ...] = (Section("feedback", "Feedback", tuple(map(Text, self.feedback()))),)
        if self.report is not None:
            parts += (Section("verdict", verdict(self.report), ()), *sections(self.report, 20))
        return page_to_html(Page(self.name, f"{self.score:g} of {self.most:g} points", parts))

    def feedback(self) -> list[str]:
        """The result, and for each mistake what it is and how to mend it."""
        lines = [self.sentence]
        if self.outcome is not None and not self.outcome.ok and len(self.outcome.trace) > 1:
            lines += ["Its own lines, the innermost last:", *(f"  {line}" for line in self.outcome.trace)]
        if self.report is not None and not self.ok:
            for number, explanation in enumerate(self.report.explanations[:3]):
                for m in explanation.mistakes:
                    lines += [f"{'Or: ' if number else ''}{located(m)}"]
                    lines += [f"  To mend it: {m.mend}", f"  To see it: {m.formula}"]
            if self.report.pattern and not self.report.explanations:
                lines.append(self.report.pattern.text)
            lines += self.report.notes
        return [*lines, *self.remarks]


def unrun(asked: Asked, grading: Grading, name: str, status: str, sentence: str, outcome: Outcome | None) -> Submission:
    """A submission without anything to compare."""
    each = grading.points / len(asked)
    points = tuple(Points(address(kind, l), UNRUN, 0.0, each, "Not run.") for kind, l in asked)
    return Submission(name, status, sentence, points, None, outcome)


def graded(asked: Asked, grading: Grading, name: str, report: Report, outcome: Outcome) -> Submission:
    """A submission that was compared."""
    each = grading.points / len(asked)
    found = {q.address: q for q in report.quantities}
    points = []
    for kind, l in asked:
        q = found.get(address(kind, l))
        if q is None or q.problem == "it is missing":
            verdict, share, reason = "missing", 0.0, "It is missing."
        elif q.verdict == WRONG:
            share = grading.partial if report.mistakes and filled(q, report) else 0.0
            verdict, reason = q.verdict, why(q, report)
        elif q.verdict == BELOW and report.seen.eps > UNIT32 and q.error > 8 * report.seen.eps:
            verdict, share = q.verdict, 0.0
            reason = "Numbers of so few digits can't be told right from wrong here: return float32 or float64."
        else:
            verdict, share, reason = q.verdict, 1.0, FINE.get(q.verdict, f"{q.verdict[:1].upper()}{q.verdict[1:]}.")
        points.append(Points(address(kind, l), verdict, share * each, each, reason))
    absent = [p.address for p in points if p.verdict == "missing"]
    wanted = {p.address for p in points}
    unasked = [q.address for q in report.quantities if q.verdict == WRONG and q.address not in wanted]
    if any(q.verdict == WRONG and q.address in wanted - set(absent) for q in report.quantities):
        status = "wrong"
    elif absent:
        status = "incomplete"
    elif not report.ok and not unasked:  # the numbers are right once, but not what makes them
        status = "wrong"
        reason = " ".join(f"{m.what} {m.mend}" for m in report.mistakes[:1]) or "It is wrong."
        points = [replace(p, points=grading.partial * p.points, reason=reason) for p in points]
    else:
        status = "right" if all(p.points == p.most for p in points) else "wrong"
    sentence = told(status, report, absent, unasked)
    return Submission(name, status, sentence, tuple(points), report, outcome, remarks(report, outcome))


def filled(quantity: JudgedArray, report: Report) -> bool:
    """Whether a wrong array holds more than nothing, or than the penalty's 2 λ₂ w, which needs no backpropagation.

    There is no credit for what was never computed.
    """
    yours = report.seen.arrays.get((quantity.kind, quantity.l))
    right = report.given.gradients[quantity.l - 1][quantity.kind]
    if yours is None:
        return False
    free = [0.0] if yours.shape != right.shape else [0.0, report.given.dR(quantity.l, quantity.kind)]
    least = 1e-6 * np.max(abs(right), initial=0.0)
    return all(bool(np.max(abs(yours - share), initial=0.0) > least) for share in free)


def remarks(report: Report, outcome: Outcome) -> tuple[str, ...]:
    """What a teacher may want to look at; none of it proves anything, and who knows of it can hide it."""
    found = []
    if outcome.imported:
        own = "itself" if len(outcome.imported) == 1 else "themselves"
        found.append(f"It imported {', '.join(outcome.imported)}, which can differentiate or train by {own}.")
    count = sum(v.size for layer in report.given.parameters for v in layer.values())
    name, calls = outcome.calls
    each = count >= 10 and calls in {count, count + 1, 2 * count, 2 * count + 1, 2 * count + 2}
    error = max((q.error for q in report.quantities if q.kind in "wb" and not q.problem), default=0.0)
    like_steps = report.verdict == IMPRECISE or (report.verdict == WRONG and not report.explanations)
    steps = like_steps and not report.seen.rounded and report.seen.eps <= UNIT64 and 1e-13 < error < 1e-2
    signs = [f"{name}() was called {calls} times for {count} parameters"] if each or (steps and calls >= count) else []
    signs += [f"its errors, up to {error:.0e} of the largest entry, are like those of a step size"] if steps else []
    if signs:
        found.append(f"It may differentiate numerically: {', and '.join(signs)}.")
    return tuple(found)


def rounded(points: float) -> float:
    """Points without the dust of floating-point sums."""
    return round(points, 6)


def why(quantity: Any, report: Report) -> str:
    """Why a gradient is wrong, in a sentence or two."""
    if quantity.problem:
        return quantity.problem[:1].upper() + quantity.problem[1:] + "."
    if report.explanations:
        return " ".join(f"{located(m)} {m.mend}" for m in report.explanations[0].mistakes)
    off = f"{quantity.wrong} of {quantity.size} entries are wrong, by up to {quantity.error:.2g} of the largest"
    said = f" {report.pattern.text}" if report.pattern and quantity.address == report.first_wrong else ""
    return f"{off}; no known mistake explains this.{said}"


def located(m: Mistake) -> str:
    """A mistake with the layer in which it is made, and the derivative that goes wrong first."""
    layers = f"layer{'s' if len(m.layers) > 1 else ''} {', '.join(map(str, m.layers))}" if m.layers else ""
    places = ", ".join(part for part in (layers, *m.where[:2]) if part)
    return f"{places[:1].upper()}{places[1:]}: {m.what}" if places else m.what


def told(status: str, report: Report, absent: Sequence[str], unasked: Sequence[str] = ()) -> str:
    """The result in one sentence."""
    lacking = f"missing: {', '.join(absent[:6])}" if absent else ""
    if status == "right" and unasked:
        return f"Right, but not what was returned with the gradients: {', '.join(unasked[:6])}."
    if status == "right":
        return "Right." if report.verdict == RIGHT else f"Right: {report.verdict.removeprefix('right ')}."
    if status == "incomplete":
        return f"What is there is right, but some is {lacking}."
    first = f"Wrong first: {report.first_wrong}." if report.first_wrong else "Wrong."
    mistakes = report.explanations[0].mistakes if report.explanations else ()
    mistake = " And: ".join(m.what for m in mistakes) or "No known mistake explains it."
    return f"{first} {mistake}" + (f" Also {lacking}." if absent else "")
