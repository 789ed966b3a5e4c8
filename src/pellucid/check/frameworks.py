"""Gradients from models of other frameworks, by what the objects can do; nothing is imported unless one is given.

A PyTorch module is run forward with the network's weights, and its own backward is called with ∂C/∂a (or
δ, where it ends before the last activation). JAX's custom_vjp and PyTorch's autograd.Function are called
through the two functions that they were made of.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import InputError, MissingDependencyError, ShapeError
from ..sandbox.inside.calling import NAMES
from .candidate import meanings
from .least_squares import size
from .problem import Problem


def is_module(candidate: Any) -> bool:
    """Whether this is a PyTorch module."""
    return hasattr(candidate, "named_parameters") and hasattr(candidate, "forward") and hasattr(candidate, "zero_grad")


def torch() -> Any:
    """The library.

    Raises:
        MissingDependencyError: it isn't installed.
    """
    try:
        import torch as library
    except ImportError:
        raise MissingDependencyError("PyTorch", "it isn't installed", None, "pip install torch") from None
    return library


def is_tensor(value: Any) -> bool:
    """Whether this is a PyTorch tensor."""
    return hasattr(value, "requires_grad_") and hasattr(value, "detach")


def function_class(f: Any) -> Any:
    """The torch.autograd.Function that this is, or whose `apply` this is; None for anything else."""
    for owner in (f, getattr(f, "__self__", None)):
        if owner is not None and hasattr(owner, "apply") and hasattr(owner, "backward"):
            return owner
    return None


def of_module(module: Any, problem: Problem) -> dict[str, Any]:
    """∂C/∂w and ∂C/∂b of a PyTorch module with the network's weights, by its own backward pass.

    The module keeps its own weights; a copy computes. Its parameters must come in the order w1, b1, w2, b2, …
    in the shapes of torch.nn.Linear. Called with x it returns a^(L) or z^(L), with (x, y) the loss; what it returns
    beside that is left alone.

    Raises:
        InputError: parameters that don't fit, or an output that is none of these.
    """
    import copy

    library = torch()
    module = copy.deepcopy(module).double()
    names = arrays_in_order(problem)
    own = list(module.parameters())
    shapes = [problem.parameters[l][k].shape for k, l in names]
    if [tuple(p.shape) for p in own] != shapes:
        raise InputError("candidate module", f"expected parameters {shapes}", [tuple(p.shape) for p in own])
    with library.no_grad():
        for p, (k, l) in zip(own, names, strict=True):
            p.copy_(library.as_tensor(problem.parameters[l][k]))
    module.zero_grad()
    of_loss = len(required(module.forward)) == 2
    return pulled_back(with_targets(module, of_loss, (), problem), own, names, problem)


def of_function_class(f: Any, problem: Problem) -> dict[str, Any]:
    """The same of a torch.autograd.Function of (x, w1, b1, w2, b2, …), or of (x, y, w1, b1, …) that returns the loss.

    The arrays may come in another order where they have such names.
    """
    library = torch()
    names = arrays_in_order(problem)
    asked = required(f.forward)[1:]  # without ctx
    of_loss = len(asked) == len(names) + 2 or (len(asked) > 1 and NAMES.get(asked[1].lower()) == "y")
    rest = asked[2 if of_loss else 1 :]
    told = [re.fullmatch(r"([wb])_?(\d+)", name.lower()) for name in rest]
    if all(told) and len(rest) == len(names):
        meant = [(str(t[1]), int(t[2])) for t in told if t]
        names = meant if sorted(meant) == sorted(names) else names
    own = [library.tensor(problem.parameters[l][k], requires_grad=True) for k, l in names]
    return pulled_back(with_targets(f.apply, of_loss, own, problem), own, names, problem)


def required(function: Any) -> list[str]:
    """The names of the parameters that must be given by place."""
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.kind in places and p.default is p.empty]


def with_targets(function: Any, of_loss: bool, own: Sequence[Any], problem: Problem) -> Any:
    """A call with x, or with x and y: rows of numbers, or labels or a plain vector where that is what it takes."""
    library = torch()
    x = library.as_tensor(problem.x)
    if not of_loss:
        return function(x, *own)
    y, forms = problem.y, [problem.y]
    if y.shape[1] == 1:
        forms.append(y[:, 0])
    elif problem.architecture.loss.classes and (y.sum(axis=1) == 1).all() and np.isin(y, (0.0, 1.0)).all():
        forms.append(y.argmax(axis=1))
    for form in forms:
        try:
            return function(x, library.as_tensor(form), *own)
        except (RuntimeError, ValueError, IndexError, TypeError):
            if form is forms[-1]:
                raise
    raise AssertionError  # one of them returned or raised


def arrays_in_order(problem: Problem) -> list[tuple[str, int]]:
    """W1, b1, w2, b2, …"""
    return [(k, l) for l in range(1, problem.L + 1) for k in ("w", "b") if k == "w" or problem.b(l) is not None]


def pulled_back(out: Any, own: list, names: list[tuple[str, int]], problem: Problem) -> dict[str, Any]:
    """Call the backward pass of the output that is the loss, or with ∂C/∂a^(L) or δ^(L) of the one that is a or z."""
    library = torch()
    outputs = [o for o in (out if isinstance(out, tuple | list) else (out,)) if is_tensor(o) and o.requires_grad]
    found, penalised = matching(outputs, problem)
    if found is None:
        shapes = ", ".join(str(tuple(o.shape)) for o in outputs) or "no tensor that depends on them"
        raise InputError("candidate", "expected it to return a or z of the output layer, or the loss",
                         f"other numbers, {shapes}")  # fmt: skip
    output, slope = found
    grown = {}
    gradients = library.autograd.grad(output, own, library.as_tensor(slope, dtype=output.dtype), allow_unused=True)
    for g, (k, l) in zip(gradients, names, strict=True):
        gradient = None if g is None else g.numpy()
        if gradient is not None and k == "w" and not penalised:
            gradient = gradient + problem.dR_dw(l)  # a module knows nothing of the penalty
        grown[f"d{k}{l}"] = gradient
    return grown


def matching(outputs: Sequence[Any], problem: Problem) -> tuple[tuple[Any, Any] | None, bool]:
    """The output to start from with what to hand it, and whether the penalty is in it; a loss may be off."""
    by = problem.n if problem.reduction == "mean" else 1
    L = problem.L
    for output in outputs:
        got = output.detach().numpy()
        for value, slope in ((problem.a(L), problem.dC_da(L)), (problem.z(L), problem.delta(L))):
            if got.shape == value.shape != (1, 1) and size(got - value) <= 1e-6 * max(size(value), 1e-300):
                return (output, slope / by), False
    for output in outputs:
        if output.numel() == 1:
            with_penalty, value = float(np.real(problem.objective(problem.parameters))), output.item()
            R = problem.architecture.penalty.R(problem.parameters) if problem.architecture.penalty.any else 0.0
            penalised = bool(R) and abs(value - with_penalty) < abs(value - (with_penalty - R))
            return (output, np.ones(tuple(output.shape))), penalised
    return None, False


def of_tensors(f: Any, args: tuple, trusted: bool) -> tuple[Callable, Callable, list[np.ndarray], list[str]]:
    """Value and pull-back of a function of tensors, the point and the arguments' names.

    A module's parameters are arguments too. Tensors of whole numbers are labels and stay. Tensors are made in
    float64, or in float32 where the function takes nothing else.

    Args:
        trusted: whether f brings its own derivative by being differentiable; a pair (f, df) or a function that
            returns (value, gradient) brings it as numbers.
    """
    library = torch()
    given: list[Any] = [
        library.as_tensor(a) if is_tensor(a) or np.ndim(a) or not isinstance(a, int) else a for a in args
    ]
    moves = [is_tensor(a) and (a.is_floating_point() or not is_tensor(args[n])) for n, a in enumerate(given)]
    point = [np.array(a.detach().cpu().numpy(), np.float64) for a, m in zip(given, moves, strict=True) if m]
    names = [f"argument {n}" for n, m in enumerate(moves) if m]
    type_of = {"": library.float64}
    inside: dict[str, Any] = {}
    if is_module(f):
        inside = {name: p for name, p in f.named_parameters() if p.requires_grad}
        point += [p.detach().cpu().numpy().astype(np.float64) for p in inside.values()]
        names += list(inside)

    def tensors(values: Sequence[np.ndarray], grad: bool) -> list[Any]:
        return [library.tensor(v, dtype=type_of[""], requires_grad=grad) for v in values]

    def run(function: Any, values: list[Any]) -> Any:
        moved = iter(values)
        called = [next(moved) if m else a for a, m in zip(given, moves, strict=True)]
        if not inside:
            return function(*called)
        module = function.double() if type_of[""] == library.float64 else function.float()
        return library.func.functional_call(module, dict(zip(inside, moved, strict=True)), tuple(called))

    def call(function: Any, values: Sequence[np.ndarray], grad: bool) -> tuple[Any, list[Any]]:
        made = tensors(values, grad)
        try:
            return run(function, [t.clone() for t in made] if grad else made), made
        except RuntimeError:
            if type_of[""] == library.float32:
                raise
            type_of[""] = library.float32
            return call(function, values, grad)

    def plain(out: Any) -> Any:
        if isinstance(out, tuple | list):
            return tuple(plain(o) for o in out)
        return out.detach().cpu().numpy() if is_tensor(out) else out

    def in_place(values: Sequence[np.ndarray], made: list[Any]) -> None:
        for v, t in zip(values, made, strict=True):
            v[...] = t.detach().numpy()  # so that a change shows

    if is_module(f):
        import copy

        f = copy.deepcopy(f)
    own: Any = f
    derivative: Any = None
    if isinstance(f, tuple) and len(f) == 2:
        own, derivative = f
    elif not trusted:
        with_gradient = call(f, point, False)[0]
        if isinstance(with_gradient, tuple) and len(with_gradient) == 2 and np.ndim(plain(with_gradient[0])) == 0:
            both: Any = f
            own, derivative = (lambda *a: both(*a)[0]), (lambda *a: both(*a)[1])

    def value(*values: np.ndarray) -> Any:
        out, made = call(own, values, False)
        answer = plain(out)
        if not inside:
            in_place(values, made)
        return tuple(np.array(a) for a in answer) if isinstance(answer, tuple) else np.array(answer)

    def pull_back(values: Sequence[np.ndarray], v: Any) -> Any:
        if derivative is not None:
            return times(plain(call(derivative, values, False)[0]), values, v)
        out, made = call(own, values, True)
        outs, vs = (list(out), list(v)) if isinstance(out, tuple | list) else ([out], [v])
        pairs = [(o, library.as_tensor(w, dtype=o.dtype)) for o, w in zip(outs, vs, strict=True) if o.requires_grad]
        if not pairs:
            return [np.zeros(np.shape(a)) for a in values]
        found = library.autograd.grad([o for o, _ in pairs], made, [w for _, w in pairs], allow_unused=True)
        return [np.zeros(np.shape(a)) if g is None else g.numpy() for a, g in zip(values, found, strict=True)]

    return value, pull_back, point, names


def times(derivative: Any, args: Sequence[np.ndarray], v: Any) -> Any:
    """A gradient, or an elementwise derivative, times v.

    Raises:
        ShapeError: a derivative that is neither.
    """
    if isinstance(v, tuple):
        raise ShapeError("gradcheck: df", "expected a pull_back for several outputs", f"{len(v)} outputs")
    if v.ndim == 0:
        return derivative if len(args) > 1 else np.asarray(derivative) * v
    if len(args) == 1 and np.shape(derivative) == v.shape == args[0].shape:
        return np.asarray(derivative) * v
    if len(args) == 1 and np.shape(derivative) == v.shape + args[0].shape:
        return np.tensordot(v, np.asarray(derivative), v.ndim)  # a Jacobian
    raise ShapeError("gradcheck: df", f"expected {v.shape} or {v.shape + args[0].shape}", np.shape(derivative))


def of_custom_vjp(f: Any) -> tuple[Callable, Callable]:
    """Value and pull-back of a JAX custom_vjp, by the two functions that were given to defvjp."""

    def pull_back(args: Sequence[np.ndarray], v: Any) -> list[np.ndarray]:
        out, residuals = f.fwd(*args)
        back = f.bwd(residuals, in_types(v, out))
        return [np.zeros(np.shape(a)) if g is None else np.asarray(g) for a, g in zip(args, back, strict=True)]

    return lambda *args: f.fwd(*args)[0], pull_back


def in_types(v: Any, out: Any) -> Any:
    """Cotangents in the types of the outputs, as JAX hands them over."""
    if isinstance(out, tuple | list):
        return type(out)(in_types(a, b) for a, b in zip(v, out, strict=True))
    return np.asarray(v, getattr(out, "dtype", np.float64)).reshape(np.shape(out))


def gradients_of(f: Any) -> Callable:
    """A candidate function made of a custom_vjp that returns the loss: the gradients in w and b, or in parameters.

    Raises:
        InputError: parameters that are not called x, y, w, b or parameters; an output that is not one number.
    """
    meant, _ = meanings(f.fwd)

    @functools.wraps(f.fwd)
    def run(*args: Any) -> Any:
        out, residuals = f.fwd(*args)
        outs = out if isinstance(out, tuple | list) else (out,)
        if np.ndim(outs[0]):
            raise InputError("candidate custom_vjp", "expected one number, the loss", f"an output {np.shape(outs[0])}")
        v = [np.ones(()), *(np.zeros(np.shape(o)) for o in outs[1:])]
        found = dict(zip(meant, f.bwd(residuals, in_types(v if outs is out else v[0], out)), strict=True))
        return found["parameters"] if "parameters" in found else {k: found[k] for k in "wb" if k in found}

    run.__signature__ = inspect.signature(f.fwd)  # type: ignore[attr-defined]
    return run
