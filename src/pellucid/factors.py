"""The two factors of every derivative in a weight, and their contractions, written once for all layers.

    ∂C_i/∂w_jk = Σ_t δ_itj a_itk        i sample, t use of the weight, j node, k node below

A layer hands over δ (n, n_l) and a (n, n_(l−1)), or (n, t, n_l) and (n, t, n_(l−1)) where a weight is used
several times per sample. Summed over samples the factors give the gradient that training uses; left apart
they give each sample's own gradient, its norm and its inner products with the others', without forming it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from .arrays import Array, einsum, is_numpy, namespace
from .errors import InputError


class Factors(ABC):
    """The factors of the derivative in one array of one layer."""

    delta: Array

    @abstractmethod
    def mean(self, weights: Array | None = None) -> Array:
        """∂C/∂w = Σ_i s_i ∂C_i/∂w, in the shape of the array; s_i = 1/n, or the given weights (n,) of sum 1."""

    @abstractmethod
    def per_sample(self) -> Array:
        """∂C_i/∂w for each sample i, (n, …shape of the array)."""

    @abstractmethod
    def inner(self) -> Array:
        """⟨∂C_i/∂w, ∂C_i′/∂w⟩ for each pair of samples, (n, n)."""

    @abstractmethod
    def squared_norms(self) -> Array:
        """‖∂C_i/∂w‖² of each sample, (n,)."""

    @abstractmethod
    def of_sample(self, i: int) -> Factors:
        """The factors of sample i alone."""

    @abstractmethod
    def part(self, index: tuple[int, ...]) -> Array:
        """∂C/∂w of one entry, of the entries whose first indices these are, or of all: averaged over the samples."""

    def entries(self, index: tuple[int, ...]) -> Array:
        """∂C_i/∂w of one entry for every sample, (n,)."""
        return self.per_sample()[(slice(None), *index)]

    @abstractmethod
    def entry(self, i: int, *index: int) -> Array:
        """∂C_i/∂w_jk, or ∂C_i/∂b_j: one number."""


def with_uses(array: Array) -> Array:
    """(n, nodes) → (n, 1, nodes): a dense layer uses each weight once."""
    return array[:, None, :] if array.ndim == 2 else array


def weighted(delta: Array, weights: Array | None) -> Array:
    """s_i δ_ij, flattened over samples and uses to (n·t, n_l), for the sum over both."""
    if weights is not None:
        delta = delta * weights.reshape((-1,) + (1,) * (delta.ndim - 1))
    return delta.reshape((-1, delta.shape[-1]))


@dataclass(frozen=True)
class Outer(Factors):
    """∂C_i/∂w_jk = Σ_t δ_itj a_itk, array (n_l, n_(l−1))."""

    delta: Array
    a: Array

    def mean(self, weights=None):
        delta, a = weighted(self.delta, weights), self.a.reshape((-1, self.a.shape[-1]))
        # XLA's loops run along the last axis: it gets the longer one, and `compiled` keeps the weights that way too.
        lying = not is_numpy(a) and delta.shape[1] > a.shape[1]
        total = a.T @ delta if lying else delta.T @ a  # Σ_i δ_ij a_ik
        mean = total if weights is not None else total / self.delta.shape[0]
        return mean.T if lying else mean

    def per_sample(self):
        delta, a = with_uses(self.delta), with_uses(self.a)
        return delta.swapaxes(1, 2) @ a  # (n, j, t) @ (n, t, k)

    def inner(self):
        if self.delta.ndim == 2:
            return (self.delta @ self.delta.T) * (self.a @ self.a.T)
        xp, (n, uses, _) = namespace(self.a), self.delta.shape
        delta, a = self.delta.reshape((n * uses, -1)), self.a.reshape((n * uses, -1))
        # Σ_t Σ_t′ (δ_it · δ_i′t′)(a_it · a_i′t′)
        return xp.sum(((delta @ delta.T) * (a @ a.T)).reshape((n, uses, n, uses)), axis=(1, 3))

    def squared_norms(self):
        xp = namespace(self.a)
        if self.delta.ndim == 2:
            return xp.sum(self.delta**2, axis=-1) * xp.sum(self.a**2, axis=-1)
        grams = (self.delta @ self.delta.swapaxes(1, 2)) * (self.a @ self.a.swapaxes(1, 2))
        return xp.sum(grams, axis=(1, 2))

    def of_sample(self, i):
        return Outer(self.delta[i : i + 1], self.a[i : i + 1])

    def entries(self, index):
        j, k = index
        each = self.delta[..., j] * self.a[..., k]
        return each if each.ndim == 1 else namespace(each).sum(each, axis=1)

    def part(self, index):
        j, k = (*index, slice(None), slice(None))[:2]
        delta, a = weighted(self.delta, None)[:, j], self.a.reshape((-1, self.a.shape[-1]))[:, k]
        if delta.ndim == a.ndim == 2:
            return delta.T @ a / self.delta.shape[0]
        return (delta * a if delta.ndim == a.ndim else delta[:, None] * a).sum(axis=0) / self.delta.shape[0]

    def entry(self, i, *index):
        if len(index) != 2:  # one would give the sum over all k
            raise InputError("entry", "expected the nodes j and k, as in w_jk", index)
        j, k = index
        return namespace(self.a).sum(self.delta[i, ..., j] * self.a[i, ..., k])


@dataclass(frozen=True)
class Bias(Factors):
    """∂C_i/∂b_j = Σ_t δ_itj: a weight on a constant input 1, array (n_l,)."""

    delta: Array

    def mean(self, weights=None):
        total = weighted(self.delta, weights).sum(axis=0)
        return total if weights is not None else total / self.delta.shape[0]

    def per_sample(self):
        return namespace(self.delta).sum(with_uses(self.delta), axis=1)

    def inner(self):
        d = self.per_sample()
        return d @ d.T

    def squared_norms(self):
        return namespace(self.delta).sum(self.per_sample() ** 2, axis=-1)

    def of_sample(self, i):
        return Bias(self.delta[i : i + 1])

    def entries(self, index):
        each = self.delta[..., index[0]]
        return each if each.ndim == 1 else namespace(each).sum(each, axis=1)

    def part(self, index):
        return self.mean()[index]

    def entry(self, i, *index):
        return namespace(self.delta).sum(self.delta[i, ..., index[0]])


@dataclass(frozen=True)
class Scale(Factors):
    """∂C_i/∂w_j = Σ_t δ_itj a_itj: a weight per node, such as the scale of a normalisation, array (n_l,)."""

    delta: Array
    a: Array

    def mean(self, weights=None):
        return Bias(self.delta * self.a).mean(weights)

    def per_sample(self):
        return Bias(self.delta * self.a).per_sample()

    def inner(self):
        return Bias(self.delta * self.a).inner()

    def squared_norms(self):
        return Bias(self.delta * self.a).squared_norms()

    def of_sample(self, i):
        return Scale(self.delta[i : i + 1], self.a[i : i + 1])

    def part(self, index):
        return self.mean()[index]

    def entry(self, i, *index):
        return Bias(self.delta * self.a).entry(i, *index)


class Formed(Factors):
    """Factors whose norms and inner products come from each sample's own derivative."""

    def inner(self):
        each = self.per_sample()
        rows = each.reshape((each.shape[0], -1))
        return rows @ rows.T

    def squared_norms(self):
        each = self.per_sample()
        return namespace(each).sum(each.reshape((each.shape[0], -1)) ** 2, axis=-1)

    def of_sample(self, i):
        return Each(self.per_sample()[i : i + 1])

    def part(self, index):
        return self.mean()[index]

    def entry(self, i, *index):
        return self.per_sample()[(i, *index)]


@dataclass(frozen=True)
class Contracted(Formed):
    """∂C_i/∂w for w in any contraction: Σ δ a over the letters that w does not have."""

    letters: str  # of the array
    above: str  # of δ
    delta: Array
    below: str  # of a
    a: Array

    def mean(self, weights=None):
        n = self.delta.shape[0]
        delta = self.delta if weights is None else self.delta * weights.reshape((n,) + (1,) * (self.delta.ndim - 1))
        total = einsum(f"n{self.above},n{self.below}->{self.letters}", delta, self.a)
        return total if weights is not None else total / n

    def per_sample(self):
        return einsum(f"n{self.above},n{self.below}->n{self.letters}", self.delta, self.a)


@dataclass(frozen=True)
class Each(Formed):
    """∂C_i/∂w of each sample as it stands, (n, …shape of the array)."""

    delta: Array

    def mean(self, weights=None):
        n = self.delta.shape[0]
        if weights is None:
            return namespace(self.delta).sum(self.delta, axis=0) / n
        return namespace(self.delta).sum(self.delta * weights.reshape((n,) + (1,) * (self.delta.ndim - 1)), axis=0)

    def per_sample(self):
        return self.delta


@dataclass(frozen=True)
class Through(Formed):
    """∂C_i/∂w where w is read by way of something computed from it alone: s = f(w), pulled back by `back`."""

    outer: Factors  # of s
    back: Callable[[Array], Array]  # (n, …s) → (n, …w)
    delta: Array

    def mean(self, weights=None):
        return self.back(self.outer.mean(weights)[None])[0]

    def per_sample(self):
        return self.back(self.outer.per_sample())


@dataclass(frozen=True)
class Together(Formed):
    """∂C_i/∂w where w is read in several places: the sum over these."""

    places: tuple[Factors, ...]

    @property
    def delta(self):
        return self.places[0].delta

    def mean(self, weights=None):
        means = [place.mean(weights) for place in self.places]
        return sum(means[1:], means[0])

    def per_sample(self):
        each = [place.per_sample() for place in self.places]
        return sum(each[1:], each[0])
