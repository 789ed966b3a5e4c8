import contextlib
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.addresses import NAMES, Derivative, Letter, Name, Quantity
from pellucid.errors import AddressError
from pellucid.layers import Dense, Input
from pellucid.program import program
from pellucid.symbols import parse, resolve

# How many indices each symbol of the notation has in a dense network, and whether it has a layer.
INDICES = {
    "w": 2,
    "b": 1,
    "z": 1,
    "a": 1,
    "g": 1,
    "g'": 1,
    "delta": 1,
    "w+": 2,
    "b+": 1,
    "x": 1,
    "y": 1,
    "C": 0,
    "R": 0,
}
UNLAYERED, SHARED = {"x", "y", "C", "R"}, {"w", "b", "w+", "b+", "R"}
COMPUTED, VARIABLE = ("z", "a", "g", "C", "R"), ("w", "b", "z", "a", "g", "x", "y")


def net(*n):
    return program((Input(n[0]), *map(Dense, n[1:])))


numbers = st.integers(0, 2000)
layer_letters = st.builds(Letter, st.sampled_from("lL"), st.integers(-3, 3))
layers = numbers | layer_letters
node_letters = st.builds(Letter, st.sampled_from("jkm"))
nodes = numbers | node_letters
samples = numbers


@st.composite
def quantities(draw, names=tuple(INDICES)):
    name = draw(st.sampled_from(names))
    layer = None if name in UNLAYERED else draw(layers)
    found = tuple(draw(st.lists(nodes, max_size=INDICES[name])))
    if name in ("x", "y") and not found:
        found = (0,)
    sample = None if name in SHARED else draw(samples)
    if name == "C":
        sample = draw(st.none() | samples)
    return Quantity(name, layer, found, sample)


@st.composite
def derivatives(draw):
    of = draw(quantities(COMPUTED))
    by = draw(quantities(VARIABLE))
    if of.sample is not None and by.sampled:
        by = Quantity(by.name, by.layer, by.nodes, of.sample)
    return Derivative(of, by)


addresses = quantities() | derivatives()


@settings(max_examples=400, deadline=None)
@given(addresses)
def test_every_address_reads_back_from_every_spelling(address):
    for spelling in (str(address), address.unicode(), address.latex()):
        assert parse(spelling) == address, spelling
    assert str(parse(str(address))) == str(address)


@settings(max_examples=100, deadline=None)
@given(addresses)
def test_mathml_is_well_formed_and_carries_addresses(address):
    root = ElementTree.fromstring(address.mathml())
    assert root.get("data-address") == str(address)
    for element in root.iter():
        if found := element.get("data-address"):
            parse(found)
        assert element.tag in {"mrow", "mi", "mn", "mo", "msub", "msup", "msubsup", "mfrac"}


@pytest.mark.parametrize("text, same", [
    ("w[2][1,2]", "w[2][1,2]"),
    ("w[ 2 ][ 1 , 2 ]", "w[2][1,2]"),
    ("w[2][1][2]", "w[2][1,2]"),
    ("w_{1,2}^{(2)}", "w[2][1,2]"),
    ("w^{(2)}_{1,2}", "w[2][1,2]"),
    ("w_{1,2}^2", "w[2][1,2]"),
    ("w_{1,2}^{[2]}", "w[2][1,2]"),
    ("w_{1 2}^{(2)}", "w[2][1,2]"),
    (r"w_{1\,2}^{(2)}", "w[2][1,2]"),
    (r"$w_{1,2}^{(2)}$", "w[2][1,2]"),
    (r"\mathbf{W}^{(2)}", "w[2]"),
    ("W^{(2)}", "w[2]"),
    ("w_1,2^(2)", "w[2][1,2]"),
    ("w_jk^(l)", "w[l][j,k]"),
    ("w_{jk}^{(l)}", "w[l][j,k]"),
    (r"\delta_j^{(\ell)}", "delta[l][j]"),
    ("δ_j^(l)", "delta[l][j]"),
    ("a₃⁽¹⁾@7", "a[1][3]@7"),
    ("a_3^(1)@7", "a[1][3]@7"),
    ("C0", "C[0]"), ("C_0", "C[0]"), ("C_{0}", "C[0]"), ("C[0]", "C[0]"), ("C₀", "C[0]"), ("C", "C"),
    ("x_5", "x[5]"), ("y_1", "y[1]"), ("x[5]", "x[5]"),
    ("dC0/dw[L][1,2]", "dC0/dw[L][1,2]"),
    ("dC_0 / dw[L-1][1,2]", "dC0/dw[L-1][1,2]"),
    ("∂C_0/∂w_1,2^(L)", "dC0/dw[L][1,2]"),
    (r"\frac{\partial C_0}{\partial w_{1,2}^{(L)}}", "dC0/dw[L][1,2]"),
    (r"\dfrac{\partial C_0}{\partial w^{(L)}_{1,2}}", "dC0/dw[L][1,2]"),
    (r"\frac{\mathrm{d} C_0}{\mathrm{d} w_{1,2}^{(L)}}", "dC0/dw[L][1,2]"),
    (r"\frac{dC_0}{dw_{1,2}^{(L)}}", "dC0/dw[L][1,2]"),
    (r"\frac{\partial}{\partial w_{1,2}^{(L)}} C_0", "dC0/dw[L][1,2]"),
    (r"\partial C_0 / \partial w_{1,2}^{(L)}", "dC0/dw[L][1,2]"),
    (r"{\partial C_0 \over \partial w_{1,2}^{(L)}}", "dC0/dw[L][1,2]"),
    (r"\left.\frac{\partial a_1^{(2)}}{\partial z_1^{(2)}}\right|_{i=7}", "da[2][1]/dz[2][1]@7"),
    ("da[2][1]/dz[2][1]@7", "da[2][1]/dz[2][1]@7"),
    ("da[2][1]@7/dz[2][1]@7", "da[2][1]/dz[2][1]@7"),
    ("da[2][1]/dw[2][1,0]@7", "da[2][1]/dw[2][1,0]@7"),
    ("dC7/dz[2][4]", "dC7/dz[2][4]"),
    ("dC7/dz[2][4]@7", "dC7/dz[2][4]"),
    ("dC/dz[2][4]@7", "dC/dz[2][4]@7"),
    ("ddelta[2][1]/dw[1][0,0]", "ddelta[2][1]/dw[1][0,0]"),
    ("g'[2][1]", "g'[2][1]"), ("g′^(2)(z_1^(2))", "g'[2][1]"), (r"g'^{(2)}(z_1^{(2)})", "g'[2][1]"),
    (r"g^{\prime(2)}(z_1^{(2)})", "g'[2][1]"), (r"g^\prime(z_1^{(2)})", "g'[2][1]"), ("g(z_1^(2))", "g[2][1]"),
    ("dR/dw[1][0,0]", "dR/dw[1][0,0]"),
    ("w+[2][1,2]", "w+[2][1,2]"),
])  # fmt: skip
def test_what_people_type(text, same):
    assert str(parse(text)) == same
    assert parse(text) == parse(same)


def test_letters_of_the_layer_are_resolved():
    n = net(3, 4, 5, 2)
    assert str(parse("dC0/dw[L][1,2]", n)) == "dC0/dw[3][1,2]"
    assert str(parse("w_{32}^{(L-1)}", net(3, 5, 4))) == "w[1][3,2]"
    assert str(parse("a[L-1][4]@2", n)) == "a[2][4]@2"


def test_two_digits_are_two_indices_only_in_narrow_layers():
    assert str(parse(r"\frac{\partial C_0}{\partial w_{12}^{(L)}}", net(3, 6, 4))) == "dC0/dw[2][1,2]"
    assert str(parse("w_12^(2)", net(3, 10, 10))) == "w[2][1,2]"
    assert str(parse("w[2][1]", net(3, 10, 10))) == "w[2][1]"
    with pytest.raises(
        AddressError, match=re.escape("layers 1 and 2 have 16 and 4 nodes. Write w_{1,2}; the row 12 is")
    ):
        parse("w_{12}^{(L)}", net(3, 16, 4))
    with pytest.raises(AddressError, match=re.escape("Write w_{1,23} or w_{12,3}")):
        parse("w_{123}^{(2)}", net(3, 6, 4))
    with pytest.raises(AddressError, match="several ways without the layer's sizes"):
        parse("w_{12}^{(L)}")


@pytest.mark.parametrize("text, message", [
    ("w[2][5,3]", "w[2][5,3]: layer 2 has 4 nodes, so j runs over 0 … 3."),
    ("w[2][1,6]", "w[2][1,6]: layer 1 has 6 nodes, so k runs over 0 … 5."),
    ("x[3]", "x[3]: layer 0 has 3 nodes, so k runs over 0 … 2."),
    ("y[4]", "y[4]: layer 2 has 4 nodes, so j runs over 0 … 3."),
    ("z[0][1]", "z[0][1]: this network has layers 0 … 2, so for z l runs over 1 … 2."),
    ("a[3][1]", "a[3][1]: this network has layers 0 … 2, so for a l runs over 0 … 2."),
    ("a[L-3][1]", "a[L-3][1]: this network has layers 0 … 2, so for a l runs over 0 … 2."),
    ("dC0/da[1][6]", "a[1][6]: layer 1 has 6 nodes, so j runs over 0 … 5."),
    ("a[l][1]", "a[l][1]: expected a number for the layer l. Write one, or L, L-1, …"),
    ("a[1][j]", "a[1][j]: expected a number for the node j. Write one."),
])  # fmt: skip
def test_errors_name_the_range(text, message):
    with pytest.raises(AddressError) as caught:
        parse(text, net(3, 6, 4))
    assert str(caught.value) == message


def test_samples_are_checked():
    with pytest.raises(AddressError, match="there are 5 samples, so i runs over 0 … 4"):
        resolve(parse("a[1][3]@5"), net(3, 6, 4), 5)
    with pytest.raises(AddressError, match="there is 1 sample, so i runs over 0 … 0"):
        resolve(parse("dC1/dw[1][0,0]"), net(3, 6, 4), 1)


@pytest.mark.parametrize("text", [
    "", "w[2][1,2", "w[2][1,2]]", "q[1][2]", "w2[1]", "w[2]1,2", "dC0", "dC0/w[2][1,2]", "C0/dw[1][0,0]", "w[2,1][3]",
    "dC0/dw[2][1,2]/dx", "a_jk^(l)", "w[1][1,2,3]", "w[2][1,2]@3", "C[1,2]", "x[1][2]", "z_1", "a[-1][0]", "dq/dw[1][0,0]",
    "g'(a_1^(2))", "dC/dw[1][0,0]@2", r"\frac{\partial C_0}{w_1}", "w^{(2)}^{(3)}_{1,2}", "δ", "C0/C1", "💥",
])  # fmt: skip
def test_what_is_no_address_is_refused(text):
    spelled = text
    with pytest.raises(AddressError) as caught:
        found = parse(text)
        spelled = str(found)  # only the network knows how many indices a name has
        resolve(found, net(3, 6, 4))
    assert str(caught.value).startswith(spelled) or text == "δ"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.text("wbzagCxydR[]{}_^(),0123456789lLjk@/∂δ'+-\\ ", max_size=30))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(AddressError):
        parse(text, net(3, 6, 4))


@pytest.mark.parametrize("text", ["g(" * 1000 + "z" + ")" * 1000, "a[1][" + "9" * 5000 + "]", "{" * 500, "a" * 10**6])
def test_endless_text_is_refused(text):
    with pytest.raises(AddressError, match="at most 400 characters"):
        parse(text)


def test_names_without_an_address():
    assert parse("eta") == Name("eta")
    assert Name("eta").latex() == r"\eta"
    for name in NAMES:
        assert parse(name).unicode() == NAMES[name][0]
        ElementTree.fromstring(Name(name).mathml())


def test_derivative_of_a_sample_takes_its_sample_along():
    d = parse("da[2][1]/dz[1][0]@3")
    assert d.of.sample == d.by.sample == d.sample == 3
    assert parse("dC3/da[1][0]").by.sample == 3
    assert parse("dC/dw[1][0,0]").sample is None
