"""What a training did, epoch by epoch, and why it ended."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import shown


@dataclass(frozen=True)
class Epoch:
    """One pass over the data.

    Attributes:
        epoch: its number, from 1.
        loss: the mean of C_i over the samples, each taken just before the update that used it.
        penalty: R at the end of the epoch.
        validation_loss: the mean of C_i over the validation set at the end of the epoch, or None.
        metrics: each metric by name, on the validation set where there is one, else on the training data.
        seconds: wall-clock time.
        learning_rate: η of the last update.
        gradient_norms: ‖∂C/∂(w, b)^(l)‖ for l = 1 … L at the last update.
    """

    epoch: int
    loss: float
    penalty: float
    validation_loss: float | None
    metrics: dict[str, float]
    seconds: float
    learning_rate: float
    gradient_norms: tuple[float, ...]


@dataclass
class History:
    """The epochs of a training and the reason for its end.

    `history["loss"]` is a column as a list; so are the other fields of `Epoch` and each metric by name. `resumed` is
    the number of epochs that came from a checkpoint.
    """

    epochs: list[Epoch] = field(default_factory=list)
    stopped: str = ""
    interrupted: bool = False
    best_epoch: int | None = None
    backend: str = ""
    resumed: int | None = None

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def __getitem__(self, name: str) -> list[Any]:
        if name in Epoch.__dataclass_fields__:
            return [getattr(epoch, name) for epoch in self.epochs]
        if any(name in epoch.metrics for epoch in self.epochs):
            return [epoch.metrics.get(name) for epoch in self.epochs]
        metrics = sorted({m for epoch in self.epochs for m in epoch.metrics})
        raise KeyError(f"{name!r} is not one of {', '.join([*Epoch.__dataclass_fields__, *metrics])}")

    @property
    def seconds(self) -> float:
        """The time of all epochs."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def convergence(self) -> str:
        """Whether the training converged, judged by the loss and the norm of the gradient; "" before two epochs.

        The norm is that of the last batch of an epoch, over all layers.

        Example:
            >>> epochs = [Epoch(i, 1.0 + 1 / i, 0.0, None, {}, 0.1, 0.1, (1 / i,)) for i in range(1, 101)]
            >>> History(epochs).convergence
            'the loss fell by 0.11 % in the last 10 epochs, the gradient from 1 to 0.01: about converged'
        """
        if len(self.epochs) < 2:
            return ""
        window = max(1, len(self.epochs) // 10)
        before, last = self.epochs[-1 - window].loss, self.epochs[-1].loss
        change = (before - last) / abs(before) if before else 0.0
        sizes = [math.hypot(*epoch.gradient_norms) for epoch in (self.epochs[0], self.epochs[-1])]
        if not all(map(math.isfinite, (change, *sizes))):
            return ""
        moved = (
            f"fell by {100 * change:.2g} %" if change > 0 else f"rose by {-100 * change:.2g} %" if change else "stood"
        )
        judged = (
            "about converged"
            if abs(change) < 0.005
            else (
                "still falling, so more epochs may help"
                if change > 0
                else "not settled: a smaller learning rate may help"
            )
        )
        epochs = "epoch" if window == 1 else f"{window} epochs"
        return f"the loss {moved} in the last {epochs}, the gradient from {sizes[0]:.2g} to {sizes[1]:.2g}: {judged}"

    def plot(self, path: Any = None) -> Any:
        """A picture of loss, metrics, learning rate and norms of the gradient, epoch by epoch.

        Args:
            path: a .svg, .png or .pdf file to write.

        Returns:
            The figure of matplotlib (`pip install 'pellucid[plot]'`).

        Raises:
            InputError: no epoch, or another ending.
            MissingDependencyError: no matplotlib.
            ModelFileError: the file can't be written.
        """
        from .plots import draw

        return draw(self.epochs, path)

    def to_dict(self) -> dict[str, Any]:
        """The history as JSON values."""
        return {
            **asdict(self),
            "epochs": [{**asdict(e), "gradient_norms": list(e.gradient_norms)} for e in self.epochs],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> History:
        """The history that `to_dict` gave; a number that was not finite was stored as None and becomes NaN.

        Raises:
            KeyError, TypeError, ValueError: anything else.
        """

        def real(value: Any) -> float:
            if value is not None and type(value) not in (int, float):
                raise TypeError(f"{shown(value)} is no number")
            return math.nan if value is None else float(value)

        def counted(value: Any) -> int:
            if type(value) is not int or not 0 <= value < 2**31:
                raise ValueError(f"{shown(value)} is no number of an epoch")
            return value

        epochs = [
            Epoch(
                epoch=counted(e["epoch"]),
                loss=real(e["loss"]),
                penalty=real(e["penalty"]),
                validation_loss=None if e["validation_loss"] is None else real(e["validation_loss"]),
                metrics={str(name): real(value) for name, value in dict(e["metrics"]).items()},
                seconds=real(e["seconds"]),
                learning_rate=real(e["learning_rate"]),
                gradient_norms=tuple(real(size) for size in e["gradient_norms"]),
            )
            for e in stored["epochs"]
        ]
        if [e.epoch for e in epochs] != list(range(1, len(epochs) + 1)):
            raise ValueError("the epochs are not numbered 1, 2, …")
        best, resumed = stored["best_epoch"], stored.get("resumed")
        return cls(
            epochs=epochs,
            stopped=str(stored["stopped"]),
            interrupted=bool(stored["interrupted"]),
            best_epoch=None if best is None else counted(best),
            resumed=None if resumed is None else counted(resumed),
            backend=str(stored["backend"]),
        )

    def __str__(self) -> str:
        if not self.epochs:
            return f"no epoch; {self.stopped}"
        went_on = "" if self.resumed is None else f", gone on after epoch {self.resumed}"
        return f"{len(self)} epochs in {self.seconds:.2f} s{went_on}, {describe(self.epochs[-1])}; {self.stopped}"

    __repr__ = __str__


def describe(epoch: Epoch) -> str:
    """An epoch's figures in one line."""
    figures = [f"loss {epoch.loss:.5g}"]
    if epoch.validation_loss is not None:
        figures.append(f"validation {epoch.validation_loss:.5g}")
    return " · ".join([*figures, *(f"{name} {value:.4g}" for name, value in epoch.metrics.items())])
