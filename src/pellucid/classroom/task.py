"""Check the files of a class: run each one in the sandbox, compare what it returns, have it graded.

Before it: `sandbox` runs a stranger's file, `checking` compares, `grading` gives points. After it: the command line
prints a table, JSON, or a results.json. Whatever one file does, the next one is checked too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..architecture import Architecture
from ..arrays import Array, Parameters
from ..check.candidate import CandidateFailed, see
from ..check.checking import check_gradients
from ..check.naming import leaves
from ..check.problem import problem
from ..errors import InputError, PellucidError, readable
from ..sandbox import Limits, Outcome, SandboxError, run
from .files import REFUSED, Handed, NotGraded
from .grading import Grading, Submission, graded, unrun


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
        as_root: whether root may run submissions as root where no other user can be used.

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
    as_root: bool = False

    def __post_init__(self):
        how = {name: value for name, value in self.how.items() if value is not None}
        right = problem(self.architecture, self.parameters, self.x, self.y, reduction=how.get("reduction", "mean"))
        see(right.gradients, right, **{name: how[name] for name in ("orientation", "samples") if name in how})

    @property
    def asked(self) -> tuple[tuple[str, int], ...]:
        """The gradients that are asked for: w and b of each layer, in backward order."""
        layers = range(self.architecture.L, 0, -1)
        return tuple((name, l) for l in layers for name in self.architecture.program.shapes(l))

    def allowed(self) -> Limits:
        """The limits, with room for what this network needs: a submission holds its parameters about eight times."""
        if self.limits is not None:
            return self.limits
        net = self.architecture.program
        entries = sum(net.slots[number].space.size for number in range(1, len(net.arrays) + 1))
        memory = max(Limits.memory, 1_000_000_000 + 80 * entries)
        time = Limits.time + entries // 2_000_000  # arrays of this size are copied, sent and compared twice
        return Limits(time=time, memory=memory, answer=min(16_000_000 + 16 * entries * (len(self.x) + 1), memory))

    def check(self, handed: Handed) -> Submission:
        """Run and check one file that was handed in; whatever it is, there is a result.

        Raises:
            SandboxError: no submission at all can be run here.
            InputError: limits that are none.
        """
        if handed.status:
            return self.unrun(handed.name, handed.status, handed.reason)
        try:
            source = handed.source()
            task = replace(self, function=handed.function or self.function)
            return task.check_source(source.code, handed.name, source.places)
        except NotGraded as why:
            return self.unrun(handed.name, REFUSED, str(why))
        except (SandboxError, InputError):
            raise
        except Exception as error:  # a full disk, a lack of memory: the next one may fare better
            return self.unrun(handed.name, "failed", f"It could not be graded ({readable(repr(error))}).")

    def check_source(self, source: bytes | str, name: str, places: Sequence[str] = ()) -> Submission:
        """Run and check a file's content.

        Args:
            places: what its lines are called, where a line's number says too little (see `sandbox.run`).

        Example:
            >>> import numpy as np
            >>> from pellucid.layers import Dense, Input
            >>> from pellucid.losses import loss
            >>> net = Architecture((Input(1), Dense(1, bias=False),), loss("squared_error"))
            >>> task = Task(net, ({}, {"w": np.array([[3.0]])}), [[2.0]], [[5.0]])
            >>> task.check_source("def backward(x, y, w, b): return {'dw1': (w[1] @ x - y) * x}", "mine.py").sentence
            'Wrong first: dC/dw[1]. The 2 that comes down from the square is missing.'
        """
        ran: list[Outcome] = []
        given: list[Array] = []

        def candidate(w, b, x, y):
            if len(ran) == 1 and np.array_equal(x, given[0]) and np.array_equal(y, given[1]):
                if ran[0].again is None:
                    raise NoGradients(ran[0].failed_again or "it returned nothing")
                return ran[0].again  # it was called twice then, in the same process
            arrays = {"x": x, "y": y}
            arrays |= {f"w{l}": value for l, value in enumerate(w, 1)}
            arrays |= {f"b{l}": value for l, value in enumerate(b, 1) if value is not None}
            ran.append(
                run(
                    source, arrays, function=self.function, architecture=self.architecture.to_dict(),
                    limits=self.allowed(), forbidden=self.forbidden, without=self.without,
                    as_root=self.as_root, places=places,
                )
            )  # fmt: skip
            given[:] = given or [x, y]
            if not ran[-1].ok:
                raise NoGradients(ran[-1].sentence)
            if all(value is None for _, value in leaves(ran[-1].value)):
                raise NoGradients("it returned no gradient")
            return ran[-1].value

        try:
            with np.errstate(all="ignore"):
                report = check_gradients(self.architecture, self.parameters, self.x, self.y, candidate, **self.how)
        except NoGradients:
            if ran[0].ok:
                return self.unrun(name, "incomplete", f"{ran[0].function}() returned no gradient yet.", ran[0])
            return self.unrun(name, ran[0].status, ran[0].sentence, ran[0])
        except Exception as error:  # whatever a stranger's file returns, the next one is checked too
            if not ran:
                raise
            known = isinstance(error, PellucidError)
            sentence = readable(str(error).removeprefix("candidate: "), 500) if known else ""
            sentence = sentence or f"it can't be compared ({readable(repr(error))})."
            return self.unrun(name, "unusable", f"What {ran[0].function}() returned: {sentence}", ran[0])
        return graded(self.asked, self.grading, name, report, ran[0])

    def unrun(self, name: str, status: str, sentence: str, outcome: Outcome | None = None) -> Submission:
        """A submission without anything to compare."""
        return unrun(self.asked, self.grading, name, status, sentence, outcome)


class NoGradients(CandidateFailed):
    """The submission gave no gradients."""
