"""What is measured: networks, batches, optimisers, data. Every peer gets just these."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Work:
    """One line of the table: an epoch of training.

    `samples` is small enough for the slowest peer's epoch to take seconds, and large enough that a process that had to
    wait for its turn has warm caches for most of its epoch; a step costs the same with any number of samples.
    """

    sizes: tuple[int, ...]
    batch: int
    samples: int
    activation: str = "relu"
    optimiser: str = "sgd"
    rate: float = 0.05

    @property
    def name(self) -> str:
        """As the table prints it."""
        sizes = "-".join(map(str, self.sizes))
        if len(self.sizes) > 6:
            sizes = f"{self.sizes[0]}-{len(self.sizes) - 2}×{self.sizes[1]}-{self.sizes[-1]}"
        return f"{sizes} batch {self.batch} {self.optimiser}"

    @property
    def classes(self) -> bool:
        """Whether it classifies (softmax with cross-entropy) or predicts numbers (half squared error)."""
        return self.sizes[-1] > 1

    @property
    def operations(self) -> float:
        """Multiplications and additions of the matrix products of an epoch: 6 per weight and sample, less ∂C/∂x."""
        pairs = list(zip(self.sizes, self.sizes[1:], strict=False))
        return self.samples * (6.0 * sum(p * q for p, q in pairs) - 2.0 * pairs[0][0] * pairs[0][1])

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """x (n, n_0) float32 and y: labels int32 (n,) or numbers float32 (n, 1); learnable, seeded."""
        generator = np.random.default_rng(0)
        n_0, n_L = self.sizes[0], self.sizes[-1]
        if n_0 == 784:
            centres = generator.random((n_L, n_0), dtype=np.float32)
            y = generator.integers(0, n_L, self.samples)
            x = 0.5 * centres[y] + 0.5 * generator.random((self.samples, n_0), dtype=np.float32)
            return x, y.astype(np.int32)
        x = generator.normal(size=(self.samples, n_0)).astype(np.float32)
        y = np.tanh(x @ generator.normal(size=(n_0, n_L)) / np.sqrt(n_0))
        return x, (y.argmax(axis=1).astype(np.int32) if n_L > 1 else y.astype(np.float32))

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The first weights (n_l, n_(l−1)) and biases (n_l,), the same for every peer."""
        generator = np.random.default_rng(1)
        return [
            (generator.normal(0, np.sqrt(2 / n_in), (n_out, n_in)).astype(np.float32), np.zeros(n_out, np.float32))
            for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False)
        ]


def lines() -> list[Work]:
    """All lines of the table of epochs."""
    made = []
    for optimiser, rate in (("sgd", 0.05), ("adam", 0.001)):
        common = {"optimiser": optimiser, "rate": rate}
        made += [
            Work((784, 30, 10), 10, 20_000, "sigmoid", **common),
            Work((784, 128, 10), 32, 20_000, **common),
            Work((784, 512, 512, 10), 128, 20_480, **common),
            Work((784, 1024, 1024, 10), 256, 10_240, **common),
            Work((13, 64, 1), 32, 200_000, **common),
            Work((256, *[256] * 9, 10), 64, 10_240, **{**common, "rate": rate / 10}),
        ]
    return made


def named(name: str) -> Work:
    """The line of this name."""
    return next(work for work in lines() if work.name == name)


MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")


def images(n: int = 60_000) -> tuple[np.ndarray, np.ndarray]:
    """n images of 784 pixels in [0, 1], float32, with 10 classes: made, so that the benchmark needs no files."""
    return Work((784, 30, 10), 10, n).data()


HERE = Path(__file__).resolve().parent
