"""Gradients from models of other frameworks, by what the objects can do; nothing is imported unless one is given.

A PyTorch module is run forward with the network's weights, and its own backward is called with ∂C/∂a (or
δ, where it ends before the last activation). JAX's custom_vjp and PyTorch's autograd.Function are called
through the two functions that they were made of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import InputError, MissingDependencyError, ShapeError
from .candidate import meanings
from .fits import size
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


def of_module(module: Any, problem: Problem) -> dict[str, Any]:
    """∂C/∂w and ∂C/∂b of a PyTorch module with the network's weights, by its own backward pass.

    The module keeps its own weights; a copy computes. Its parameters must come in the order w1, b1, w2, b2, …
    in the shapes of torch.nn.Linear, and it may return a^(L) or z^(L).

    Raises:
        InputError: parameters that don't fit, or an output that is neither a^(L) nor z^(L).
    """
    import copy

    library = torch()
    module = copy.deepcopy(module).double()
    names = arrays_in_order(problem)
    own = list(module.parameters())
    shapes = [problem.parameters[l - 1][k].shape for k, l in names]
    if [tuple(p.shape) for p in own] != shapes:
        raise InputError("candidate module", f"expected parameters {shapes}", [tuple(p.shape) for p in own])
    with library.no_grad():
        for p, (k, l) in zip(own, names, strict=True):
            p.copy_(library.as_tensor(problem.parameters[l - 1][k]))
    module.zero_grad()
    return pulled_back(module(library.as_tensor(problem.x)), own, names, problem)


def of_function_class(f: Any, problem: Problem) -> dict[str, Any]:
    """The same of a torch.autograd.Function that is applied to (x, w1, b1, w2, b2, …)."""
    library = torch()
    names = arrays_in_order(problem)
    own = [library.tensor(problem.parameters[l - 1][k], requires_grad=True) for k, l in names]
    return pulled_back(f.apply(library.as_tensor(problem.x), *own), own, names, problem)


def arrays_in_order(problem: Problem) -> list[tuple[str, int]]:
    """W1, b1, w2, b2, …"""
    return [(k, l) for l in range(1, problem.L + 1) for k in ("w", "b") if k == "w" or problem.b(l) is not None]


def pulled_back(out: Any, own: list, names: list[tuple[str, int]], problem: Problem) -> dict[str, Any]:
    """Call the backward pass of a module's output with ∂C/∂a^(L), or with δ^(L) where the output is z^(L)."""
    got = out.detach().numpy()
    by = problem.n if problem.reduction == "mean" else 1
    L = problem.L
    for value, slope in ((problem.a(L), problem.dC_da(L)), (problem.z(L), problem.delta(L))):
        if got.shape == value.shape and size(got - value) <= 1e-6 * max(size(value), 1e-300):
            out.backward(torch().as_tensor(slope / by))
            break
    else:
        raise InputError("candidate", "expected it to return a or z of the output layer", f"other numbers, {got.shape}")
    grown = {}
    for p, (k, l) in zip(own, names, strict=True):
        gradient = None if p.grad is None else p.grad.numpy()
        if gradient is not None and k == "w":
            gradient = gradient + problem.dR_dw(l)  # a module knows nothing of the penalty
        grown[f"d{k}{l}"] = gradient
    return grown


def of_autograd_function(f: Any) -> tuple[Callable, Callable]:
    """Value and pull-back of a torch.autograd.Function."""
    library = torch()

    def value(*args: np.ndarray) -> np.ndarray:
        return f.apply(*(library.as_tensor(a, dtype=library.float64) for a in args)).detach().numpy()

    def pull_back(args: tuple, v: np.ndarray) -> list[np.ndarray]:
        given = [library.as_tensor(a, dtype=library.float64).requires_grad_() for a in args]
        f.apply(*given).backward(library.as_tensor(v, dtype=library.float64))
        return [np.zeros(a.shape) if t.grad is None else t.grad.numpy() for a, t in zip(args, given, strict=True)]

    return value, pull_back


def of_custom_vjp(f: Any) -> tuple[Callable, Callable]:
    """Value and pull-back of a JAX custom_vjp, by the two functions that were given to defvjp."""

    def value(*args: np.ndarray) -> np.ndarray:
        return np.asarray(f.fwd(*args)[0], np.float64)

    def pull_back(args: tuple, v: np.ndarray) -> list[np.ndarray]:
        out, residuals = f.fwd(*args)
        if np.shape(out) != np.shape(v):
            raise ShapeError("custom_vjp", f"expected an output {np.shape(v)}", np.shape(out))
        back = f.bwd(residuals, v)
        return [np.zeros(np.shape(a)) if g is None else np.asarray(g) for a, g in zip(args, back, strict=True)]

    return value, pull_back


def gradients_of(f: Any) -> Callable:
    """A candidate function made of a custom_vjp that returns the loss: the gradients in w and b, or in parameters.

    Raises:
        InputError: parameters that are not called x, y, w, b or parameters; an output that is not one number.
    """
    import functools
    import inspect

    meant, _ = meanings(f.fwd)

    @functools.wraps(f.fwd)
    def run(*args: Any) -> Any:
        out, residuals = f.fwd(*args)
        if np.ndim(out):
            raise InputError("candidate custom_vjp", "expected one number, the loss", f"an output {np.shape(out)}")
        found = dict(zip(meant, f.bwd(residuals, np.ones((), np.float64)), strict=True))
        return found["parameters"] if "parameters" in found else {k: found[k] for k in "wb" if k in found}

    run.__signature__ = inspect.signature(f.fwd)  # type: ignore[attr-defined]
    return run
