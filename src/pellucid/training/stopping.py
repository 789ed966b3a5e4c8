"""When to stop: patience with a figure that no longer improves."""

from __future__ import annotations

from dataclasses import dataclass

from ..arrays import Parameters


@dataclass
class Stopping:
    """Counts the epochs without an improvement of more than `tolerance`.

    Attributes:
        patience: how many such epochs are let pass; None never stops.
        tolerance: what counts as an improvement, in units of the figure.
        higher: whether the figure is better when higher.
    """

    figure: str
    patience: int | None
    tolerance: float
    higher: bool = False
    best: float = float("inf")  # of the figure, negated when higher is better
    best_epoch: int = 0
    waited: int = 0
    weights: Parameters | None = None

    def see(self, epoch: int, value: float, parameters: Parameters) -> bool:
        """Take note of an epoch's figure; True when it is time to stop."""
        value = -value if self.higher else value
        if value < self.best - self.tolerance:
            self.waited = 0
        else:
            self.waited += 1
        if value < self.best:
            self.best, self.best_epoch, self.weights = value, epoch, parameters
        return self.patience is not None and self.waited >= self.patience

    @property
    def reason(self) -> str:
        """Why it stopped, as a sentence without its full stop."""
        return f"{self.figure} did not improve by more than {self.tolerance:g} for {self.waited} epochs"
