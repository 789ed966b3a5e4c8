"""A number as a likely expression: ½, n, 1/n, 2/n_L, a learning rate times something.

Used where a constant was solved for and wants a name.
"""

from __future__ import annotations

from collections.abc import Iterator

from .problem import Problem


def expressions(problem: Problem, l: int) -> Iterator[tuple[float, str]]:
    """Constants that turn up in gradients, likeliest first."""
    n, n_L, n_l, n_k = problem.n, problem.widths[-1], problem.widths[l], problem.widths[l - 1]
    yield from ((2, "2"), (0.5, "½"), (-1, "−1"), (n, "n"), (1 / n, "1/n"), (n_L, "n_L"), (1 / n_L, "1/n_L"))
    yield n / 2, "n/2"
    yield 2 / n, "2/n"
    yield 2 * n, "2n"
    yield 1 / (2 * n), "1/(2n)"
    yield 2 / n_L, "2/n_L"
    yield n_L / 2, "n_L/2"
    yield n * n_L, "n · n_L"
    yield 1 / (n * n_L), "1/(n · n_L)"
    yield n / n_L, "n/n_L"
    yield n_L / n, "n_L/n"
    yield n * n, "n²"
    yield 1 / n**2, "1/n²"
    yield n_l, f"n_{l}"
    yield 1 / n_l, f"1/n_{l}"
    yield n_k, f"n_{l - 1}"
    yield 1 / n_k, f"1/n_{l - 1}"
    if n > 1:
        yield n / (n - 1), "n/(n − 1)"
        yield (n - 1) / n, "(n − 1)/n"
    if problem.learning_rate:
        yield problem.learning_rate, "η"
        yield 1 / problem.learning_rate, "1/η"
    for whole in range(3, 11):
        yield whole, str(whole)
        yield 1 / whole, f"1/{whole}"
    for power in (0.1, 0.01, 0.001, 10, 100, 1000):
        yield power, f"{power:g}"


def as_expression(value: float, problem: Problem, l: int, tolerance: float = 1e-9) -> str | None:
    """The expression that a constant most likely is, or None.

    Example:
        >>> from pellucid.architecture import Architecture
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import loss
        >>> import numpy as np
        >>> from .problem import problem
        >>> net = Architecture((Input(2), Dense(3),), loss("squared_error"))
        >>> p = problem(net, net.initial(0), np.ones((7, 2)), np.ones((7, 3)))
        >>> as_expression(1 / 7, p, 1), as_expression(-3.5, p, 1), as_expression(0.1234, p, 1)
        ('1/n', '−n/2', None)
    """
    for known, text in expressions(problem, l):
        if abs(value - known) <= tolerance * abs(known):
            return text
    for known, text in expressions(problem, l):
        if abs(value + known) <= tolerance * abs(known):
            return "−" + text
    return None


def is_round(value: float, close: float) -> bool:
    """Whether a constant is one that a person writes, of three digits at most.

    Example:
        >>> is_round(13.7, 1e-9), is_round(2.600445992, 1e-9)
        (True, False)
    """
    return abs(value - float(f"{value:.3g}")) <= close * abs(value)
