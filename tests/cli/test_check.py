"""`pellucid check`: exit status, table, JSON, results.json, the starter file, and what is refused."""

import json
import os
import re

import numpy as np
import pytest

import pellucid as pc
from pellucid.cli.check import samples_of
from tests.cli.running import done, run

RIGHT = """
import numpy as np
def backward(x, y, w, b):
    n = len(x)
    print("n is", n)
    a1 = np.tanh(x @ w[1].T + b[1])
    z2 = a1 @ w[2].T + b[2]
    e = np.exp(z2 - z2.max(axis=1, keepdims=True))
    delta2 = e / e.sum(axis=1, keepdims=True) - y
    delta1 = delta2 @ w[2] * (1 - a1 ** 2)
    return {"dw1": delta1.T @ x / n, "db1": delta1.mean(axis=0), "dw2": delta2.T @ a1 / n, "db2": delta2.mean(axis=0)}
"""
WRONG = RIGHT.replace(" * (1 - a1 ** 2)", "")


@pytest.fixture
def model(folder):
    """A small network for iris, and submissions."""
    pc.mlp([4, 5, 3], "tanh", output="softmax", loss="cross_entropy", seed=1).save("m.safetensors")
    (folder / "right.py").write_text(RIGHT)
    (folder / "wrong.py").write_text(WRONG)
    return "m.safetensors"


def test_right_is_status_0(model):
    result = run("check", model, "right.py", "--data", "iris")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("right.py: 10 of 10 points\nRight: ")


def test_wrong_is_status_1_and_says_why(model):
    result = run("check", model, "wrong.py", "--points", 4, "--partial", 0)
    assert result.exit_code == 1, result.output
    assert result.stdout.startswith("wrong.py: 2 of 4 points\nWrong.")
    assert "missing-activation-derivative" in result.stdout
    assert re.search(r"^dC/dw\[1\] +wrong +0 *$", result.stdout, re.MULTILINE)
    assert "no --data: 16 random samples" in result.stderr


def test_a_folder_as_a_table_and_for_gradescope(model, folder):
    (folder / "class").mkdir()
    files = {"ann": RIGHT, "bob": WRONG, "cem": "def backward(x, y):\n  while 1: pass", "dia": "def f(:"}
    for name, text in files.items():
        (folder / "class" / f"{name}.py").write_text(text)
    result = run("check", model, "class", "--gradescope", "results", "--time", 4, "--jobs", 2)
    assert result.exit_code == 1, result.output
    lines = result.stdout.splitlines()
    assert re.match(r"submission +result +points +reason", lines[0])
    assert [line.split()[:3] for line in lines[1:5]] == [
        ["ann.py", "right", "10"], ["bob.py", "wrong", "7.5"], ["cem.py", "timeout", "0"], ["dia.py", "syntax", "0"],
    ]  # fmt: skip
    assert lines[-1] == "1 of 4 right"
    assert sorted(os.listdir("results")) == ["ann.json", "bob.json", "cem.json", "dia.json"]
    scores = {name: json.loads((folder / "results" / f"{name}.json").read_text())["score"] for name in files}
    assert scores == {"ann": 10, "bob": 7.5, "cem": 0, "dia": 0}


def test_json_and_one_results_file(model, folder):
    result = run("check", model, "wrong.py:backward", "--json", "--gradescope", "results.json", "--data", "iris")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["ok"], told["data"], told["samples"]) == (False, "iris", 16)
    [submission] = told["submissions"]
    assert submission["report"]["mistakes"][0]["slug"] == "missing-activation-derivative"
    assert submission["run"]["printed"].startswith("n is 16\n")
    assert submission["run"]["enforced"]["time"].startswith("10 s")
    tests = json.loads((folder / "results.json").read_text())["tests"]
    assert [t["status"] for t in tests] == ["passed", "passed", "failed", "failed"]


def test_limits_reach_the_submission(model, folder):
    (folder / "big.py").write_text("def backward(x, y): return bytearray(10**9)\n")
    (folder / "chatty.py").write_text("print('x' * 5000)\n")
    (folder / "torch.py").write_text("import json\n")
    result = run(
        "check", model, "big.py", "chatty.py", "torch.py", "--memory", "400MB", "--output", "1kB", "--forbid", "json"
    )
    assert result.exit_code == 1
    if os.name == "posix":
        assert "more than the 400 MB of memory" in result.stdout
    assert "printed more than 1 kB" in result.stdout
    assert "It imports json, which is not allowed here" in result.stdout


def test_exercise(model, folder):
    text = done("check", model, "--exercise", "--data", "iris").stdout
    assert "pellucid check m.safetensors THIS_FILE.py --data iris" in text
    result = done("check", "--exercise", model, "-o", "starter.py")
    assert result.stderr == "wrote starter.py\n"
    assert (folder / "starter.py").read_text(encoding="utf-8") == text.replace("--data iris", "--data DATA")
    again = run("check", "--exercise", model, "-o", "starter.py")
    assert again.exit_code == 2
    assert "expected a new file, got starter.py, which is there already. Give another name." in again.stderr
    unsolved = run("check", model, "starter.py")
    assert unsolved.exit_code == 1
    assert "backward() returned no gradient yet." in unsolved.stdout


REFUSED = {
    "no file": ((), "FILES: expected a Python file or a folder of them, got none. Or give --exercise."),
    "no such file": (("no.py",), "no.py: expected a Python file or a folder of them, got no such file."),
    "memory": (("right.py", "--memory", "much"), "--memory: expected a number of bytes such as 500MB or 2GB, got 'much'."),
    "no memory": (("right.py", "--memory", "0"), "--memory: expected a number of bytes"),
    "no time": (("right.py", "--time", "0"), "limit of time: expected a number > 0, got 0.0."),
    "points": (("right.py", "--points", "-1"), "points: expected a number > 0, got -1.0."),
    "jobs": (("right.py", "--jobs", "0"), "--jobs: expected a number ≥ 1, got 0."),
    "data": (("right.py", "--data", "no.csv"), "no.csv: expected a file"),
    "rows": (("right.py", "--data", "iris", "--sample", "150"), "--sample: the data has rows 0 … 149, got 150."),
    "rows of nothing": (("right.py", "--sample", "3"), "--sample: expected --data with it, got none."),
    "results over the model": (("right.py", "--gradescope", "m.safetensors"), "--gradescope: expected a file of its own"),
    "orientation": (("right.py", "--orientation", "up"), "orientation: expected one of in,out, out,in, got 'up'."),
    "no folder": (("right.py", "wrong.py", "--gradescope", "right.py/a"), "--gradescope: expected a folder for the results"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_status_2(model, arguments, words):
    result = run("check", model, *arguments)
    assert result.exit_code == 2, result.output
    assert words in result.stderr


def test_a_model_that_is_none(model):
    result = run("check", "right.py", "right.py")
    assert result.exit_code == 2
    assert "right.py: " in result.stderr


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy", "binary_cross_entropy", "poisson"])
def test_random_samples_fit_the_loss_and_no_layer(loss):
    net = pc.mlp([16, 17, 3], "tanh", output="sigmoid", loss=loss)
    x, y = samples_of(net, None, None, None)
    assert (x.shape, y.shape) == ((18, 16), (18, 3))
    assert np.isfinite(net.evaluate(x, y)["loss"])


def test_few_rows_of_the_data(iris):
    net = pc.load(iris)
    x, y = samples_of(net, "iris", "0:30", None)
    assert len(x) == len(y) == 30
    assert len(samples_of(net, "iris", None, None)[0]) == 16


def test_numbers_worked_out_by_hand(model):
    """ADDRESS=NUMBER in place of files."""
    w = pc.load(model).w[1][0, 0]
    right = run("check", model, f"w[1][0,0]={w:.4f}", "--data", "iris")
    assert right.exit_code == 0, right.output
    assert "digits you wrote" in right.stdout
    assert run("check", model, "w[1][0,0]=1", "w[1][0,0]=2").exit_code == 2
    wrong = run("check", model, f"w[1][0,0]={w + 1:.4f}", "--json")
    assert wrong.exit_code == 1
    assert json.loads(wrong.stdout)["first_wrong"] == "w[1][0,0]"
    for arguments in (["w[9][0,0]=1"], ["w[1][0,0]=x"], ["w[1][0,0]=1", "right.py"]):
        assert run("check", model, *arguments).exit_code == 2
