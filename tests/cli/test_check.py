"""`pellucid check`: exit status, table, JSON, results.json, the starter file, and what is refused."""

import csv
import json
import os
import re
import subprocess
import sys
import zipfile

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
    assert lines[6] == "1 of 4 right"
    assert lines[-1].split() == ["missing-activation-derivative", "1", "bob.py"]
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
    "no folder": (("right.py", "wrong.py", "--gradescope", "right.py/a"), "--gradescope: expected a folder for the files"),
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


def test_nothing_that_a_submission_says_ends_the_class(model, folder):
    (folder / "class").mkdir()
    files = {
        "a": "raise ValueError('\\ud800\\x1b[2J')", "b": "__import__('\\ud800')",
        "c": "class \ud7ff\\: pass", "d": "def backward(x, y): return {'\\udc80w1': x}",
        "e": "def backward(x, y): print('\\x1b]0;x\\x07'); return {'dw1': '\\ud800'}", "z": RIGHT,
    }  # fmt: skip
    for name, text in files.items():
        (folder / "class" / f"{name}.py").write_text(text)
    (folder / "class" / "l.py").symlink_to(folder / "right.py")
    (folder / "class" / "notes.txt").touch()
    for options in ((), ("--json",), ("--jobs", 2)):
        result = run("check", model, "class", "--gradescope", "results", *options)
        assert result.exit_code == 1, result.output
        assert all(line.isprintable() for line in result.output.splitlines())
    assert "1 of 7 right" in result.output
    assert re.search(r"^l.py +refused +0 +It is a link, not a file of its own. *$", result.stdout, re.MULTILINE)
    assert re.search(r"^notes.txt +skipped +0 ", result.stdout, re.MULTILINE)
    scores = {p.stem: json.loads(p.read_text())["score"] for p in (folder / "results").iterdir()}
    assert scores == {**dict.fromkeys("abcdel", 0), "z": 10}


def test_grades_and_pages_of_a_class(model, folder):
    (folder / "class").mkdir()
    for name, text in {"ann": RIGHT, "bob": WRONG, "=cem": "1 / 0", "dan": "import sklearn\n" + RIGHT}.items():
        (folder / "class" / f"{name}.py").write_text(text)
    assert "It imported sklearn" in run("check", model, "class/dan.py", "--data", "iris").stdout
    assert "look at dan.py: It imported sklearn" in run("check", model, "class").stdout
    result = run("check", model, "class", "--grades", "grades.csv", "--html", "pages", "--json")
    assert result.exit_code == 1, result.output
    with open("grades.csv", encoding="utf8", newline="") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    assert {name: (row["points"], row["mistakes"]) for name, row in rows.items()} == {
        "'=cem.py": ("0", ""), "ann.py": ("10", ""), "dan.py": ("10", ""), "bob.py": ("7.5", "missing-activation-derivative"),
    }  # fmt: skip
    assert rows["bob.py"]["dC/dw[1]"] == "1.25"
    assert "imported sklearn" in rows["dan.py"]["remarks"]
    assert json.loads(result.stdout)["mistakes"] == {"missing-activation-derivative": ["bob.py"]}
    assert sorted(os.listdir("pages")) == ["_cem.html", "ann.html", "bob.html", "dan.html"]
    page = (folder / "pages" / "bob.html").read_text(encoding="utf8")
    assert "<h1>bob.py</h1><p>7.5 of 10 points</p>" in page
    assert "Layer 1, delta[1]: The factor" in page


@pytest.mark.skipif(os.name != "posix", reason="the program of a container")
def test_a_zip_for_gradescope_grades(model, folder):
    done("check", model, "--data", "iris", "--points", 4, "--autograder", "grader.zip")
    base = folder / "autograder"
    for name in ("results", "submission"):
        (base / name).mkdir(parents=True)
    with zipfile.ZipFile("grader.zip") as zipped:
        zipped.extractall(base / "source")
        assert zipped.getinfo("run_autograder").external_attr >> 16 == 0o755
        assert f"pellucid=={pc.__version__}" in zipped.read("setup.sh").decode()
    program = folder / "pellucid"
    program.write_text(f"#!{sys.executable}\nfrom pellucid.cli import main\nmain()\n")
    program.chmod(0o755)
    environment = {**os.environ, "AUTOGRADER": str(base), "PELLUCID": str(program)}
    command = [sys.executable, str(base / "source" / "run_autograder")]

    def graded():
        subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
        return json.loads((base / "results" / "results.json").read_text())

    assert graded()["output"] == "Hand in one Python file or notebook, or call it backward.py; 0 came."
    (base / "submission" / "mine.py").write_text(WRONG)
    assert graded()["score"] == 3
    (base / "submission" / "backward.py").write_text(RIGHT)
    assert graded()["score"] == 4
    (base / "submission" / "backward.py").unlink()
    (base / "submission" / "backward.py").symlink_to(folder / "right.py")
    told = graded()
    assert (told["score"], told["output"]) == (0, "It is a link, not a file of its own.")
