"""What a person sees of a training while it runs: a bar in a terminal, plain lines elsewhere, nothing if short."""

from __future__ import annotations

import sys
import time
from typing import Any

from .history import Epoch, describe

BAR_AFTER, LINE_EVERY, DRAW_EVERY = 1.0, 5.0, 0.05  # seconds


class Progress:
    """Shows epochs and batches on standard error.

    Args:
        shown: True shows a bar in a terminal and lines elsewhere; None a bar in a terminal only; False nothing.
        epochs: how many epochs there will be at most.
    """

    def __init__(self, shown: bool | None, epochs: int, done: int = 0):
        terminal = sys.stderr.isatty()
        self.epochs, self.last_draw = epochs, 0.0
        self.started = self.last_line = time.perf_counter()
        self.bar: Any = None
        self.task: Any = None
        self.draws = shown is not False and terminal
        self.prints = shown is True and not terminal
        self.done = done
        self.text = ""
        if done and (self.draws or self.prints):
            print(f"going on after epoch {done} of {epochs}", file=sys.stderr, flush=True)

    def at(self, epoch: int, share: float) -> None:
        """The training stands in `epoch` (from 1), of which `share` is done."""
        now = time.perf_counter()
        if not self.draws or now - self.started < BAR_AFTER or now - self.last_draw < DRAW_EVERY:
            return
        self.last_draw = now
        bar = self.bar = self.bar or self._opened()
        bar.update(self.task, completed=epoch - 1 + share, description=f"epoch {epoch}/{self.epochs}", info=self.text)

    def end(self, epoch: Epoch) -> None:
        """An epoch is over."""
        self.text = describe(epoch)
        if self.prints:
            now = time.perf_counter()
            if now - self.last_line >= LINE_EVERY or epoch.epoch in (1, self.epochs):
                self.last_line = now
                print(f"epoch {epoch.epoch}/{self.epochs}: {self.text}", file=sys.stderr, flush=True)
        self.at(epoch.epoch, 1.0)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
        self.draws = False

    def _opened(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        console = Console(stderr=True)
        extra = () if console.width < 100 else (BarColumn(bar_width=24), TimeElapsedColumn())  # the figures come first
        bar = Progress(
            TextColumn("{task.description}"), *extra, TextColumn("left"), TimeRemainingColumn(),
            TextColumn("{task.fields[info]}"), console=console, transient=True,
        )  # fmt: skip
        bar.start()
        self.task = bar.add_task("", total=self.epochs, completed=self.done, info="")
        return bar
