"""Several mistakes that give the same numbers: data on which they part, and what a function says there.

Before it: `explanations`. After it: `report` proposes the data; a candidate that is a function is asked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .candidate import failure
from .explanations import Explanation
from .least_squares import size
from .mistakes import MISTAKES, WRONG_FACTOR
from .partial_explanations import MistakeStep
from .passes import Edit, Pass, run
from .problem import Problem

APART = 1e-6  # relative difference from which two predictions count as different


@dataclass(frozen=True)
class Proposal:
    """Data on which explanations that agree here part.

    Attributes:
        text: one sentence.
        x, y: the data.
        groups: the explanations by their slugs, those together that agree on this data too.
    """

    text: str
    x: np.ndarray
    y: np.ndarray
    groups: tuple[tuple[tuple[str, ...], ...], ...]


def other_data(given: Problem, seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples of the same kind as the given ones: normal inputs, targets made of the given ones."""
    generator = np.random.default_rng(seed)
    x = np.round(generator.normal(size=(n, given.widths[0])), 3)
    y = given.y[generator.integers(0, given.n, n)]
    if not given.architecture.loss.classes:
        y = np.round(y + generator.normal(size=y.shape), 3)
        y = abs(y) if given.architecture.loss.counts else y
    elif len(np.unique(given.y, axis=0)) == 1:
        labels = generator.integers(0, max(2, given.widths[-1]), n)
        y = np.eye(given.widths[-1])[labels] if given.widths[-1] > 1 else labels[:, None].astype(float)
    return x, y


def counts(n: int) -> list[int]:
    """Numbers of samples to try: others than n, so that a factor n and a plain number part."""
    return [n + 3, n + 6, max(2, n - 1)]


def again(step: MistakeStep, here: Problem, there: Problem) -> tuple[Edit | None, float | None] | None:
    """A step on other data: its edit or its factor there; None where it can't occur."""
    row = MISTAKES[step.slug]
    if step.edit:
        same = [e for e in row.edits(there, step.l) if e.stage == step.stage and e.detail == step.detail]
        return (same[0], None) if same else None
    if step.slug in (WRONG_FACTOR, "stale-accumulation"):
        return None, step.constant
    before = [f for s, f in row.factors(here, step.l) if s == step.stage]
    after = [f for s, f in row.factors(there, step.l) if s == step.stage]
    position = int(np.argmin([abs(f - (step.constant or 0)) for f in before])) if before else 0
    return (None, after[position]) if position < len(after) else None


def predicted(e: Explanation, here: Problem, there: Problem) -> Pass | None:
    """The pass with an explanation's mistakes, on other data."""
    edits, factors, constants = [], {}, {}
    for step in e.steps:
        found = again(step, here, there)
        if found is None:
            return None
        edit, factor = found
        if edit:
            edits.append(edit)
            constants[step.slug] = step.constant
        else:
            key = (step.stage, step.l)
            factors[key] = factors.get(key, 1.0) * factor
    try:
        done = run(there, edits, factors, constants)
    except (ValueError, IndexError, KeyError):
        return None
    return done if len(done.w) == there.L else None


def agree(one: Pass, two: Pass) -> bool:
    """Whether two passes give the same gradients."""
    pairs = [(one.w[l], two.w[l]) for l in one.w] + [(one.b[l], two.b[l]) for l in one.b]
    return all(equal(v, u) for v, u in pairs)


def equal(v: np.ndarray, u: np.ndarray) -> bool:
    """Equal up to APART, whatever axes of length 1 there are; what is no number is equal to itself."""
    v, u = np.squeeze(v), np.squeeze(u)
    if v.shape != u.shape:
        return False
    finite = np.isfinite(v) & np.isfinite(u)
    apart = size(v[finite] - u[finite]) > APART * max(size(v[finite]), size(u[finite]))
    return not apart and np.array_equal(v[~finite], u[~finite], equal_nan=True)


@np.errstate(all="ignore")
def propose(given: Problem, found: Sequence[Explanation]) -> Proposal | None:
    """The data that parts the most of several explanations; None where nothing tried parts any."""
    best: Proposal | None = None
    for seed, n in enumerate(counts(given.n)):
        x, y = other_data(given, seed, n)
        there = replace(given, x=x, y=y, previous=None)
        groups: list[tuple[list[Explanation], Pass]] = []
        for e in found:
            done = predicted(e, given, there)
            if done is None:
                continue
            for members, other in groups:
                if agree(done, other):
                    members.append(e)
                    break
            else:
                groups.append(([e], done))
        if len(groups) > (len(best.groups) if best else 1):
            slugs = tuple(tuple(e.slugs for e in members) for members, _ in groups)
            best = Proposal(f"{n} other samples (report.proposal.x, .y) tell them apart.", x, y, slugs)
    return best


def ask(
    given: Problem,
    found: Sequence[Explanation],
    proposal: Proposal,
    call: Callable[[Problem], dict],
) -> tuple[tuple[Explanation, ...], str]:
    """Call the candidate on the proposed data and keep the explanations that still hold.

    Args:
        call: the candidate's arrays by address, for a problem.
    """
    there = replace(given, x=proposal.x, y=proposal.y, previous=None)
    try:
        arrays = call(there)
    except Exception as error:  # the candidate is the user's: whatever it raises is a result
        return tuple(found), f"Your function failed on {there.n} other samples: {failure(error)}"
    kept = []
    for e in found:
        done = predicted(e, given, there)
        if done and all(
            equal(v, (done.w if kind == "w" else done.b)[l]) for (kind, l), v in arrays.items() if kind in "wb"
        ):
            kept.append(e)
    if not kept or len(kept) == len(found):
        return tuple(found), ""
    names = ", ".join(" with ".join(e.slugs) for e in kept)
    return tuple(
        kept
    ), f"Your function was also called with {there.n} other samples: there only {names} gives your numbers."
