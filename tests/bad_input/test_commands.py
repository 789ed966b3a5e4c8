"""Every command: bad input is one sentence on standard error, status 2, and every file stays as it was."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pellucid as pc
from pellucid.store import save
from tests.bad_input.files import FILES, TABLES
from tests.bad_input.judging import assert_sentence, contents, permissions
from tests.cli.running import done, run


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of three classes, trained on iris."""
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    done("train", "iris", "--epochs", 2, "-q", "--out", path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch, model):
    """The current folder, with a model in it and a table."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.safetensors").write_bytes(model.read_bytes())
    (tmp_path / "t.csv").write_text("a,b,y\n" + "1,2,x\n2,5,y\n3,1,x\n" * 8)
    return tmp_path


def refused(folder: Path, *arguments: object, fragments=(), showing: str = "") -> str:
    """The sentence with which a command refuses; it may show a table that begins with `showing` beside it."""
    before = contents(folder)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert not result.stdout or (showing and result.stdout.startswith(showing)), result.output
    assert result.stderr.endswith("\n")
    assert_sentence(result.stderr[:-1])
    for fragment in fragments:
        assert fragment in result.stderr
    assert contents(folder) == before
    return result.stderr


@pytest.mark.parametrize(("name", "content", "fragments"), FILES.values(), ids=FILES)
def test_train_on_a_bad_file(folder, name, content, fragments):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(folder, "train", name, "--out", "new", fragments=fragments)


# What only training minds: gaps are counted, targets are not needed, one row can be looked at or predicted.
TRAINING_ONLY = {
    "one row", "one class", "a constant target", "a gap", "NaN in a row", "a gap under a quoted header",
    "a target that is missing", "NaN", "one class only", "the target alone",
}  # fmt: skip


@pytest.mark.parametrize("what", [what for what in FILES if what not in TRAINING_ONLY])
def test_look_at_a_bad_file(folder, what):
    name, content, fragments = FILES[what]
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(folder, "data", name, fragments=fragments, showing=f"{name}: columns in the way: ")
    refused(folder, "data", name, "--json")


@pytest.mark.parametrize("what", TABLES)
def test_predict_for_a_bad_file(folder, what):
    """The columns of these tables are not iris's anyway; none of them may break the reader."""
    name, content, _ = FILES[what]
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for out in ("-", "answers.csv"):
        refused(folder, "predict", "m.safetensors", name, "-o", out)


COMMANDS = {
    "train: no such file": (("train", "absent.csv"), ["no such file"]),
    "train: a folder": (("train", "."), []),
    "train: no such target": (("train", "t.csv", "--target", "z"), ["'z'", "'a', 'b', 'y'"]),
    "train: no such column to drop": (("train", "t.csv", "--drop", "z"), ["'z'"]),
    "train: everything dropped": (("train", "t.csv", "--drop", "a", "--drop", "b"), ["at least one input"]),
    "train: numbers of words": (("train", "t.csv", "--task", "regression"), ["expected numbers as target"]),
    "train: unknown task": (("train", "t.csv", "--task", "guess"), ["classification, regression"]),
    "train: unknown filling": (("train", "t.csv", "--impute", "x"), ["mean"]),
    "train: layers": (("train", "t.csv", "--layers", "3,x"), ["--layers", "30,20", "'3,x'"]),
    "train: a layer of 0": (("train", "t.csv", "--layers", "3,0"), ["--layers"]),
    "train: activation": (("train", "t.csv", "--activation", "relu6"), ["leaky_relu", "'relu6'"]),
    "train: output activation": (("train", "t.csv", "--output-activation", "x"), ["softmax"]),
    "train: loss": (("train", "t.csv", "--loss", "x"), ["cross_entropy"]),
    "train: a loss of one node on two": (("train", "t.csv", "--loss", "mse"), ["squared_error"]),
    "train: optimiser": (("train", "t.csv", "--optimiser", "x"), ["adam"]),
    "train: learning rate": (("train", "t.csv", "--learning-rate", "-1"), ["learning_rate", "-1"]),
    "train: learning rate NaN": (("train", "t.csv", "--learning-rate", "nan"), ["learning_rate"]),
    "train: schedule": (("train", "t.csv", "--schedule", "x"), ["cosine"]),
    "train: epochs": (("train", "t.csv", "--epochs", "0"), ["epochs", "≥ 1"]),
    "train: batch size": (("train", "t.csv", "--batch-size", "-1"), ["batch_size"]),
    "train: seed": (("train", "t.csv", "--seed", "-1"), ["seed"]),
    "train: validation": (("train", "t.csv", "--validation", "-0.1"), ["validation"]),
    "train: validation and test": (("train", "t.csv", "--validation", "0.5", "--test", "0.5"), ["24 rows"]),
    "train: test": (("train", "t.csv", "--test", "1.5"), ["test"]),
    "train: metric": (("train", "t.csv", "--metrics", "x"), ["accuracy"]),
    "train: a metric of other outputs": (("train", "iris", "--epochs", 1, "--metrics", "mean_squared_error"), ["mean_squared_error", "fits these numbers"]),
    "train: patience": (("train", "t.csv", "--patience", "-1"), ["patience"]),
    "train: l2": (("train", "t.csv", "--l2", "-1"), ["l2"]),
    "train: l1": (("train", "t.csv", "--l1", "nan"), ["l1"]),
    "train: clip": (("train", "t.csv", "--clip", "-1"), ["clip"]),
    "train: class weight": (("train", "t.csv", "--class-weight", "x"), ["balanced"]),
    "train: dtype": (("train", "t.csv", "--dtype", "int8"), ["float32"]),
    "train: backend": (("train", "t.csv", "--backend", "cuda"), ["numpy"]),
    "train: resume from nothing": (("train", "t.csv", "--resume"), ["--checkpoint FILE"]),
    "train: resume from a model": (
        ("train", "t.csv", "--checkpoint", "m.safetensors", "--resume", "-o", "new"), ["m.safetensors", "checkpoint"],
    ),
    "train: resume from a table": (("train", "iris", "--checkpoint", "t.csv", "--resume", "-o", "new"), ["t.csv"]),
    "train: checkpoint in no folder": (("train", "t.csv", "--checkpoint", "no/c"), ["no/c", "folder"]),
    "train: checkpoint every 0": (("train", "t.csv", "--checkpoint", "c", "--checkpoint-every", "0"), ["checkpoint_every"]),
    "train: out in no folder": (("train", "t.csv", "--out", "no/m"), ["no/m", "folder that exists"]),
    "train: out is a folder": (("train", "t.csv", "--out", "."), ["a folder or a device"]),
    "train: out is a device": (("train", "t.csv", "--out", "/dev/null"), ["a folder or a device"]),
    "train: out is the data": (("train", "t.csv", "--out", "t.csv"), ["t.csv"]),
    "train: out is too long": (("train", "t.csv", "--out", "n" * 300), ["too long"]),
    "train: rows of text": (("train", "t.csv", "--stream"), ["Parquet"]),
    "predict: no model": (("predict", "absent", "iris"), ["absent", "no such file"]),
    "predict: a table as model": (("predict", "t.csv", "iris"), ["t.csv", "a model of Pellucid"]),
    "predict: a folder as model": (("predict", ".", "iris"), ["a folder or a device"]),
    "predict: no data": (("predict", "m.safetensors", "absent.csv"), ["no such file"]),
    "predict: other columns": (("predict", "m.safetensors", "t.csv"), ["t.csv"]),
    "predict: other images": (("predict", "m.safetensors", "digits"), ["digits", "4 columns"]),
    "predict: unknown format": (("predict", "m.safetensors", "iris", "-o", "a.xlsx"), [".csv, .npz, .parquet"]),
    "predict: out in no folder": (("predict", "m.safetensors", "iris", "-o", "no/a.csv"), ["no/a.csv"]),
    "predict: out is a folder": (("predict", "m.safetensors", "iris", "-o", ".csv/"), []),
    "predict: out is the model": (("predict", "m.safetensors", "iris", "-o", "m.safetensors"), []),
    "predict: out is the data": (("predict", "m.safetensors", "t.csv", "-o", "t.csv"), ["t.csv"]),
    "info: no model": (("info", "absent"), ["absent", "no such file"]),
    "info: a table": (("info", "t.csv"), ["a model of Pellucid"]),
    "info: a folder": (("info", "."), ["a folder or a device"]),
    "data: no such file": (("data", "absent.csv"), ["no such file"]),
    "data: nearly a name": (("data", "irs"), ["Did you mean 'iris'?"]),
    "data: no such target": (("data", "t.csv", "--target", "z"), ["'z'"]),
    "data: unknown task": (("data", "t.csv", "--task", "x"), ["classification, regression"]),
    "data: images that are not here": (("data", "fashion-mnist", "--directory", "."), []),
    "explain: no model": (("explain", "absent", "C[0]", "--data", "iris"), ["absent"]),
    "explain: no data": (("explain", "m.safetensors", "C[0]", "--data", "absent.csv"), ["no such file"]),
    "explain: no address": (("explain", "m.safetensors", "hello world", "--data", "iris"), ["hello world"]),
    "explain: beyond the network": (("explain", "m.safetensors", "w[9][0,0]", "--data", "iris"), ["w[9][0,0]"]),
    "nudge: no model": (("nudge", "absent", "w[1][0,0]", "--data", "iris"), ["absent"]),
    "nudge: no data": (("nudge", "m.safetensors", "w[1][0,0]", "--data", "absent.csv"), ["no such file"]),
    "nudge: beyond the network": (("nudge", "m.safetensors", "w[9][0,0]", "--data", "iris"), ["w[9][0,0]"]),
    "worked-example: no model": (("worked-example", "absent", "--data", "iris"), ["absent"]),
    "worked-example: no such row": (("worked-example", "m.safetensors", "--data", "iris", "--sample", "999"), ["149"]),
    "worked-example: out in no folder": (
        ("worked-example", "m.safetensors", "--data", "iris", "-o", "no/a.html"), ["no/a.html"],
    ),
    "check: no model": (("check", "absent", "back.py", "--data", "iris"), ["absent"]),
    "check: nothing to check": (("check", "m.safetensors", "absent.py", "--data", "iris"), ["absent.py"]),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "fragments"), COMMANDS.values(), ids=COMMANDS)
def test_bad_arguments(folder, arguments, fragments):
    quiet = ("-q",) if arguments[0] in ("train", "predict") else ()
    refused(folder, *arguments, *quiet, fragments=fragments)


def test_every_command_is_tried():
    from pellucid.cli.app import COMMANDS as commands

    assert {arguments[0] for arguments, _ in COMMANDS.values()} == {c.__name__.replace("_", "-") for c in commands}


def damaged(content: bytes) -> dict[str, bytes]:
    """Models that are no longer what was written."""
    middle = len(content) // 2
    return {
        "empty": b"",
        "a few bytes": content[:7],
        "the header alone": content[: 8 + int.from_bytes(content[:8], "little")],
        "cut": content[:-1],
        "longer": content + b"\0",
        "a flipped bit in a weight": content[:-3] + bytes([content[-3] ^ 4]) + content[-2:],
        "a flipped bit in the header": content[:200] + bytes([content[200] ^ 1]) + content[201:],
        "zeros in the middle": content[:middle] + bytes(100) + content[middle + 100 :],
        "a huge header": (2**60).to_bytes(8, "little") + content[8:],
        "a pickle": b"\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94.",
        "another program's weights": b"\x08\0\0\0\0\0\0\0{}      ",
    }


@pytest.mark.parametrize("how", damaged(bytes(1000)))
def test_damaged_models(folder, how):
    (folder / "bad").write_bytes(damaged((folder / "m.safetensors").read_bytes())[how])
    for arguments in (("info", "bad"), ("predict", "bad", "iris"), ("explain", "bad", "C[0]", "--data", "iris")):
        refused(folder, *arguments, fragments=["bad"])


def test_a_model_of_another_network_than_its_description(folder):
    net = pc.mlp([2, 2], "linear")
    save("bad", net.architecture, net.parameters, description={"classes": ["only one"]})
    refused(folder, "info", "bad", fragments=["bad", "classes"])


def test_an_older_model_stays_when_the_new_one_cannot_be_made(folder):
    before = (folder / "m.safetensors").read_bytes()
    run("train", "t.csv", "--out", "m.safetensors", "--epochs", "0")
    run("train", "t.csv", "--out", "m.safetensors", "--optimiser", "sgd", "--learning-rate", "1e30", "-q")
    assert (folder / "m.safetensors").read_bytes() == before
    assert sorted(os.listdir()) == ["m.safetensors", "t.csv"]


def test_headers_of_any_kind_are_read(folder):
    """Full-width, quoted, with commas and spaces: not bad at all."""
    rows = "".join(f"{i},{i * i},{'ab'[i % 2]}\n" for i in range(30))
    (folder / "u.csv").write_text('"size, ""net""",ｆｕｌｌ　ｗｉｄｔｈ 幅,"κατηγορία"\n' + rows, encoding="utf-8")
    done("train", "u.csv", "--target", "κατηγορία", "--epochs", 2, "-q", "-o", "new")
    assert pc.load("new").preparation.feature_names == ('size, "net"', "ｆｕｌｌ　ｗｉｄｔｈ 幅")
    assert done("predict", "new", "u.csv", "-q").stdout.count("\n") == 31


def test_constant_columns_are_said(folder):
    (folder / "c.csv").write_text("a,b,y\n" + "1,2,x\n1,5,y\n1,1,x\n" * 8)
    assert "one value" in done("train", "c.csv", "--epochs", 2).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_a_full_disk_in_a_real_process(folder):
    """A limit on the size of files stands for the full disk: the older model stays, nothing is left beside it."""
    before = contents(folder)
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from pellucid.cli import main; main()"
    )
    arguments = ["train", "iris", "--epochs", "1", "--layers", "200,100", "-q", "-o", "m.safetensors"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "m.safetensors: expected to write the file, got file too large.\n"
    assert contents(folder) == before


@permissions
def test_what_may_not_be_written_is_said_before_training(folder):
    (folder / "m.safetensors").chmod(0o400)
    assert "read-only" in refused(folder, "train", "t.csv", "--out", "m.safetensors")


def test_a_model_with_weights_that_exploded_is_not_saved(tmp_path):
    net = pc.mlp([2, 2], "linear")
    net.w[1][0, 1] = np.inf
    with pytest.raises(pc.InputError, match=r"w\[1\]\[0,1\]: expected a finite number, got inf"):
        net.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []
