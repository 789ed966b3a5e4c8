import json
import re
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pellucid as pc
from pellucid.architecture import Architecture, Penalty
from pellucid.errors import AddressError, InputError
from pellucid.explain import Trace
from pellucid.explain.render import blocks as b
from pellucid.explain.render.drawing import Drawn, chosen_nodes, draw
from pellucid.explain.render.svg import to_svg
from pellucid.explain.render.tikz import to_tikz
from pellucid.explain.worked import worked_example
from pellucid.losses import loss
from pellucid.records import Records

from .networks import network, records
from .own_layers import Filter, InARow, Plus, Squares
from .test_render_html import check_page
from .test_render_latex import check_balanced, check_fits, compiled, needs_tex


def schema(package, name):
    return json.loads(resources.files(package).joinpath(name).read_text())


@pytest.fixture(scope="module")
def small():
    """The 6 → 4 output layer of the textbooks."""
    net = network((3, 6, 4), ("sigmoid", "sigmoid"))
    return worked_example(Records(net, net.initial(1), [[0.5, -0.2, 0.9]], [[0.0, 1.0, 0.0, 0.0]]), learning_rate=0.5)


@pytest.fixture(scope="module")
def large():
    net = network((40, 30, 20), ("relu", "softmax"), "cross_entropy", l2=0.01)
    x = np.random.default_rng(0).normal(size=(3, 40))
    return worked_example(
        Records(net, net.initial(1), x, np.array([3, 1, 7])), 1, addresses=["dC0/dw[L][1,25]", "a[1][4]"]
    )


def all_blocks(page):
    return [block for section in page.sections for block in section.blocks]


def entries(block):
    yield block
    for child in block.children:
        yield from entries(child)


# ── the numbers ───────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=30)
@given(records(), st.data())
def test_the_update_uses_only_old_weights(r, data):
    """The gradient, the new weights and the loss afterwards, computed a second way."""
    i, rate = data.draw(st.integers(0, r.samples - 1)), data.draw(st.sampled_from([0.01, 0.5]))
    e = worked_example(r, i, learning_rate=rate)
    one = Records(r.architecture, r.parameters, r.x[i : i + 1], r.y[i : i + 1])
    total = 0.0
    for l, arrays in enumerate(r.parameters):
        for name, array in arrays.items():
            slope = r.value(f"dC{i}/d{name}[{l}]") + (r.penalty.dR_dw(array) if name == "w" and r.penalty.any else 0)
            np.testing.assert_allclose(e.gradient[l][name], slope, rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose(e.updated.parameters[l][name], array - rate * slope, rtol=1e-12, atol=1e-14)
            with np.errstate(over="ignore"):
                total += float((np.asarray(slope) ** 2).sum())
    if np.isfinite(total):
        assert e.predicted == pytest.approx(-rate * total)
    again = Records(r.architecture, e.updated.parameters, one.x, one.y)
    assert again.C[0] == e.updated.C[0] or np.isnan(again.C[0])


def test_for_a_small_step_the_prediction_is_right(small):
    e = worked_example(small.records, learning_rate=1e-6)
    assert e.objective(e.updated) - e.objective(e.records) == pytest.approx(e.predicted, rel=1e-5)


def test_a_small_network_is_complete(small):
    """Every weight, bias, z, a and derivative stands on the page with its number."""
    assert small.complete
    page = small.to_html()
    r = small.records
    for l in (1, 2):
        for name in ("w", "b"):
            for index in np.ndindex(r.parameters[l][name].shape):
                at = ",".join(map(str, index))
                assert f'data-address="dC0/d{name}[{l}][{at}]"' in page
                assert f'data-address="{name}[{l}][{at}]"' in page
        for j in range(r.n[l]):
            assert f'data-address="z[{l}][{j}]"' in page
    assert len(small.to_dict()["update"]["changes"]) == 6 * 3 + 6 + 4 * 6 + 4


def test_the_textbooks_weight_is_explained(small):
    assert small.addresses == ("dC0/dw[2][1,2]", "dC0/dw[1][1,2]")
    assert small.drawing.sizes == (3, 6, 4)
    assert [(edge.l, edge.j, edge.k) for edge in small.drawing.edges if edge.chosen] == [(1, 1, 2), (2, 1, 2)]
    first = next(x for x in all_blocks(small.page()) if isinstance(x, b.Entry) and str(x.address) == "dC0/dw[2][1,2]")
    assert [str(child.address) for child in first.children] == [
        "dC0/da[2][1]",
        "da[2][1]/dz[2][1]",
        "dz[2][1]/dw[2][1,2]",
    ]


def test_a_large_network_shows_what_was_chosen(large):
    assert not large.complete
    assert large.layers == ()
    assert large.addresses == ("dC0/dw[2][1,25]",)
    assert large.others == ("a[1][4]",)
    changes = large.to_dict()["update"]["changes"]
    assert [change["address"] for change in changes] == ["w[2][1,25]"]
    assert len(large.to_html()) < 300_000


def test_the_sample_is_the_one_that_was_asked_for(large):
    assert large.records.x.shape == (1, 40)
    assert large.records.targets[0].argmax() == 1


def test_layers_can_be_listed_in_a_large_network(large):
    e = worked_example(large.records, layers=[2])
    assert len(e.to_dict()["update"]["changes"]) == 20 * 30 + 20 + 1  # and the weight of layer 1 that is explained


def test_every_section_is_there_in_order(small):
    names = [section.name for section in small.page().sections]
    assert names == [
        "network", "notation", "given", "forward", "loss", "backward-2", "backward-1", "update", "afterwards", "proof",
    ]  # fmt: skip


# ── the outputs ───────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=6)
@given(records(samples=1))
def test_every_output_of_random_networks(r):
    e = worked_example(r, depth=1)
    check_page(e.to_html())
    check_balanced(e.to_latex())
    text, pictures = e.to_markdown()
    assert text.count("$$") % 2 == 0
    assert list(pictures) == ["network.svg"]
    json.dumps(e.to_notebook(), allow_nan=False)
    validated(e.to_dict())


def validated(example):
    """Raise an error unless its JSON is as the schema has it; the schema sees what should not be there."""
    import jsonschema
    from referencing import Registry, Resource

    written = json.loads(json.dumps(example, allow_nan=False))
    schemas = [
        schema("pellucid.explain", "derivation.schema.json"),
        schema("pellucid.explain.worked", "worked.schema.json"),
    ]
    registry = Registry().with_resources([(s["$id"], Resource.from_contents(s)) for s in schemas])
    validator = jsonschema.Draft202012Validator(schemas[1], registry=registry)
    validator.validate(written)
    written["derivations"][0]["surprise"] = 1
    assert not validator.is_valid(written)


@needs_tex
def test_documents_compile_and_fit(small, large, tmp_path):
    for e in (small, large):
        check_fits(compiled(tmp_path, e.to_latex()))


def test_the_notebook_runs_and_agrees(small):
    """The cells, one after the other in one namespace, give the example's own numbers."""
    spaces = {}
    notebook = small.to_notebook()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), spaces)
    assert spaces["t"].C[0] == small.records.C[0]
    assert spaces["after"].C[0] == small.updated.C[0]
    for l in (1, 2):
        np.testing.assert_array_equal(spaces["new"].w[l], small.updated.parameters[l]["w"])
        np.testing.assert_array_equal(spaces["new"].b[l], small.updated.parameters[l]["b"])


def test_the_notebook_of_a_large_network_loads_its_model(large, tmp_path, monkeypatch, capsys):
    net = pc.Network.of(large.records.architecture, large.records.parameters)
    path = net.save(tmp_path / "m.safetensors")
    e = worked_example(large.records, model=str(path))
    spaces = {}
    for cell in e.to_notebook()["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), spaces)
    assert spaces["after"].C[0] == pytest.approx(e.updated.C[0], rel=1e-12)


@pytest.mark.parametrize("g, C, options", [
    ("leaky_relu", "huber", {"l2": 0.1}), ("elu", "squared_error", {"bias": False}), ("tanh", "half_squared_error", {"l1": 0.1}),
])  # fmt: skip
def test_the_notebook_rebuilds_any_small_network(g, C, options, capsys):
    net = network((2, 3, 1), (g, "linear"), C, **options)
    e = worked_example(Records(net, net.initial(0), [[0.3, -0.7]], [[1.0]]))
    spaces = {}
    for cell in e.to_notebook()["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), spaces)
    assert spaces["net"].architecture == net
    assert spaces["after"].C[0] == pytest.approx(e.updated.C[0], rel=1e-12)


def test_notebooks_have_the_format_of_nbformat(small):
    notebook = small.to_notebook()
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        required = {"cell_type", "id", "metadata", "source"}
        required |= {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == required
        assert all(isinstance(line, str) for line in cell["source"])
        assert all(line.endswith("\n") for line in cell["source"][:-1])
    assert "data:image/svg+xml;base64," in "".join("".join(cell["source"]) for cell in notebook["cells"])


@pytest.mark.parametrize("ending", ["html", "tex", "md", "ipynb", "json"])
def test_save_writes_what_the_ending_says(small, tmp_path, ending):
    files = small.save(tmp_path / f"out.{ending}")
    assert files[0] == tmp_path / f"out.{ending}"
    assert len(files) == (2 if ending == "md" else 1)
    text = files[0].read_text(encoding="utf-8")
    starts = {
        "html": "<!DOCTYPE html>",
        "tex": "% Made by Pellucid",
        "md": "# A worked example",
        "ipynb": "{",
        "json": "{",
    }
    assert text.startswith(starts[ending])
    if ending == "md":
        assert f"({files[1].name})" in text
        assert files[1].read_text(encoding="utf-8").startswith('<svg xmlns="http://www.w3.org/2000/svg"')


def test_how_a_notebook_shows_it(small):
    bundle = small._repr_mimebundle_()
    assert bundle["text/html"].startswith('<div class="pellucid">')
    assert "3-6-4" in bundle["text/plain"]
    assert small.drawing._repr_svg_().startswith("<svg ")


def test_one_label_of_an_untrained_network_is_enough():
    net = pc.mlp([2, 3], "softmax", loss="cross_entropy", seed=0)
    assert net.trace([1.0, 2.0], [1]).y.tolist() == [[0.0, 1.0, 0.0]]
    with pytest.raises(InputError, match="expected labels 0 … 2, got 3 … 3"):
        net.trace([1.0, 2.0], [3])


def test_from_a_trace():
    net = pc.mlp([2, 2, 1], seed=0)
    e = net.trace([[1.0, 2.0], [3.0, 4.0]], [[0.0], [1.0]]).worked_example(1, learning_rate=0.5)
    assert e.records.x.tolist() == [[3.0, 4.0]]


# ── the drawing ───────────────────────────────────────────────────────────────────────────────────


def test_a_small_network_is_drawn_whole(small):
    drawing = small.drawing
    assert len(drawing.nodes) == 3 + 6 + 4
    assert len(drawing.edges) == 6 * 3 + 4 * 6
    svg = to_svg(drawing, str)
    assert svg.count("<line ") == 42
    assert 'data-address="w[2][1,2]"' in svg
    assert to_tikz(drawing).count(r"\draw[") == 42


def test_a_large_layer_is_abbreviated_but_keeps_what_is_chosen():
    layers = (
        Drawn((100,)),
        Drawn((50,), "tanh", (0,), np.ones((50, 100))),
        Drawn((2,), "tanh", (1,), np.ones((2, 50))),
    )
    drawing = draw(layers, chosen=[(1, 30, 70), (2, 1, 30)])
    shown = {(n.l, n.j) for n in drawing.nodes}
    assert {(0, 70), (1, 30), (2, 1), (0, 99), (1, 49), (0, None), (1, None)} <= shown
    assert len([n for n in drawing.nodes if n.l == 0]) <= 11
    assert sum(edge.chosen for edge in drawing.edges) == 2


@settings(max_examples=100)
@given(st.integers(1, 200), st.lists(st.integers(0, 199), max_size=4), st.integers(3, 12))
def test_chosen_nodes_are_in_order_with_gaps_where_some_are_missing(size, wanted, room):
    wanted = [j for j in wanted if j < size][: room - 2]
    found = chosen_nodes(size, wanted, room)
    nodes = [j for j in found if j is not None]
    assert nodes == sorted(set(nodes))
    assert set(wanted) <= set(nodes)
    assert size - 1 in nodes
    assert len(nodes) <= max(room - 1, size if size <= room else 0)
    for left, right in pairwise(found):
        assert (left is None) != (right is None) or right == left + 1
    for i, j in enumerate(found):
        if j is None:
            assert found[i + 1] - (found[i - 1] if i else -1) > 1


def test_infinite_weights_are_drawn():
    to_svg(draw((Drawn((1,)), Drawn((1,), "linear", (0,), np.array([[np.inf]])))), str)


# ── any network ───────────────────────────────────────────────────────────────────────────────────


def residual():
    """Two layers of one's own: one that squares its weights, one that reads two layers."""
    layers = pc.Input(3), pc.Dense(4, "tanh"), Squares(4), Plus(reads=(1, 2)), pc.Dense(2, "softmax")
    net = Architecture(layers, loss("cross_entropy"), Penalty(0.01, 0.0))
    return worked_example(Records(net, net.initial(0), [[0.3, -0.2, 0.9]], np.array([1])), learning_rate=0.5)


def image():
    """An image through a convolution of one's own."""
    net = Architecture((pc.Input(3, 4, 2), Filter(2), InARow(), pc.Dense(2, "softmax")), loss("cross_entropy"))
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 2))
    return worked_example(Records(net, net.initial(1), x, np.array([1])), learning_rate=0.5, layers=[1, 2, 3])


@pytest.mark.parametrize("made", [residual, image])
def test_any_network_is_worked_out_in_every_format(made, capsys):
    e = made()
    page = e.to_html()
    check_page(page)
    check_balanced(e.to_latex())
    validated(e.to_dict())
    for l, arrays in enumerate(e.records.parameters):
        for name, array in arrays.items():
            for index in np.ndindex(array.shape):
                assert f'data-address="dC0/d{name}[{l}][{",".join(map(str, index))}]"' in page
    spaces = {}
    for cell in e.to_notebook()["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), spaces)
    assert spaces["net"].architecture == e.records.architecture
    assert spaces["after"].C[0] == pytest.approx(e.updated.C[0], rel=1e-12)


def test_the_numbers_of_any_network_are_those_of_its_quantities():
    e = residual()
    r, layers = e.records, e.to_dict()["layers"]
    assert [layer.get("kind", "dense") for layer in layers] == ["dense", "squares", "plus", "dense"]
    assert layers[2]["reads"] == [1, 2]
    s, z = layers[1]["quantities"]
    assert (s["name"], s["letters"], z["name"]) == ("s", "jk", "z")
    np.testing.assert_array_equal(s["value"], r.parameters[2]["w"] ** 2)
    np.testing.assert_array_equal(z["value"], r.value("z[2]"))
    np.testing.assert_array_equal(s["derivative"], r.value("dC0/ds[2]"))
    penalty = r.penalty.dR_dw(r.parameters[2]["w"])
    np.testing.assert_allclose(e.gradient[2]["w"], r.value("dC0/dw[2]") + penalty, rtol=1e-14)
    by_way = {s.name: s.blocks[0].text for s in e.page().sections if s.name.startswith("backward")}
    assert "through every node of layer 4" not in by_way["backward-1"]
    assert "through layers 2 and 3" in by_way["backward-1"]


def test_what_weighs_nodes_is_drawn_with_lines_and_the_rest_with_arrows():
    drawing = residual().drawing
    assert {edge.l: edge.name for edge in drawing.edges} == {1: "w", 2: "s", 4: "w"}
    assert [(a.below, a.l, a.skips) for a in drawing.arrows] == [(1, 3, True), (2, 3, False)]
    assert not drawing.boxes
    svg = to_svg(drawing, str)
    assert 'data-address="s[2][1,2]"' in svg
    assert svg.count('class="arrow"') == 2
    drawing = image().drawing
    assert [(box.l, box.shape) for box in drawing.boxes] == [(0, (3, 4, 2)), (1, (3, 4, 2))]
    assert [(a.below, a.l) for a in drawing.arrows] == [(0, 1), (1, 2)]
    assert {edge.l for edge in drawing.edges} == {3}
    assert to_tikz(drawing).count(r"\draw[->") == 2


@pytest.mark.parametrize("made", [residual, image])
def test_every_object_has_a_short_text_and_the_formats_of_notebooks(made):
    e = made()
    t = pc.Network.of(e.records.architecture, e.records.parameters)
    t = Trace(t.architecture, t.parameters, e.records.x, e.records.y)
    for shown in (t, t.paths(e.addresses[0]), t.nudge(str(e.chosen[0].by), 0.1), t.explain(e.addresses[0]), e):
        bundle = shown._repr_mimebundle_()
        assert set(bundle) == {"text/plain", "text/html", "text/markdown", "text/latex"}
        assert len(bundle["text/plain"]) < 3000
        assert bundle["text/html"].startswith('<div class="pellucid">')
        assert bundle["text/markdown"].count("$$") % 2 == 0
        assert "tikzpicture" not in bundle["text/latex"]
        assert len(repr(shown)) < 200
    assert repr(e.drawing) == f"<Drawing of a {'-'.join(map(str, t.n))} network>"


# ── what is refused ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("options, said", [
    ({"sample": 3}, "sample: there are 1 samples, so expected 0 … 0, got 3"),
    ({"learning_rate": 0.0}, "learning_rate: expected a finite number > 0, got 0.0"),
    ({"digits": 0}, "digits: expected a number from 1 to 17, got 0"),
    ({"layers": [3]}, "layers: the layers with weights are 1 … 2, got 3"),
])  # fmt: skip
def test_refused(small, options, said):
    with pytest.raises(InputError) as error:
        worked_example(small.records, **options)
    assert str(error.value).startswith(said)


def test_an_address_that_names_nothing_is_refused(small):
    with pytest.raises(AddressError, match="layer 2 has 4 nodes"):
        worked_example(small.records, addresses=["dC0/dw[2][5,3]"])


def test_an_ending_that_says_nothing_is_refused(small, tmp_path):
    with pytest.raises(InputError, match=r"expected a file that ends with one of \.html, \.ipynb, \.json, \.md, \.tex"):
        small.save(tmp_path / "out.pdf")
    assert not list(tmp_path.iterdir())


def test_a_heading_may_say_anything(small):
    title = "50 % of {w[1][0,0]} & <b>_x_</b> \\ $1"
    e = worked_example(small.records, title=title)
    check_page(e.to_html())
    check_balanced(e.to_latex())
    assert "&lt;b&gt;" in e.to_html()
    assert r"50 \% of \{w[1][0,0]\} \& " in e.to_latex()
    assert "\\<b>" in e.to_markdown()[0].splitlines()[0]
