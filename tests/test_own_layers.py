"""The core is general: layers of one's own are trained, explained, checked, saved, drawn as those of the package are."""

import math
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import pellucid as pc
from pellucid.activations import activation
from pellucid.addresses import Derivative, Quantity
from pellucid.backward import losses
from pellucid.expressions import Rest, evaluate, parts, symbols_in
from pellucid.forward import forward
from pellucid.layers import KINDS, Defined, Layer, read_layers, register
from pellucid.operations import Applied, Contraction, Move
from pellucid.records import canonical

from .own_layers import Gated, Squares


@register
@dataclass(frozen=True)
class Convolution(Layer):
    """z_rcj = Σ_uvk w_juvk a_(r+u−1)(c+v−1)k + b_j, 3 × 3 with zeros around the image; a = tanh(z)."""

    n: int
    activation: str = "tanh"
    kind, penalised = "own convolution", ("w",)

    def arrays(self, below):
        return {"w": (self.n, 3, 3, below.shape[-1]), "b": (self.n,)}

    def letters(self, below):
        return {"w": "juvk", "b": "j"}

    def quantities(self, below):
        places = (("r", below.shape[0]), ("c", below.shape[1]))
        z = Contraction("juvk,(r+u-1)(c+v-1)k->rcj", True, places)
        return Defined("z", z, ("w", 0, "b")), Defined("a", Applied(activation(self.activation), "rcj"), ("z",))


@register
@dataclass(frozen=True)
class Flat(Layer):
    """An image as one row."""

    kind = "own flat"

    def quantities(self, below):
        return (Defined("a", Move.of("flatten", below, np.arange(below.size), "j"), (0,)),)


OWN = {kind.kind: KINDS.pop(kind.kind) for kind in (Squares, Gated, Convolution, Flat)}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The kinds are known in these tests only: others read the list of all kinds in messages."""
    for name, kind in OWN.items():
        monkeypatch.setitem(KINDS, name, kind)


def rows():
    """A network whose third layer reads two, and its samples."""
    net = pc.Network(
        pc.Input(3), Squares(3), pc.Dense(3, "tanh"), Gated((1, 2)), pc.Dense(2, "softmax"), loss="cross_entropy",
        l2=0.01, seed=1,
    )  # fmt: skip
    return net, np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0])


def images():
    """A small convolution, and its images."""
    net = pc.Network(
        pc.Input(4, 3, 2), Convolution(2), Flat(), pc.Dense(2, "softmax"), loss="cross_entropy", l2=0.01, seed=1
    )
    return net, np.random.default_rng(0).normal(size=(6, 4, 3, 2)), np.array([0, 1, 1, 0, 1, 0])


BOTH = pytest.mark.parametrize("made", [rows, images])


@BOTH
@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_losses_fall(made, backend):
    net, x, y = made()
    history = net.fit(x, y, epochs=30, batch_size=None, learning_rate=0.3, backend=backend, dtype="float64")
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert net.predict(x).shape == (6,)


@BOTH
def test_both_backends_train_to_the_same_weights(made):
    trained = []
    for backend in ("numpy", "jax"):
        net, x, y = made()
        net.fit(x, y, epochs=3, batch_size=4, optimiser="adam", backend=backend, dtype="float64")
        trained.append(net.parameters)
    for one, other in zip(*trained, strict=True):
        for name, array in one.items():
            np.testing.assert_allclose(array, other[name], rtol=1e-12, atol=1e-14)


@BOTH
def test_gradients_are_those_of_automatic_differentiation(made):
    import jax

    net, x, y = made()
    program, loss = net.architecture.program, net.loss
    t = net.trace(x, y)
    with jax.enable_x64(True):
        jnp = jax.numpy
        parameters = tuple({k: jnp.asarray(a) for k, a in layer.items()} for layer in net.parameters)

        def C(parameters, x):
            return losses(program, loss, forward(program, parameters, x), jnp.asarray(t.y), stable=False).mean()

        by_weights, by_x = jax.grad(C, (0, 1))(parameters, jnp.asarray(x))
    for l, layer in enumerate(by_weights):
        for name, expected in layer.items():
            np.testing.assert_allclose(t[f"dC/d{name}[{l}]"], expected, rtol=1e-12, atol=1e-14)
    for i in range(len(x)):
        np.testing.assert_allclose(t[f"dC{i}/dx"] / len(x), by_x[i], rtol=1e-12, atol=1e-14)


def numbers_of(t, shared=True):
    """The address of every number of a network, for sample 0."""
    for slot in t.records.program.slots:
        for at in np.ndindex(*slot.space.shape):
            if shared or slot.per_sample:
                yield slot, at, Quantity(slot.name, slot.l, at, 0 if slot.per_sample else None, not slot.per_sample)


def stepped(t, slot, at):
    """All numbers of sample 0, and its loss, where one number has an imaginary step: a forward pass of its own."""
    h, program, record = 1e-30, t.records.program, t.records.forward.values
    values = [np.array(v[:1] if s.per_sample else v, complex) for s, v in zip(program.slots, record, strict=True)]
    # of all that is computed later, only what reads the number anew
    for later in program.slots:
        if later.number == slot.number:
            values[slot.number][(0, *at) if slot.per_sample else at] += 1j * h
        elif later.number > slot.number and later.reads:
            values[later.number] = later.operation.value(*(values[r] for r in later.reads))
    C = t.records.loss.C(values[-1], t.records.targets[:1])
    return [v.imag / h for v in values], C[0].imag / h


@BOTH
def test_every_derivative_is_that_of_a_complex_step(made):
    """Both directions: every number of the network by every other, and the loss by every one."""
    net, x, y = made()
    t = net.trace(x[:1], y[:1])
    r, slots = t.records, t.records.program.slots
    chosen = list(numbers_of(t))
    for slot, at, by in chosen if made is rows else chosen[::7]:
        found, dC = stepped(t, slot, at)
        assert r.value(derivative("C", by)) == pytest.approx(dC, rel=1e-12, abs=1e-15)
        for of_slot, of_at, of in chosen if made is rows else chosen[::11]:
            if not of_slot.reads:
                continue
            expected = found[of_slot.number][(0, *of_at) if slots[of_slot.number].per_sample else of_at]
            assert r.value(derivative(of, by)) == pytest.approx(expected, rel=1e-12, abs=1e-15), (of, by)


def derivative(of, by):
    """∂of/∂by, of the loss where `of` is "C"."""
    return Derivative(Quantity("C", sample=0) if of == "C" else of, by)


def unfinished(formula):
    """Whether a formula leaves terms out, whose number stands elsewhere."""
    return (isinstance(formula, Rest) and formula.value is None) or any(map(unfinished, parts(formula)))


@BOTH
def test_every_formula_gives_its_number_and_paths_add_up(made):
    net, x, y = made()
    t = net.trace(x[:2], y[:2])
    seen = set()
    chosen = list(numbers_of(t))[:: 1 if made is rows else 9]
    targets = ["C", Quantity("a", t.records.L, (1,), 0), Quantity("a", 3 if made is rows else 2, (1,), 0)]
    addresses = [q for _, _, q in chosen] + [derivative(of, q) for of in targets for _, _, q in chosen]
    for address in addresses:
        d = t.explain(address, depth=2, terms=None)
        for _, level in d.walk(2):
            if level.address in seen:
                continue
            seen.add(level.address)
            value = float(t.records.value(level.address))
            assert level.value == value
            for formula in (level.indexed, level.numbers):
                if formula is not None and not unfinished(formula):
                    known = {n: t.records.value(n) for n in symbols_in(formula) if not isinstance(n, str)}
                    assert evaluate(formula, known) == pytest.approx(value, rel=1e-11, abs=1e-15), level
            if level.terms:
                assert math.fsum(term.value for term in level.terms) == pytest.approx(value, rel=1e-11, abs=1e-15)
        if not isinstance(address, Quantity) and t.records.depends(canonical(address.of), canonical(address.by)):
            paths = d.paths(10**6)
            assert len(paths.top) == paths.count
            assert paths.positive + paths.negative == pytest.approx(d.value, rel=1e-11, abs=1e-15)
            for path in paths.top[:: 1 if made is rows else 5]:
                known = {n: t.records.value(n) for n in symbols_in(path.indexed)}
                assert evaluate(path.indexed, known) == pytest.approx(path.value, rel=1e-11, abs=1e-15), path


def test_a_slope_beside_another_way_stands_as_its_formula():
    """z[1] reaches a[3] directly and through layer 2: ∂a[3]/∂z[1] is both, so the direct one has no such name."""
    net, x, y = rows()
    d = net.trace(x[:1], y[:1]).explain("delta[1][0]")
    own = [term for term in d.terms if term.label.startswith("a[3]")]
    assert len(own) == 1
    assert "∂C₀/∂a₀⁽³⁾ · (tanh(a₀⁽²⁾) + 1)" in d.to_text()
    assert "δₖ⁽ˡ⁾ = Σⱼ δⱼ⁽ˡ⁺¹⁾ · wⱼₖ⁽ˡ⁺¹⁾ + ∂C₀/∂aₖ⁽³⁾ · (tanh(aₖ⁽ˡ⁺¹⁾) + 1)" in d.to_text()


@BOTH
def test_saved_and_loaded(made, tmp_path):
    net, x, y = made()
    net.fit(x, y, epochs=2, dtype="float64")
    net.save(tmp_path / "model")
    again = pc.load(tmp_path / "model")
    assert again.layers == net.layers
    np.testing.assert_array_equal(again.outputs(x), net.outputs(x))


def test_an_unknown_kind_says_what_to_import(tmp_path, monkeypatch):
    net, _, _ = rows()
    net.save(tmp_path / "model")
    monkeypatch.delitem(KINDS, "squares")
    with pytest.raises(pc.ModelFileError, match=r"got 'squares'.*Import the module that defines and registers it"):
        pc.load(tmp_path / "model")


def test_a_file_of_another_process_is_found_by_its_module(tmp_path):
    net, _, _ = rows()
    net.save(tmp_path / "model")
    code = f"import tests.own_layers, pellucid as pc; print(pc.load({str(tmp_path / 'model')!r}).layers[1].kind)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "squares", done.stderr


def test_a_kind_has_one_name():
    class Other(Layer):
        kind = "dense"

    with pytest.raises(pc.InputError, match="register: dense: expected a kind that no layer has yet"):
        register(Other)
    with pytest.raises(pc.InputError, match="expected a class of layers"):
        register(3)  # type: ignore[arg-type]
    assert register(Squares) is Squares
    assert read_layers("input 3 | squares 4")[1] == Squares(4)


@BOTH
def test_drawn_and_worked_through(made):
    net, x, y = made()
    example = net.trace(x, y).worked_example()
    assert "<svg" in example.to_html()
    name = "dC0/ds[1][0,1]" if made is rows else "dC0/dw[1][0,1,2,1]"
    assert net.trace(x, y).explain(name).to_dict()["value"] == net.trace(x, y)[name]


def test_images_come_in_any_axes_and_are_refused_with_a_sentence():
    net, x, y = images()
    whole = net.outputs(x)
    np.testing.assert_array_equal(net.outputs(x.reshape(6, 24)), whole)
    np.testing.assert_allclose(net.outputs(x[0]), whole[:1], rtol=1e-12)
    assert net.trace(x[0], y[:1]).records.x.shape == (1, 4, 3, 2)
    with pytest.raises(
        pc.ShapeError, match=r"x: expected \(n, 4, 3, 2\): a sample's shape is \(4, 3, 2\), got \(6, 4\)"
    ):
        net.predict(x[:, :, 0, 0])
    x[3, 1, 0, 1] = np.nan
    for use in (net.predict, lambda x: net.fit(x, y), lambda x: net.trace(x, y)):
        with pytest.raises(pc.InputError, match=r"x, sample 3, place \(1, 0, 1\): expected a finite number"):
            use(x)
