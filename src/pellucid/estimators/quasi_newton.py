"""Training with L-BFGS: SciPy's minimiser over all weights as one vector, with C and its gradient from backpropagation.

It always computes in float64, for its line search compares losses that differ in late digits. Rows are taken
some at a time, so that no record of all of them is held.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..architecture import Architecture
from ..arrays import Parameters, dtype_of, tree_map
from ..backward import backward, losses
from ..errors import NonFiniteError
from ..forward import forward
from ..penalty import with_penalty
from ..training.flat import packed, unpacked
from ..training.threads import threads_for

ROWS = 256  # at a time: what is computed with them stays in the cache


def objective(
    architecture: Architecture,
    like: Parameters,
    X: Any,
    y: np.ndarray,
    weights: np.ndarray | None,
    reported: float = 1.0,
) -> Callable[..., Any]:
    """The function θ → (f, ∂f/∂θ) with f = Σ_i s_i C_i/Σ_i s_i + R/Σ_i s_i.

    Called with `report=True` it gives one number, where `reported` is a factor on the first term.
    """
    n = X.shape[0]
    total = n if weights is None else np.asarray(weights, np.float64).sum()
    program, loss, penalty = architecture.program, architecture.loss, architecture.penalty

    def f(theta: np.ndarray, report: bool = False) -> Any:
        parameters = unpacked(theta, like)
        C, gradient = 0.0, np.zeros_like(theta)
        for start in range(0, n, ROWS):
            part = slice(start, start + ROWS)
            x = X[part].toarray() if hasattr(X, "toarray") else X[part]
            record = forward(program, parameters, x.astype(np.float64, copy=False))
            C_i = losses(program, loss, record, y[part])
            share = None if weights is None else weights[part] / total
            C += float(C_i.sum() / total if share is None else (share * C_i).sum())
            if not report:
                back = backward(program, loss, record, y[part], to_input=False, to_output=False)
                mean = packed(back.gradient(share))
                if share is None and len(C_i) < n:
                    mean *= len(C_i) / n
                gradient += mean
        R = float(penalty.R(architecture.penalised(parameters))) / total
        if report:
            return reported * C + R
        if penalty.any:
            mean, factors = unpacked(gradient, like), (penalty.l2 / total, penalty.l1 / total)
            gradient = packed(with_penalty(architecture.layers, mean, parameters, *factors))
        return C + R, gradient

    return f


def train_with_lbfgs(
    estimator: Any,
    architecture: Architecture,
    parameters: Parameters,
    X: Any,
    y: np.ndarray,
    weights: np.ndarray | None,
) -> None:
    """Train the estimator's weights with all samples at once.

    Raises:
        NonFiniteError: the result is not finite.
    """
    from scipy.optimize import minimize

    e = estimator
    dtype = dtype_of(parameters)
    wide: Parameters = tree_map(lambda w: np.asarray(w, np.float64), parameters)
    f = objective(architecture, wide, X, y, weights, e._reported)
    with threads_for(architecture.program, min(X.shape[0], ROWS)), np.errstate(all="ignore"):
        result = minimize(
            f, packed(wide), method="L-BFGS-B", jac=True,
            options={"maxfun": int(e.max_fun), "maxiter": int(e.max_iter), "gtol": float(e.tol)},
        )  # fmt: skip
    if not np.isfinite(result.x).all() or not np.isfinite(result.fun):
        raise NonFiniteError(f"lbfgs, iteration {result.nit}", f"the loss is {result.fun}")
    e.n_iter_, e._batch = min(int(result.nit), int(e.max_iter)), X.shape[0]
    with np.errstate(all="ignore"):
        e.loss_ = f(result.x, report=True)
    e._keep(tree_map(lambda w: np.array(w, dtype=dtype), unpacked(result.x, wide)))
    if e.verbose:
        print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
    if result.status != 0:
        warnings.warn(
            f"lbfgs failed to converge after {e.n_iter_} iteration(s) (status={result.status}):\n{result.message}\n"
            f"Increase max_iter (now {e.max_iter}) or max_fun (now {e.max_fun}), or standardise the inputs.",
            ConvergenceWarning,
            stacklevel=4,
        )
