"""Learning rates that change: factors on η as functions of the number of updates, from Optax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .arrays import start_jax
from .errors import InputError, one_of, shown

# Each takes the total number of updates and gives a schedule of Optax that starts at (or rises to) 1.
SCHEDULES: dict[str, Callable[[Any, int], Any]] = {
    "cosine": lambda optax, total: optax.cosine_decay_schedule(1.0, total),
    "exponential": lambda optax, total: optax.exponential_decay(1.0, total, 0.01),
    "linear": lambda optax, total: optax.linear_schedule(1.0, 0.0, total),
    "one_cycle": lambda optax, total: optax.cosine_onecycle_schedule(total, 1.0),
    "warmup_cosine": lambda optax, total: optax.warmup_cosine_decay_schedule(0.0, 1.0, max(1, total // 20), total),
}


@dataclass(frozen=True)
class Schedule:
    """A schedule of Optax by name, stretched over a training: number of updates before → factor on η.

    cosine: ½(1 + cos πt/T). exponential: 0.01^(t/T). linear: 1 − t/T. warmup_cosine: linear to 1 over T/20,
    then cosine. one_cycle: up and down, Smith & Topin 2018. T is the total number of updates.
    """

    name: str
    total: int

    @cached_property
    def _factor(self) -> Callable[[Any], Any]:
        start_jax()
        import optax

        return SCHEDULES[self.name](optax, self.total)

    def __call__(self, t: Any) -> Any:
        return self._factor(t)


def schedule(given: str | Callable[[Any], Any] | None, total: int) -> Callable[[Any], Any] | None:
    """A schedule from its name, or itself.

    Raises:
        InputError: an unknown name.

    Example:
        >>> round(float(schedule("linear", 100)(25)), 3)
        0.75
    """
    if given is None or given == "constant":
        return None
    if isinstance(given, str) and given in SCHEDULES:
        return Schedule(given, total)
    if callable(given):
        return given
    raise InputError("schedule", f"expected a function or {one_of(SCHEDULES)}", shown(given))
