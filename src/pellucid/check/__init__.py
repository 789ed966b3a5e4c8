"""Compare gradients with the right ones, and name the mistake.

`pellucid.check` is this folder and a function as well: `pc.check(net, x, y, candidate)`.
"""

import sys
from types import ModuleType
from typing import Any

import numpy as np

from ..inputs import as_inputs, as_targets
from .checking import check_gradients
from .gradcheck import GradientReport, gradcheck
from .mistakes import MISTAKES, KnownMistake
from .numbers import NumbersReport, are_numbers, check_numbers
from .report import Report

__all__ = ["MISTAKES", "GradientReport", "KnownMistake", "NumbersReport", "Report", "check", "check_gradients",
           "check_numbers", "gradcheck"]  # fmt: skip


def check(net: Any, x: Any, y: Any, candidate: Any, **options: Any) -> Report | NumbersReport:
    """Compare hand-written gradients of a network with explicit backpropagation, and name the mistake.

    Args:
        net: a `Network`.
        x, y: inputs and targets as in `Network.fit`.
        candidate: arrays in a dict or list, a function of (x, y) or (parameters, x, y) that returns them, or a
            PyTorch or JAX function with its own backward (see `check_gradients`); or single numbers worked out by
            hand, {"dC0/dw[L][1,2]": -0.0779, "a[1][0]": "0.50"} (see `check_numbers`).
        options: layout, orientation, reduction, … (see `check_gradients`).

    Raises:
        InputError, ShapeError: arrays that can't be used or told apart.

    Example:
        >>> import pellucid as pc
        >>> net = pc.mlp([2, 3, 1], "tanh", seed=1)
        >>> x, y = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([[1.0], [0.0]])
        >>> t = net.trace(x, y)
        >>> pc.check(net, x, y, {"dW1": t.dC_dw[1], "dW2": t.dC_dw[2]}).ok
        True
        >>> pc.check(net, x, y, {"dW1": t.dC_dw[1] / 2, "dW2": t.dC_dw[2] / 2}).mistakes[0].slug
        'factor-two-missing'
    """
    x = as_inputs(x, net.architecture.shape).astype(np.float64, copy=False)
    y, _ = as_targets(y, len(x), net.n[-1], net.loss, net.classes)
    if are_numbers(candidate):
        return check_numbers(net.architecture, net.parameters, x, y, candidate, **options)
    return check_gradients(net.architecture, net.parameters, x, y, candidate, **options)


class _Check(ModuleType):
    """A module that can be called: importing a submodule would otherwise hide the function behind the folder."""

    def __call__(self, net: Any, x: Any, y: Any, candidate: Any, **options: Any) -> Report | NumbersReport:
        return check(net, x, y, candidate, **options)


sys.modules[__name__].__class__ = _Check
