"""The training loop: epochs of updates, watched, recorded, stoppable, resumable.

Before it: data, an architecture with its first weights, an optimiser. After it: trained weights and a history.
The loop only decides what runs when; `steps` computes, `engines` run, the other modules here each keep one thing.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..architecture import Architecture
from ..arrays import Parameters, tree_map
from ..backward import backward, losses
from ..errors import NonFiniteError, PellucidError
from ..forward import forward
from ..optimisers import State
from ..schedules import schedule
from .engines import ENGINES, ZERO, Data, Engine, Total, choose
from .history import Epoch, History
from .interrupt import Interrupt
from .metrics import LOWER_IS_BETTER, metric
from .progress import Progress
from .settings import Settings
from .sources import Source, fingerprints
from .steps import Knobs, Rule
from .stopping import Stopping

Held = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # samples that are judged: x, y, weights
RUN_SECONDS, RUN_LEAST = 0.25, 8  # how long one run of batches lasts about, and its least number of batches


class Training:
    """One training of one network.

    `parameters` are the last finite weights at any time, `state` the optimiser's state that belongs to them.

    Args:
        architecture, parameters: the network, and its weights before the first update.
        source: where its samples come from.
        settings: how to train.
        validation: held-out samples x, y and their weights or None, ready to be judged.
        state: an optimiser's state to go on from.
        shared_penalty, reported: how the penalty and C count (see `Rule`).
    """

    def __init__(
        self,
        architecture: Architecture,
        parameters: Parameters,
        source: Source,
        settings: Settings,
        validation: Held | None = None,
        *,
        state: State | None = None,
        shared_penalty: bool = False,
        reported: float = 1.0,
    ):
        self.architecture, self.source, self.settings, self.validation = architecture, source, settings, validation
        settings.check_figures(validation is not None)
        penalty, self.given_state, updates = architecture.penalty, state, settings.updates(source.n)
        self.rule = Rule(
            architecture.program, architecture.loss, settings.optimiser, penalty.any or shared_penalty,
            settings.clip is not None, schedule(settings.schedule, updates), shared_penalty, reported,
        )  # fmt: skip
        self.batch = settings.batch(source.n)
        backend = choose(settings.backend, self.rule, self.batch, updates)
        self.engine: Engine = ENGINES[backend]()(self.rule, settings.dtype, self.batch, source.n)
        self.knobs: Knobs = {"rate": float(settings.optimiser.learning_rate), "l2": penalty.l2}
        if penalty.l1:
            self.knobs["l1"] = penalty.l1
        if settings.clip is not None:
            self.knobs["clip"] = float(settings.clip)
        self.history = History(backend=backend)
        figure = settings.monitor or ("validation_loss" if validation is not None else "loss")
        higher = figure not in LOWER_IS_BETTER and not figure.endswith(("loss", "error"))
        self.stopping = Stopping(figure, settings.patience, settings.tolerance, higher)
        self.parameters, self.state, self.t = parameters, None, 0
        self.interrupt = Interrupt()
        self.pace = float(RUN_LEAST)  # batches per run, adapted to RUN_SECONDS
        self.warned = False  # that a checkpoint can't be written

    def go(self) -> tuple[Parameters, History]:
        """Train to the end; returns NumPy parameters in the precision of the settings, and the history."""
        settings = self.settings
        with self.engine.context(), self.interrupt:
            self._begin()
            first = len(self.history) + 1
            progress = Progress(settings.progress, settings.epochs, len(self.history))
            try:
                for number in range(first, settings.epochs + 1):
                    epoch = self._epoch(number, progress)
                    if epoch is None:
                        break
                    self.history.epochs.append(epoch)
                    progress.end(epoch)
                    if self._ends(epoch):
                        break
                    if settings.checkpoint and number % settings.checkpoint_every == 0:
                        self._write()
                else:
                    done, more = len(self.history), first <= settings.epochs
                    self.history.stopped = f"all {done} epochs done" if more else f"{done} epochs were done already"
                self._check_final()
                if settings.checkpoint and not self.history.interrupted:
                    self._write()
            finally:
                progress.close()
                self.parameters = self.on_host(self.parameters)
                optimiser = self.engine.rule.optimiser
                leaves = [np.asarray(leaf) for leaf in optimiser.leaves(self.state)]
                self.state = optimiser.rebuild(self.state, leaves)
            best = self.stopping.weights
            if settings.restore_best and best is not None and not self.history.interrupted:
                self.history.best_epoch = self.stopping.best_epoch
                self.parameters = self.on_host(best)
        return self.parameters, self.history

    def on_host(self, parameters: Parameters) -> Parameters:
        """A copy as NumPy arrays in this training's precision."""
        return tuple(
            {name: np.array(arrays[name], dtype=self.engine.dtype) for name in self.architecture.program.shapes(l)}
            for l, arrays in enumerate(parameters)
        )

    # ── the beginning: first weights and state, or those of a checkpoint ──────────────────────────

    def _begin(self) -> None:
        settings = self.settings
        first = tree_map(lambda array: np.asarray(array, self.engine.dtype), self.parameters)
        self.parameters = tree_map(self.engine.place, first)
        optimiser = self.engine.rule.optimiser
        # Made by NumPy: each operation on arrays of JAX outside of the program would be compiled by itself.
        self.state = optimiser.start(self.parameters if optimiser.jax_only else first)
        if not optimiser.jax_only:
            self.state = self._placed_state([np.asarray(leaf) for leaf in optimiser.leaves(self.state)])
        if self.given_state is not None:
            self.state = self._placed_state(optimiser.leaves(self.given_state))
        if settings.resume and settings.checkpoint:
            from .checkpoints import read_checkpoint

            found = read_checkpoint(settings.checkpoint, self._checkpoint())
            self.parameters = tree_map(self.engine.place, found.parameters)
            self.state = self._placed_state(found.leaves)
            self.t, self.knobs["rate"] = found.t, found.rate
            self.history, self.stopping = found.history, found.stopping
            self.history.stopped, self.history.interrupted, self.history.backend = "", False, self.engine.name
            self.history.best_epoch, self.history.resumed = None, len(self.history)

    def _placed_state(self, leaves: Sequence[np.ndarray]) -> State:
        engine = self.engine
        placed = [engine.scalar(leaf) if leaf.ndim == 0 else engine.place(leaf) for leaf in leaves]
        return engine.rule.optimiser.rebuild(self.state, placed)

    @cached_property
    def _training(self) -> dict[str, Any]:
        """What decides how the training goes on; it must be the same when it is resumed."""
        settings, validation = self.settings, self.validation
        schedule = self.rule.schedule
        held = {} if validation is None else fingerprints(self.engine.dtype, *validation)
        return {
            "architecture": self.architecture.to_dict(),
            "optimiser": settings.optimiser.to_dict(),
            "samples": self.source.n,
            "epochs": settings.epochs,
            "batch_size": self.batch,
            "shuffle": settings.shuffle,
            "seed": settings.seed,
            "dtype": settings.dtype,
            "clip": settings.clip,
            "backend": self.engine.name,
            "schedule": None if schedule is None else getattr(schedule, "name", "a function"),
            "monitor": self.stopping.figure,
            "restore_best": settings.restore_best,
            "data": {
                **self.source.fingerprint(self.engine.dtype),
                **{f"validation {name}": value for name, value in held.items()},
            },
        }

    def _checkpoint(self) -> Any:
        from .checkpoints import Checkpoint

        leaves = [np.asarray(leaf) for leaf in self.engine.rule.optimiser.leaves(self.state)]
        rate = float(self.knobs["rate"])
        return Checkpoint(self._training, self.t, rate, self.parameters, leaves, self.history, self.stopping)

    def _write(self) -> None:
        """Write a checkpoint; where that fails, say so once and go on: the training is worth more than its copy."""
        from .checkpoints import write_checkpoint

        assert self.settings.checkpoint is not None
        if not finite(self.parameters):
            return  # the next epoch ends the training, and an older checkpoint is the better one
        try:
            write_checkpoint(self.settings.checkpoint, self._checkpoint())
        except PellucidError as error:
            if not self.warned:
                warnings.warn(f"{error} The training goes on without this checkpoint.", RuntimeWarning, stacklevel=5)
            self.warned = True

    # ── one epoch ─────────────────────────────────────────────────────────────────────────────────

    def _epoch(self, number: int, progress: Progress) -> Epoch | None:
        """All batches once; None when it was interrupted (the weights of the batches done are kept)."""
        settings, engine, batch = self.settings, self.engine, self.batch
        began, total, seen, weight, sizes = time.perf_counter(), ZERO, 0, 0.0, []
        for data, order in self.source.chunks(engine, batch, number, settings.drawn, settings.shuffle):
            rows, placed = len(order), engine.place_order(order, len(data[0]))
            seen += rows
            ends = seen == self.source.n  # the epoch's last update is made apart: it is smaller, or reports more
            batches = (math.ceil(rows / batch) - 1) if ends else rows // batch
            start, done = 0, False
            while not done:
                if self.interrupt.asked:
                    return self._interrupted(number, start, batches)
                stop = min(batches, start + max(RUN_LEAST, int(self.pace)))
                done = stop == batches
                rest = rows - stop * batch if done and ends else 0
                total, sizes = self._run(number, data, placed, start, stop, rest, total)
                start = stop
                progress.at(number, (seen - rows + stop * batch) / self.source.n)
            weight += rows if data[2] is None or self.rule.shared_penalty else float(data[2].sum())
        loss = (total[0] - total[1]) / weight if weight else 0.0
        schedule = self.rule.schedule
        rate = self.knobs["rate"] * (1.0 if schedule is None else float(schedule(self.t - 1)))
        validation_loss, metrics = self._judge()
        of_weights = self.architecture.penalty
        penalty = float(of_weights.R(map(np.asarray, self.architecture.penalised(self.parameters))))
        seconds = time.perf_counter() - began
        return Epoch(number, loss, penalty, validation_loss, metrics, seconds, rate, tuple(sizes))

    def _run(
        self, epoch: int, data: Data, order: Any, start: int, stop: int, rest: int, total: Total
    ) -> tuple[Total, list[float]]:
        before, began = (self.parameters, self.state), time.perf_counter()
        *after, total, sizes = self.engine.run(*before, data, order, start, stop, rest, self.knobs, self.t, total)
        if not all(map(math.isfinite, (*total, *sizes))):
            self._locate(epoch, data, order, start, stop, rest)
        self.parameters, self.state = after
        updates = stop - start + (rest > 0)
        self.t += updates
        seconds = max(time.perf_counter() - began, 1e-6)
        # The first run of a program includes its compilation and only makes the next run short.
        self.pace = min(max(RUN_LEAST, updates * RUN_SECONDS / seconds), 8 * self.pace + 64)
        return total, sizes

    def _judge(self) -> tuple[float | None, dict[str, float]]:
        """The validation loss and the metrics at the end of an epoch."""
        settings, loss, validation = self.settings, self.architecture.loss, self.validation
        if validation is None and not settings.metrics:
            return None, {}
        given: Any = validation if validation is not None else getattr(self.source, "arrays", None)
        if given is None:  # a stream without a validation set
            return None, {}
        a, C = self.engine.judge(self.parameters, *given[:2])
        y = given[1]
        weights = None if validation is None else validation[2]
        metrics = {name: metric(name)(a, y, loss, weights) for name in settings.metrics}
        return (None if validation is None else float(np.average(C, weights=weights))), metrics

    # ── the end ───────────────────────────────────────────────────────────────────────────────────

    def _ends(self, epoch: Epoch) -> bool:
        settings, stopping = self.settings, self.stopping
        value: Any = epoch.metrics.get(stopping.figure, getattr(epoch, stopping.figure, None))
        if stopping.see(epoch.epoch, value, self.parameters if settings.restore_best else ()):
            self.history.stopped = stopping.reason
            return True
        if settings.on_epoch is not None and settings.on_epoch(epoch, self.knobs):
            self.history.stopped = f"on_epoch asked to stop after epoch {epoch.epoch}"
            return True
        return False

    def _interrupted(self, epoch: int, b: int, batches: int) -> None:
        self.history.interrupted = True
        self.history.stopped = f"interrupted in epoch {epoch} before batch {b} of {batches + 1}; the weights are kept"

    # ── what is not finite ────────────────────────────────────────────────────────────────────────

    def _locate(self, epoch: int, data: Data, order: Any, start: int, stop: int, rest: int) -> None:
        """Go through a run again, update by update, from the weights before it, to the batch that broke."""
        batch = self.engine.batch
        for b in range(start, stop + (rest > 0)):
            what = (b, b, rest) if b == stop else (b, b + 1, 0)
            *after, total, sizes = self.engine.run(self.parameters, self.state, data, order, *what, self.knobs, self.t)
            if not all(map(math.isfinite, (*total, *sizes))) or not finite(after[0]):
                self._explain_non_finite(epoch, b, data, order[b * batch : b * batch + (rest if b == stop else batch)])
            self.parameters, self.state = after
            self.t += 1
        raise NonFiniteError(f"epoch {epoch}, batches {start} to {stop}", "the sum of the losses is not finite")

    def _check_final(self) -> None:
        if not finite(self.parameters):
            raise NonFiniteError("the last update", "a weight became infinite or not a number", do=ADVICE)

    def _explain_non_finite(self, epoch: int, b: int, data: Data, rows: Any) -> None:
        architecture = self.architecture
        taken = np.asarray(rows)
        x, y = np.asarray(data[0])[taken], np.asarray(data[1])[taken]
        what = first_non_finite(architecture, self.on_host(self.parameters), x, y)
        raise NonFiniteError(f"epoch {epoch}, batch {b}", what, do=ADVICE)


ADVICE = "The last finite weights are kept. Lower the learning rate, standardise the inputs, or clip the gradient."


def finite(parameters: Parameters) -> bool:
    """Whether every weight is a finite number."""
    return all(np.isfinite(np.asarray(array)).all() for layer in parameters for array in layer.values())


def first_non_finite(architecture: Architecture, parameters: Parameters, x: np.ndarray, y: np.ndarray) -> str:
    """The first quantity that is infinite or not a number, in the order in which an update computes them."""

    def bad(array: Any) -> str | None:
        wrong = np.argwhere(~np.isfinite(array))
        return None if not len(wrong) else f"{array[tuple(wrong[0])]} at sample {wrong[0][0]} of the batch"

    record = forward(architecture.program, parameters, x)
    for l in range(1, architecture.L + 1):
        for name, array in (("z", record.z[l]), ("a", record.a[l])):
            if found := bad(array):
                return f"{name}[{l}] of {architecture.where(l)} is {found}"
    if found := bad(losses(architecture.program, architecture.loss, record, y)):
        return f"the loss {architecture.loss.name} behind {architecture.where(architecture.L)} is {found}"
    back = backward(architecture.program, architecture.loss, record, y, to_input=False)
    for l in range(architecture.L, 0, -1):
        if found := bad(back.delta[l]):
            return f"delta[{l}] of {architecture.where(l)} is {found}"
    for l, layer in reversed(list(enumerate(back.gradient(), 1))):
        for name, array in layer.items():
            if not np.isfinite(array).all():
                return f"dC/d{name}[{l}] of {architecture.where(l)} is not finite"
    return "the update made a weight infinite or not a number"
