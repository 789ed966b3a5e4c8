"""The update: old weights and their gradient → new weights. Backpropagation computes, the optimiser updates.

SGD, momentum, Nesterov and Adam are written out, for they are what a learner asks about and what small
trainings on NumPy need. Everything else (adamw, rmsprop, lion, …) comes from Optax, by name or as an object.
An optimiser is a hashable description; its state is handed in and out.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from .arrays import Parameters, namespace, start_jax, tree_map
from .errors import InputError, number, one_of, shown

State = Any  # a tree of arrays that only its optimiser understands


@dataclass(frozen=True)
class Optimiser(ABC):
    """w ← w + step(∂C/∂w, state, η).

    The learning rate η is handed to each update, so that another rate or a schedule needs no new program.
    """

    learning_rate: float = field(default=0.1, compare=False)

    name: ClassVar[str]
    jax_only: ClassVar[bool] = False
    elementwise: ClassVar[bool] = False  # whether each weight's update reads that weight's numbers only

    def __post_init__(self):
        rate = number(f"{self.name}: learning_rate", self.learning_rate, "a finite number ≥ 0", 0.0)
        object.__setattr__(self, "learning_rate", rate)

    def start(self, parameters: Parameters) -> State:
        """The state before the first update."""
        return {}

    @abstractmethod
    def update(self, parameters: Parameters, gradient: Parameters, state: State, rate: Any) -> tuple[Parameters, State]:
        """New parameters and new state; the old ones stay as they are."""

    def leaves(self, state: State) -> list[Any]:
        """The arrays and numbers of a state in a fixed order, to be stored."""
        return list(_leaves(state))

    def rebuild(self, template: State, leaves: list[Any]) -> State:
        """A state of the template's structure with other leaves; the inverse of `leaves`."""
        return _rebuild(template, iter(leaves))

    def to_dict(self) -> dict[str, Any]:
        """The description as JSON values."""
        return {"name": self.name, **{f: getattr(self, f) for f in self.__dataclass_fields__}}


def _leaves(tree):
    if isinstance(tree, Mapping):
        tree = [tree[name] for name in sorted(tree)]  # JAX hands mappings back in another order
    elif not isinstance(tree, tuple | list):
        yield tree
        return
    for branch in tree:
        yield from _leaves(branch)


def _rebuild(template, leaves):
    if isinstance(template, Mapping):
        return {name: _rebuild(branch, leaves) for name, branch in sorted(template.items())}
    if isinstance(template, tuple | list):
        return tuple(_rebuild(branch, leaves) for branch in template)
    return next(leaves)


@dataclass(frozen=True)
class SGD(Optimiser):
    """w ← w − η ∂C/∂w; with momentum μ: v ← μv − η ∂C/∂w, w ← w + v. Rumelhart, Hinton & Williams 1986.

    Nesterov's form looks ahead: w ← w + μv − η ∂C/∂w with the new v. Sutskever et al. 2013.

    Args:
        learning_rate: η.
        momentum: μ in [0, 1).
        nesterov: whether to look ahead; needs momentum.

    Raises:
        InputError: a rate or momentum out of range.

    Example:
        >>> import numpy as np
        >>> w, gradient = ({"w": np.array([1.0])},), ({"w": np.array([0.5])},)
        >>> SGD(0.1).update(w, gradient, {}, 0.1)[0]
        ({'w': array([0.95])},)
    """

    momentum: float = 0.0
    nesterov: bool = False

    name = "sgd"
    elementwise = True

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.momentum, bool) or not isinstance(self.momentum, int | float) or not 0 <= self.momentum < 1:
            raise InputError("sgd: momentum", "expected a number in [0, 1)", shown(self.momentum))
        if self.nesterov and not self.momentum:
            raise InputError("sgd: nesterov", "expected a momentum > 0", self.momentum, "Set momentum=0.9.")

    def start(self, parameters):
        return {"v": tree_map(lambda w: w * 0, parameters)} if self.momentum else {}

    def update(self, parameters, gradient, state, rate):
        if not self.momentum:
            return tree_map(lambda w, dC_dw: w - rate * dC_dw, parameters, gradient), state
        v = tree_map(lambda v, dC_dw: self.momentum * v - rate * dC_dw, state["v"], gradient)
        if self.nesterov:
            new = tree_map(lambda w, v, dC_dw: w + self.momentum * v - rate * dC_dw, parameters, v, gradient)
        else:
            new = tree_map(lambda w, v: w + v, parameters, v)
        return new, {"v": v}


@dataclass(frozen=True)
class Adam(Optimiser):
    """m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − η m̂/(√v̂ + ε). Kingma & Ba 2015, algorithm 1.

    g = ∂C/∂w, m̂ = m/(1 − β₁^t), v̂ = v/(1 − β₂^t) after t updates. The same with the two corrections taken
    out of the arrays: w ← w − η_t m/(√v + ε_t), η_t = η √(1 − β₂^t)/(1 − β₁^t), ε_t = ε √(1 − β₂^t).

    Args:
        learning_rate: η.
        beta_1, beta_2: β₁ and β₂ in [0, 1).
        epsilon: ε > 0, outside the root.
        constant_epsilon: ε_t = ε, the paper's shorter form (end of its section 2), which scikit-learn uses.

    Raises:
        InputError: a number out of range.
    """

    learning_rate: float = field(default=0.001, compare=False)
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    constant_epsilon: bool = False

    name = "adam"
    elementwise = True

    def __post_init__(self):
        super().__post_init__()
        for beta in ("beta_1", "beta_2"):
            if number(f"adam: {beta}", getattr(self, beta), "a number in [0, 1)", 0.0) >= 1:
                raise InputError(f"adam: {beta}", "expected a number in [0, 1)", shown(getattr(self, beta)))
        number("adam: epsilon", self.epsilon, "a number > 0", math.ulp(0.0))

    def start(self, parameters):
        zeros = tree_map(lambda w: w * 0, parameters)
        return {"m": zeros, "v": zeros, "t": 0}

    def update(self, parameters, gradient, state, rate):
        t = state["t"] + 1
        m = tree_map(lambda m, g: self.beta_1 * m + (1 - self.beta_1) * g, state["m"], gradient)
        v = tree_map(lambda v, g: self.beta_2 * v + (1 - self.beta_2) * (g * g), state["v"], gradient)
        root = (1 - self.beta_2**t) ** 0.5
        rate_t = rate * root / (1 - self.beta_1**t)
        epsilon_t = self.epsilon if self.constant_epsilon else self.epsilon * root

        def moved(w, m, v):
            return w - rate_t * m / (namespace(v).sqrt(v) + epsilon_t)

        return tree_map(moved, parameters, m, v), {"m": m, "v": v, "t": t}


@dataclass(frozen=True)
class Optax(Optimiser):
    """Any transformation of Optax, by the name of its factory or as an object. Trains on JAX.

    Args:
        learning_rate: η, handed to a factory that is given by name. An object brings its own.
        factory: a name such as "adamw", "rmsprop", "lion", or an `optax.GradientTransformation`.
        options: further arguments of a named factory, as pairs.

    Raises:
        InputError: a name that Optax does not have, or options that its factory does not take.

    Example:
        >>> Optax(0.001, "adamw", options=(("weight_decay", 0.01),)).to_dict()["factory"]
        'adamw'
    """

    learning_rate: float = field(default=0.001, compare=False)
    factory: Any = "adamw"
    options: tuple[tuple[str, Any], ...] = ()

    name = "optax"
    jax_only = True

    @cached_property
    def transformation(self) -> Any:
        """The `optax.GradientTransformation`."""
        if not isinstance(self.factory, str):
            return self.factory
        start_jax()
        import optax

        make: Any = getattr(optax, self.factory, None)
        try:
            # Hyperparameters as state: another learning rate is then a number, not another program.
            static = tuple(name for name, value in self.options if not isinstance(value, float))
            injected = optax.inject_hyperparams(make, static_args=static)
            return injected(learning_rate=float(self.learning_rate), **dict(self.options))
        except (TypeError, ValueError) as error:
            raise InputError(f"optimiser {self.factory}", f"Optax refused it: {error}") from None

    @property
    def sets_rate(self) -> bool:
        """Whether the learning rate can be handed to each update."""
        return isinstance(self.factory, str)

    def start(self, parameters):
        return self.transformation.init(parameters)

    def update(self, parameters, gradient, state, rate):
        if self.sets_rate:
            kind = state.hyperparams["learning_rate"].dtype
            rate = namespace(state.hyperparams["learning_rate"]).asarray(rate, dtype=kind)
            state = state._replace(hyperparams={**state.hyperparams, "learning_rate": rate})
        steps, state = self.transformation.update(gradient, state, parameters)
        return tree_map(lambda w, step: w + step, parameters, steps), state

    def leaves(self, state):
        from jax.tree_util import tree_leaves

        return tree_leaves(state)

    def rebuild(self, template, leaves):
        from jax.tree_util import tree_structure, tree_unflatten

        return tree_unflatten(tree_structure(template), leaves)

    def to_dict(self):
        return {
            "name": self.name,
            "learning_rate": self.learning_rate,
            "factory": self.factory if isinstance(self.factory, str) else "an object",
            "options": dict(self.options),
        }


OWN: dict[str, tuple[type[Optimiser], dict[str, Any]]] = {
    "sgd": (SGD, {}),
    "momentum": (SGD, {"momentum": 0.9}),
    "nesterov": (SGD, {"momentum": 0.9, "nesterov": True}),
    "adam": (Adam, {}),
}


def optimiser(given: str | Optimiser | Any, learning_rate: float | None = None, **options: Any) -> Optimiser:
    """An optimiser from its name, from an Optax transformation, or itself.

    Args:
        given: "sgd", "momentum", "nesterov", "adam", the name of any factory of Optax, an `Optimiser`,
            or an `optax.GradientTransformation`.
        learning_rate: η for an optimiser given by name; None takes its default.
        options: further constants of an optimiser given by name.

    Raises:
        InputError: an unknown name, or constants that it does not take.

    Example:
        >>> optimiser("momentum", 0.5)
        SGD(learning_rate=0.5, momentum=0.9, nesterov=False)
    """
    rate = {} if learning_rate is None else {"learning_rate": learning_rate}
    if not isinstance(given, str):
        if rate or options:
            raise InputError("learning_rate", "expected it inside the optimiser object", shown(learning_rate))
        if isinstance(given, Optimiser):
            return given
        if callable(getattr(given, "init", None)) and callable(getattr(given, "update", None)):
            return Optax(factory=given)
        raise InputError("optimiser", "expected a name, an Optimiser or an Optax transformation", shown(given))
    if given in OWN:
        kind, constants = OWN[given]
        try:
            return kind(**{**constants, **rate, **options})
        except TypeError:
            raise InputError(f"optimiser {given}", "expected its own constants only", shown(options)) from None
    import optax

    if not given.isidentifier() or given.startswith("_") or not callable(getattr(optax, given, None)):
        raise InputError("optimiser", f"expected {one_of(OWN)} or a factory of Optax such as adamw", shown(given))
    made = Optax(factory=given, options=tuple(sorted(options.items())), **rate)
    if not hasattr(made.transformation, "update"):
        raise InputError("optimiser", "expected a factory of a gradient transformation", shown(given))
    return made
