"""The check itself: read the candidate, judge it, look for the mistake, gather evidence.

Before it: everything in this folder. After it: `Network.check` and the command line hand over their arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..architecture import Architecture
from ..arrays import Array, Parameters
from .bounds import UNIT32, UNIT64, Bounds, bounds
from .candidate import ORIENTATIONS, Seen, call, failure, see
from .explanations import Explanation, explanations, implausibility, leftover, noise
from .frameworks import function_class, gradients_of, is_module, of_function_class, of_module
from .mistakes import WRONG_FACTOR
from .problem import Problem, problem
from .report import Report
from .search import MistakeSearch
from .telling_apart import ask as ask_again
from .telling_apart import equal, propose
from .verdict import IMPRECISE, WRONG, Judgement, judge


def check_gradients(
    architecture: Architecture,
    parameters: Parameters,
    x: Array,
    y: Array,
    candidate: Any,
    *,
    layout: Sequence[str] | None = None,
    orientation: str | None = None,
    samples: str | None = None,
    reduction: str | None = None,
    learning_rate: float | None = None,
    previous: Sequence[Array] | None = None,
    again: bool = True,
) -> Report:
    """Compare hand-written gradients with explicit backpropagation, and name the mistake.

    Args:
        architecture: the network's layers, loss and penalty.
        parameters: its arrays, one dict per layer.
        x: inputs, (n, n_0).
        y: targets, (n, n_L), or integer labels (n,).
        candidate: arrays in a dict, a list or tuples; a function that returns them, with the parameters (x, y),
            (parameters, x, y) or (w, b, x, y); a PyTorch module or autograd.Function with its own backward; a JAX
            custom_vjp that returns the loss.
        layout: names of the arrays in the order in which they come, such as ["dW1", "db1"]; None finds out.
        orientation: "out,in" where the weights are w[j, k], "in,out" where they are transposed; None finds out.
        samples: "rows" or "columns", how samples lie in intermediate values; None finds out.
        reduction: "mean", "sum" or "per_sample"; None takes the mean unless each array has an axis more.
        learning_rate: η of the training, tried where updated weights may have been used.
        previous: x and y of the batch before, tried where gradients may have been left over.
        again: whether a candidate function may be called again, on the same data to see whether it keeps
            something, and on other data where several mistakes explain what it gave.

    Returns:
        A Report: `ok`, `verdict`, `mistakes`, `first_wrong`, `entries`.

    Raises:
        InputError: arrays that can't be told apart, or no candidate at all.
        ShapeError: x, y or parameters that do not fit the network.

    Example:
        >>> import numpy as np
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import loss
        >>> net = Architecture((Input(2), Dense(3, "tanh"), Dense(1)), loss("squared_error"))
        >>> generator = np.random.default_rng(0)
        >>> x, y, parameters = generator.normal(size=(5, 2)), generator.normal(size=(5, 1)), net.initial(0)
        >>> right = problem(net, parameters, x, y).gradients
        >>> check_gradients(net, parameters, x, y, right).ok
        True
        >>> wrong = [{name: v / 2 for name, v in layer.items()} for layer in right]
        >>> check_gradients(net, parameters, x, y, wrong).mistakes[0].slug
        'factor-two-missing'
    """
    how = {"reduction": reduction or "mean", "learning_rate": learning_rate, "previous": previous}
    given = problem(architecture, parameters, x, y, **how)
    original = candidate
    if is_module(candidate):
        candidate = of_module(candidate, given)
    elif owner := function_class(candidate):
        candidate = of_function_class(owner, given)
    elif hasattr(candidate, "fwd") and hasattr(candidate, "bwd"):
        candidate = gradients_of(candidate)
    by_hand = candidate is original and not callable(candidate)
    function: Callable | None = candidate if callable(candidate) else None

    def read(way: str | None, of: Problem | None = None, result: Any = None) -> Seen:
        shape = {"layout": layout, "orientation": way, "samples": samples, "reduction": reduction}
        return see(candidate if of is None else result, of or given, **shape, by_hand=by_hand)

    def ask(of: Problem, way: str | None) -> Seen:
        assert function is not None
        return read(way, of, call(function, of, orientation=orientation, samples=samples))

    if function is not None:
        candidate = call(function, given, orientation=orientation, samples=samples)
    seen = read(orientation)
    given = replace(given, reduction=seen.reduction)
    judgement = judge(given, seen)
    found = explain(given, seen, judgement)
    if judgement.verdict == WRONG and not seen.certain:
        seen, judgement, found = other_way(given, read, (seen, judgement, found))
    notes: tuple[str, ...] = ()
    if function is not None and again:
        found, notes = kept_something(given, seen, found, lambda: ask(given, seen.orientation))
    proposal = propose(given, found) if len(found) > 1 else None
    if proposal and function is not None and again:
        found, said = ask_again(given, found, proposal, lambda of: ask(of, seen.orientation).arrays)
        notes += (said,) if said else ()
    return Report.of(given, seen, judgement, found, notes, proposal)


@np.errstate(all="ignore")
def kept_something(
    given: Problem, seen: Seen, found: tuple[Explanation, ...], call_again: Callable[[], Seen]
) -> tuple[tuple[Explanation, ...], tuple[str, ...]]:
    """Whether a function gives other gradients when it is called twice with the same data."""
    try:
        second = call_again()
    except Exception as error:  # the candidate is the user's: whatever it raises is a result
        return found, (f"Called again with the same data, your function failed: {failure(error)}",)
    grown = {at: second.arrays[at] - v for at, v in seen.arrays.items() if at in second.arrays and at[0] in "wb"
             and second.arrays[at].shape == v.shape}  # fmt: skip
    if all(equal(second.arrays[at], seen.arrays[at]) for at in grown):
        # a function that gives the same again has nothing left over, so that this is the last thing to think of
        return tuple(sorted(found, key=lambda e: "stale-accumulation" in e.slugs and given.previous is None)), ()
    note = "Called again with the same data, your function gave other gradients: "
    note += "it keeps something between calls, or draws random numbers."
    if all(equal(v, given.gradients[at[1] - 1][at[0]]) for at, v in grown.items() if at not in seen.odd):
        return (leftover(), *found), (note + " They have grown by one gradient.",)
    return found, (note,)


Reading = tuple[Seen, Judgement, tuple[Explanation, ...]]


def other_way(given: Problem, read: Callable[[str], Seen], one: Reading) -> Reading:
    """The reading of weights whose shapes left it open: the way round in which they are right, or explained."""
    way = ORIENTATIONS[one[0].orientation == ORIENTATIONS[0]]
    seen = read(way)
    judgement = judge(given, seen)
    right = judgement.verdict != WRONG
    found = explain(given, seen, judgement)
    if not right and plainest(found, given) >= plainest(one[2], given):
        return one
    note = f"The shapes do not tell how the weights stand; they are read as ({way}), because that way "
    note += "they are right." if right else "a known mistake explains them."
    return replace(seen, notes=(*seen.notes, note)), judgement, found


def plainest(found: tuple[Explanation, ...], given: Problem) -> float:
    """How far-fetched the best explanation is; infinite where there is none."""
    return implausibility(found[0], given) if found else math.inf


def explain(given: Problem, seen: Seen, judgement: Judgement) -> tuple[Explanation, ...]:
    """What explains the candidate, likeliest first; nothing where it is right or nothing known explains it."""
    if judgement.verdict == IMPRECISE:
        if seen.grain:
            return ()  # right to the digits that were written
        found = ()
        if seen.eps <= UNIT64:  # a small penalty or a small learning rate may hide in what float32 would lose
            found = searched(given, seen, judgement, judgement.right, 1)
            found = tuple(e for e in found if set(e.slugs) <= SMALL and e.agreement < 1e-3 * worst(judgement))
        return found or (noise(worst(judgement)),)
    if judgement.verdict != WRONG:
        return ()
    found = searched(given, seen, judgement, right_for(given, seen, judgement.right))
    if not found and seen.eps <= UNIT64 and seen.rounded:
        found = searched(given, seen, judgement, bounds(given, UNIT32))  # float64 that was computed in float32
    return found


SMALL = {"penalty-missing", "penalty-constant", "penalty-on-bias", "updated-weights-used"}


def worst(judgement: Judgement) -> float:
    """The largest error of all arrays, relative to each array's largest entry."""
    return max(q.error for q in judgement.quantities)


def right_for(given: Problem, seen: Seen, right: Bounds) -> Bounds:
    """The balls of the precision that the candidate came in."""
    return right if seen.eps <= UNIT64 else bounds(given, seen.eps)


def searched(given: Problem, seen: Seen, judgement: Judgement, right: Bounds, most: int = 2) -> tuple[Explanation, ...]:
    """Single mistakes; pairs where no single one, or only an unnamed factor, is enough."""
    if not given.textbook:
        return ()
    search = MistakeSearch(given, seen, right)
    if not any(q.problem or q.error > 10 * search.tolerance[q.kind, q.l] for q in judgement.quantities):
        return ()  # what differs is too small to show a mistake
    partials = search.run(1)
    if most > 1 and all(any(s.slug == WRONG_FACTOR for s in t.steps) for t in partials):
        pairs = search.run(2)
        if partials:
            pairs = [t for t in pairs if all(s.slug != WRONG_FACTOR for s in t.steps)]
        partials = partials + pairs
    return explanations(partials, given)
