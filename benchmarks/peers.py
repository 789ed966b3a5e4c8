"""Each peer trains the same network as its own documentation would: one class per peer, one epoch per call.

A peer brings `epoch() -> seconds` and `weights()`, the trained (w, b) pairs with w as (n_out, n_in).
"""

from __future__ import annotations

import threading
import time

import numpy as np
from work import Work

THREADS = 2


class Pellucid:
    """The public `fit`, with shuffling and history on; on_epoch makes it wait for its turn."""

    backend = "jax"

    def __init__(self, work: Work):
        import pellucid as pc

        last = (
            {"output": "softmax", "loss": "cross_entropy"}
            if work.classes
            else {"output": "linear", "loss": "half_squared_error"}
        )
        self.net = pc.mlp(work.sizes, work.activation, **last)
        for l, (w, b) in enumerate(work.weights(), 1):
            self.net.w[l], self.net.b[l] = w, b
        self.go, self.done = threading.Semaphore(0), threading.Semaphore(0)
        self.seconds, self.stop = 0.0, False
        x, y = work.data()

        def wait(epoch, knobs):
            self.seconds = epoch.seconds
            self.done.release()
            self.go.acquire()
            return self.stop

        def train():
            self.go.acquire()
            self.net.fit(
                x, y, epochs=10_000, batch_size=work.batch, optimiser=work.optimiser, learning_rate=work.rate,
                backend=self.backend, on_epoch=wait,
            )  # fmt: skip
            self.done.release()

        self.thread = threading.Thread(target=train, daemon=True)
        self.thread.start()

    def epoch(self) -> float:
        self.go.release()
        self.done.acquire()
        return self.seconds

    def weights(self):
        self.stop = True
        self.go.release()
        self.thread.join()
        return list(zip(self.net.w, self.net.b, strict=True))


class Torch:
    """PyTorch, eager: modules, autograd, torch.optim, batches by index."""

    compiled = False

    def __init__(self, work: Work):
        import torch

        torch.set_num_threads(THREADS)
        torch.manual_seed(0)
        self.torch, self.work = torch, work
        act = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid}[work.activation]
        layers = []
        for w, b in work.weights():
            dense = torch.nn.Linear(w.shape[1], w.shape[0])
            with torch.no_grad():
                dense.weight.copy_(torch.from_numpy(w))
                dense.bias.copy_(torch.from_numpy(b))
            layers += [dense, act()]
        self.model = torch.nn.Sequential(*layers[:-1])
        kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[work.optimiser]
        optimiser = kind(self.model.parameters(), lr=work.rate)
        x, y = work.data()
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        if work.classes:
            self.y = self.y.long()
            loss = torch.nn.functional.cross_entropy
        else:

            def loss(a, y):
                return 0.5 * ((a - y) ** 2).sum(1).mean()

        def objective(x, y):
            return loss(self.model(x), y)

        objective = torch.compile(objective) if self.compiled else objective

        def step(x, y):
            optimiser.zero_grad(set_to_none=True)
            objective(x, y).backward()
            optimiser.step()

        self.step = step

    def epoch(self) -> float:
        began = time.perf_counter()
        order = self.torch.randperm(self.work.samples)
        for rows in order.split(self.work.batch):
            self.step(self.x[rows], self.y[rows])
        return time.perf_counter() - began

    def weights(self):
        parameters = [p.detach().numpy() for p in self.model.parameters()]
        return list(zip(parameters[::2], parameters[1::2], strict=True))


class TorchCompiled(Torch):
    """PyTorch with the model and loss under torch.compile."""

    compiled = True


class JAXStep:
    """JAX with jax.grad and Optax, one jitted call per batch."""

    def __init__(self, work: Work):
        import jax
        import jax.numpy as jnp
        import optax

        self.jax, self.work = jax, work
        act = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}[work.activation]
        optimiser = {"sgd": optax.sgd, "adam": optax.adam}[work.optimiser](work.rate)
        x, y = work.data()
        self.x, self.y = jnp.asarray(x), jnp.asarray(y)
        self.parameters = [(jnp.asarray(w.T), jnp.asarray(b)) for w, b in work.weights()]
        self.state = optimiser.init(self.parameters)

        def loss(parameters, x, y):
            for w, b in parameters[:-1]:
                x = act(x @ w + b)
            w, b = parameters[-1]
            z = x @ w + b
            if work.classes:
                return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()
            return 0.5 * ((z - y) ** 2).sum(1).mean()

        def update(parameters, state, x, y):
            gradient = jax.grad(loss)(parameters, x, y)
            steps, state = optimiser.update(gradient, state, parameters)
            return optax.apply_updates(parameters, steps), state

        self.update, self.generator = update, np.random.default_rng(0)
        self.prepare()

    def prepare(self):
        self.one = self.jax.jit(lambda p, s, x, y, rows: self.update(p, s, x[rows], y[rows]), donate_argnums=(0, 1))

    def epoch(self) -> float:
        began = time.perf_counter()
        order = self.generator.permutation(self.work.samples).astype(np.int32)
        for start in range(0, self.work.samples, self.work.batch):
            rows = order[start : start + self.work.batch]
            self.parameters, self.state = self.one(self.parameters, self.state, self.x, self.y, rows)
        self.jax.block_until_ready(self.parameters)
        return time.perf_counter() - began

    def weights(self):
        return [(np.asarray(w).T, np.asarray(b)) for w, b in self.parameters]


class JAXScan(JAXStep):
    """JAX with jax.grad and Optax, a lax.scan over the epoch's batches written by hand."""

    def prepare(self):
        jax, batch = self.jax, self.work.batch

        def all_batches(parameters, state, x, y, order):
            def body(carry, rows):
                return self.update(*carry, x[rows], y[rows]), None

            whole = len(order) // batch * batch
            carry, _ = jax.lax.scan(body, (parameters, state), order[:whole].reshape(-1, batch))
            if whole < len(order):
                carry, _ = body(carry, order[whole:])
            return carry

        self.all = jax.jit(all_batches, donate_argnums=(0, 1))

    def epoch(self) -> float:
        began = time.perf_counter()
        order = self.generator.permutation(self.work.samples).astype(np.int32)
        self.parameters, self.state = self.all(self.parameters, self.state, self.x, self.y, order)
        self.jax.block_until_ready(self.parameters)
        return time.perf_counter() - began


class KerasJAX:
    """Keras 3 on JAX: compile and fit."""

    def __init__(self, work: Work):
        import os

        os.environ["KERAS_BACKEND"] = "jax"
        import keras

        self.work = work
        layers = [keras.Input((work.sizes[0],))]
        layers += [keras.layers.Dense(n, activation=work.activation) for n in work.sizes[1:-1]]
        layers.append(keras.layers.Dense(work.sizes[-1]))
        self.model = keras.Sequential(layers)
        self.model.set_weights([part for w, b in work.weights() for part in (w.T, b)])
        kind = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[work.optimiser]
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if work.classes else None
        self.model.compile(kind(work.rate), loss or (lambda y, a: 0.5 * keras.ops.sum((a - y) ** 2, axis=-1)))
        self.x, self.y = work.data()

    def epoch(self) -> float:
        began = time.perf_counter()
        self.model.fit(self.x, self.y, batch_size=self.work.batch, epochs=1, verbose=0)
        return time.perf_counter() - began

    def weights(self):
        arrays = self.model.get_weights()
        return [(w.T, b) for w, b in zip(arrays[::2], arrays[1::2], strict=True)]


class ScikitLearn:
    """scikit-learn's MLP, one pass per partial_fit."""

    def __init__(self, work: Work):
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        self.work = work
        self.x, self.y = work.data()
        options = {
            "hidden_layer_sizes": work.sizes[1:-1],
            "activation": {"relu": "relu", "sigmoid": "logistic"}[work.activation],
            "solver": work.optimiser, "alpha": 0.0, "batch_size": work.batch, "learning_rate_init": work.rate,
            "momentum": 0.0, "nesterovs_momentum": False, "random_state": 0,
        }  # fmt: skip
        if work.classes:
            self.model, self.more = MLPClassifier(**options), {"classes": np.arange(work.sizes[-1])}
        else:
            self.model, self.more, self.y = MLPRegressor(**options), {}, self.y[:, 0]
        self.model.partial_fit(self.x[: work.batch], self.y[: work.batch], **self.more)  # makes the arrays
        for l, (w, b) in enumerate(work.weights()):
            self.model.coefs_[l][...] = w.T
            self.model.intercepts_[l][...] = b

    def epoch(self) -> float:
        began = time.perf_counter()
        self.model.partial_fit(self.x, self.y, **self.more)
        return time.perf_counter() - began

    def weights(self):
        return [(w.T, b) for w, b in zip(self.model.coefs_, self.model.intercepts_, strict=True)]


class MatrixProduct:
    """The machine's own best: float32 products of 1024 × 1024 matrices, by JAX."""

    def __init__(self, work: Work):
        import jax
        import jax.numpy as jnp

        self.a = jnp.ones((1024, 1024), jnp.float32)
        self.product = jax.jit(lambda a: a @ a)
        self.product(self.a).block_until_ready()

    def epoch(self) -> float:
        best = float("inf")
        for _ in range(20):
            began = time.perf_counter()
            self.product(self.a).block_until_ready()
            best = min(best, time.perf_counter() - began)
        return best

    def weights(self):
        return []


PEERS = {
    "pellucid": Pellucid,
    "jax scan": JAXScan,
    "jax step": JAXStep,
    "keras": KerasJAX,
    "torch": Torch,
    "torch compile": TorchCompiled,
    "scikit-learn": ScikitLearn,
    "matrix product": MatrixProduct,
}
