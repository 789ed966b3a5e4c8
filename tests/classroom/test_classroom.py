"""Points, reasons and results.json of submissions; whatever one of them does, the next one is checked too."""

import dataclasses
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pellucid as pc
from pellucid.architecture import Architecture
from pellucid.check import candidate
from pellucid.check.problem import problem
from pellucid.classroom import Grading, Task
from pellucid.classroom import task as tasks
from pellucid.classroom.files import files_in
from pellucid.errors import InputError, PellucidError
from pellucid.layers import Dense, Input
from pellucid.losses import loss
from pellucid.sandbox import Limits, Outcome, Protection
from pellucid.sandbox.inside import by_layer, calling

GENERATOR = np.random.default_rng(3)
NET = pc.mlp([3, 4, 2], "tanh", seed=1)
X, Y = GENERATOR.normal(size=(5, 3)), GENERATOR.normal(size=(5, 2))
RIGHT = """
import numpy as np
def backward(x, y, w, b):
    n = len(x)
    a1 = np.tanh(x @ w[1].T + b[1])
    a2 = np.tanh(a1 @ w[2].T + b[2])
    delta2 = 2 * (a2 - y) * (1 - a2 ** 2)
    delta1 = delta2 @ w[2] * (1 - a1 ** 2)
    return {"dw1": delta1.T @ x / n, "db1": delta1.mean(axis=0), "dw2": delta2.T @ a1 / n, "db2": delta2.mean(axis=0)}
"""
NO_FACTOR = RIGHT.replace("2 * (a2", "(a2")
ONE_WRONG = RIGHT.replace('"dw1": delta1.T @ x / n', '"dw1": np.cos(delta1.T @ x)')
NO_BIAS = RIGHT.replace(', "db2": delta2.mean(axis=0)', "")
TRANSPOSED_SHAPE = RIGHT.replace('"db1": delta1.mean(axis=0)', '"db1": np.zeros(7)')


def task(**given):
    return Task(NET.architecture, NET.parameters, X, Y, **given)


@pytest.fixture
def quick(monkeypatch):
    """Run submissions in this process, for tests of what becomes of their answers."""

    def run(source, arrays, *, function=None, **_):
        names: dict = {}
        exec(source, names)
        f = names[function or "backward"]
        layers = range(1, 1 + sum(name[0] == "w" for name in arrays))
        offer = {**arrays, **{k: by_layer.Layers(k, [arrays.get(f"{k}{l}") for l in layers]) for k in ("w", "b")}}
        value, again = (f(*(offer[name] for name in calling.wanted(f)[0])) for _ in range(2))
        return Outcome("answered", "", value, again, f.__name__, 0, (), "", 0, 0.1, Protection({}, ()))

    monkeypatch.setattr(tasks, "run", run)


def points(result):
    return {p.address: p.points for p in result.points}


def test_all_right(quick):
    result = task().check_source(RIGHT, "a.py")
    assert (result.ok, result.status, result.sentence, result.score, result.most) == (True, "right", "Right.", 10, 10)
    assert points(result) == {"dC/dw[2]": 2.5, "dC/db[2]": 2.5, "dC/dw[1]": 2.5, "dC/db[1]": 2.5}
    assert all(p.reason == "" for p in result.points)


def test_a_known_mistake_gets_a_share_and_a_reason(quick):
    result = task(grading=Grading(8, 0.25)).check_source(NO_FACTOR, "a.py")
    assert (result.ok, result.status, result.score, result.most) == (False, "wrong", 2, 8)
    assert result.report is not None
    assert result.report.mistakes[0].slug == "factor-two-missing"
    assert result.sentence.startswith("Wrong first: dC/dw[2]. The 2 that comes down from the square is missing.")
    reason = "Layer 2, dC/da[2]: The 2 that comes down from the square is missing. "
    assert all(p.reason.startswith(reason) for p in result.points), result.points
    told = result.feedback()
    assert any(line.startswith("  To mend it: ") for line in told)
    assert any(line.startswith("  To see it: ") for line in told)


def test_what_nothing_explains_gets_nothing(quick):
    result = task().check_source(ONE_WRONG, "a.py")
    assert points(result) == {"dC/dw[2]": 2.5, "dC/db[2]": 2.5, "dC/dw[1]": 0, "dC/db[1]": 2.5}
    assert result.sentence == "Wrong first: dC/dw[1]. No known mistake explains it."
    assert next(p.reason for p in result.points if p.reason).startswith("12 of 12 entries are wrong")


def test_what_is_missing_is_not_wrong(quick):
    result = task().check_source(NO_BIAS, "a.py")
    assert (result.status, result.score) == ("incomplete", 7.5)
    assert result.sentence == "What is there is right, but some is missing: dC/db[2]."
    weights = RIGHT.replace('"db1": delta1.mean(axis=0), ', "").replace(', "db2": delta2.mean(axis=0)', "")
    result = task().check_source(weights, "a.py")
    assert (result.status, result.score) == ("incomplete", 5)
    assert {p.verdict for p in result.points} == {"right", "missing"}


def test_a_wrong_shape(quick):
    result = task().check_source(TRANSPOSED_SHAPE, "a.py")
    assert (result.status, result.score) == ("wrong", 7.5)
    assert [p.reason for p in result.points if p.reason] == ["Its shape is (7,), expected (4,)."]


@pytest.mark.parametrize("nothing", ["None", "{}", "[]", "{'dw1': None, 'dw2': None}"])
def test_nothing_yet(quick, nothing):
    result = task().check_source(f"def backward(x, y): return {nothing}", "a.py")
    assert (result.status, result.sentence) == ("incomplete", "backward() returned no gradient yet.")
    assert result.score == 0


def test_a_wrong_intermediate_value_costs_nothing_and_is_told(quick):
    source = RIGHT.replace('return {"dw1"', 'return {"delta1": delta1 + 1, "dw1"')
    result = task().check_source(source, "a.py")
    assert (result.status, result.score) == ("right", 10)
    assert result.sentence == "Right, but not what was returned with the gradients: delta[1]."


GARBAGE = {
    "nan": "{'dw1': w[1] * float('nan'), 'db1': b[1], 'dw2': w[2], 'db2': b[2]}",
    "infinite": "[w[1] / 0.0, b[1], w[2], b[2]]",
    "a name": "{'velocity': x}",
    "too few": "[x]",
    "ragged": "{'dw1': [[1.0, 2.0], [3.0]]}",
    "a number": "3.0",
    "empty arrays": "[x[:0], x[:0], x[:0], x[:0]]",
    "many axes": "{'dw1': x.reshape((1,) * 20 + x.shape)}",
    "booleans": "[w[1] > 0, b[1] > 0, w[2] > 0, b[2] > 0]",
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_graded_as_wrong(quick, answer):
    with np.errstate(divide="ignore"):
        result = task().check_source(f"def backward(x, y, w, b): return {answer}", "a.py")
    assert not result.ok
    assert result.status in ("wrong", "unusable", "incomplete")
    assert result.score <= 5
    json.dumps(result.to_gradescope(), allow_nan=False)


leaf = st.none() | st.floats() | st.builds(
    lambda shape, value: np.full(shape, value), st.lists(st.integers(0, 5), max_size=3),
    st.sampled_from([0.0, 1.0, np.nan, np.inf, 1e300, np.float32(2), True, 3]),
)  # fmt: skip
names = st.sampled_from(["dw1", "db1", "dw2", "db2", "z1", "a2", "delta1", "W", "dA0", "", "1", "dw9", "grads"])
answers = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names | st.integers(0, 3), inner, max_size=5),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=100)
@given(answers)
def test_no_answer_stops_the_class(answer):
    protection = Protection({}, ())
    outcome = Outcome("answered", "", answer, answer, "backward", 0, (), "", 0, 0.1, protection)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "run", lambda *_, **__: outcome)
        result = task().check_source("", "a.py")
    assert not result.ok
    assert result.sentence.endswith((".", ".”"))
    json.dumps(result.to_gradescope(), allow_nan=False)


def test_the_function_is_handed_what_its_parameters_are_called(quick):
    by_name = RIGHT.replace("(x, y, w, b)", "(biases, targets, inputs, weights)").replace(
        "n = len(x)", "x, y, w, b = inputs, targets, weights, biases; n = len(x)"
    )
    assert task().check_source(by_name, "a.py").ok
    by_number = RIGHT.replace("(x, y, w, b)", "(eins, zwei, x, y)").replace(
        "n = len(x)", "w, b = eins, zwei; n = len(x)"
    )
    assert task().check_source(by_number, "a.py").ok


def test_transposed_weights_and_samples_in_columns(quick):
    source = """
import numpy as np
def backward(x, y, w, b):
    a1 = np.tanh(w[1].T @ x + b[1][:, None])
    a2 = np.tanh(w[2].T @ a1 + b[2][:, None])
    d2 = 2 * (a2 - y) * (1 - a2 ** 2)
    d1 = w[2] @ d2 * (1 - a1 ** 2)
    return {"dw1": x @ d1.T / 5, "db1": d1.mean(axis=1), "dw2": a1 @ d2.T / 5, "db2": d2.mean(axis=1), "delta1": d1}
"""
    assert task(how={"orientation": "in,out", "samples": "columns"}).check_source(source, "a.py").ok


def test_gradescope(quick):
    told = task().check_source(ONE_WRONG, "a.py").to_gradescope()
    assert told["score"] == 7.5
    assert told["execution_time"] == 0.1
    assert told["output"].startswith("Wrong first: dC/dw[1].")
    assert [(t["name"], t["score"], t["max_score"], t["status"]) for t in told["tests"]] == [
        ("dC/dw[2]", 2.5, 2.5, "passed"), ("dC/db[2]", 2.5, 2.5, "passed"),
        ("dC/dw[1]", 0, 2.5, "failed"), ("dC/db[1]", 2.5, 2.5, "passed"),
    ]  # fmt: skip
    assert told["tests"][2]["output"].startswith("12 of 12 entries are wrong")


def test_points_have_no_dust(quick):
    net = pc.mlp([3, 3, 3, 2], "tanh", bias=False, seed=1)
    three = Task(net.architecture, net.parameters, X, Y)
    outcome = three.check_source(
        "def backward(x, y, w): return [v * v * v + 0.3 for v in w]", "a.py"
    )  # three quantities share ten points
    assert (outcome.most, outcome.score) == (10, 0)


def test_the_room_for_an_answer_grows_with_the_network():
    net = pc.mlp([784, 512, 10], "relu")
    big = Task(net.architecture, net.parameters, np.zeros((64, 784)), np.zeros((64, 10)))
    per_sample = 64 * sum(v.nbytes for layer in net.parameters for v in layer.values())
    assert per_sample < big.allowed().answer < 1e9
    assert task(limits=Limits(time=1)).allowed().time == 1


@pytest.mark.parametrize(
    ("given", "words"), [((0, 0.5), "points: expected a number > 0"), ((1, 2), "partial: expected a share")]
)
def test_grading_is_checked(given, words):
    with pytest.raises(InputError, match=words):
        Grading(*given)


def test_a_task_that_can_not_be_checked_is_refused():
    with pytest.raises(PellucidError):
        Task(NET.architecture, NET.parameters, X[:, :2], Y)


# ── in the sandbox ──────────────────────────────────────────────────────────────────────────────────


def test_a_class(tmp_path):
    files = {
        "ann.py": RIGHT,
        "bob.py": NO_FACTOR,
        "cem/backward.py": "def backward(x, y, w, b):\n    while True: pass\n",
        "dia.py": "import sys\nsys.exit()\n",
        "eve.py": "def backward(x, y, w, b):\n    import ctypes\n    ctypes.string_at(0)\n",
        "fei.py": RIGHT.replace("def ", "print('x' * 2_000_000)\ndef "),
        ".hidden/gus.py": "",
        "notes.txt": "no submission",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = files_in([tmp_path])
    started = time.monotonic()
    asked = task(limits=dataclasses.replace(Limits(), time=4))
    results = {handed.name: asked.check(handed) for handed in found}
    assert time.monotonic() - started < 24
    assert {name: r.status for name, r in results.items()} == {
        ".hidden": "skipped", "ann.py": "right", "bob.py": "wrong", "cem/backward.py": "timeout", "dia.py": "exit",
        "eve.py": "crash", "fei.py": "output", "notes.txt": "skipped",
    }  # fmt: skip
    assert results["cem/backward.py"].sentence.startswith("backward() did not finish within 4 s (it stood at line 2")
    assert [p.verdict for p in results["eve.py"].points] == ["not run"] * 4
    told = results["eve.py"].to_dict()
    assert told["run"]["line"] == 3
    assert told["run"]["enforced"]["time"].startswith("4 s")
    assert results["eve.py"].feedback() == [results["eve.py"].sentence]  # one crash is told once
    assert {test["output"] for test in results["eve.py"].to_gradescope()["tests"]} == {"Not run."}
    assert "<h1>eve.py</h1>" in results["eve.py"].to_html()
    json.dumps(told, allow_nan=False)


def test_the_answer_of_a_file_is_that_of_the_function():
    given = problem(NET.architecture, NET.parameters, X, Y)
    result = task().check_source(RIGHT, "a.py")
    assert result.ok
    assert result.outcome is not None
    for l in (1, 2):
        np.testing.assert_allclose(result.outcome.value[f"dw{l}"], given.gradients[l - 1]["w"], rtol=1e-12)


def test_what_a_function_keeps_between_calls_shows():
    source = RIGHT.replace("def ", "total = [0.0]\ndef ").replace(
        "    return", "    total[0] += 1.0\n    delta1 = delta1 * total[0]\n    return"
    )
    result = task().check_source(source, "a.py")
    assert result.report is not None
    assert any("keeps something between calls" in note for note in result.report.notes)
    assert not any("keeps something" in note for note in task().check_source(RIGHT, "a.py").report.notes)


def test_a_function_that_changes_what_it_is_given_is_right():
    changing = RIGHT.replace("    return", "    w[1] -= 1\n    b[2] *= 0\n    x[:] = 0\n    return").replace(
        "delta1.T @ x", "delta1.T @ x0"
    )
    result = task().check_source(changing.replace("n = len(x)", "n, x0 = len(x), x.copy()"), "a.py")
    assert result.ok
    assert not any("keeps something" in note for note in result.report.notes)


def test_a_chosen_function(tmp_path):
    path = tmp_path / "two.py"
    path.write_text(RIGHT.replace("backward", "mine") + "\ndef other(x, y): pass\n")
    [found] = files_in([f"{path}:mine"])
    assert (found.top, found.parts, found.function, found.name) == (tmp_path, ("two.py",), "mine", "two.py")
    assert task().check(found).ok
    [found] = files_in([path])
    assert task().check(found).sentence == "The file has no function backward(): it defines mine(), other()."


def test_files_that_are_not_there(tmp_path):
    for asked, words in (
        ("nowhere.py", "expected a Python file or a folder of them, got no such file"),
        ("nowhere.py:f()", "expected FILE.py or FILE.py:function, got 'f\\(\\)'"),
        (tmp_path, "expected Python files or notebooks in the folder, got none"),
    ):
        with pytest.raises(InputError, match=words):
            files_in([asked])


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "a.py").write_bytes(b"\x00\xff\xfe" * 10)
    (tmp_path / "b.py").write_bytes(b"#" * 2_000_001)
    no_text, large = map(task().check, files_in([tmp_path]))
    assert no_text.status in ("syntax", "exception")
    assert (large.status, large.sentence) == ("refused", "The file has more than 2,000,000 bytes.")


def test_files_and_functions_are_handed_the_same():
    assert candidate.wanted is calling.wanted
    assert candidate.Layers is by_layer.Layers


# ── points for work only ────────────────────────────────────────────────────────────────────────────

NOTHING = {
    "zeros": "0 * v",
    "tiny": "1e-300 * v",
    "less than tiny": "v * 0 + 1e-310",
    "whole numbers": "v.astype(int) * 0",
}


@pytest.mark.parametrize("value", NOTHING.values(), ids=NOTHING)
def test_nothing_gets_no_partial_credit(quick, value):
    each = f"{{f'd{{k}}{{l}}': {value} for l in (1, 2) for k, v in (('w', w[l]), ('b', b[l]))}}"
    assert task().check_source(f"def backward(x, y, w, b): return {each}", "a.py").score == 0
    one_empty = RIGHT.replace('"db1": delta1.mean(axis=0)', '"db1": 0 * b[1]')
    assert task().check_source(one_empty, "a.py").score == 7.5


def test_the_penalty_alone_gets_no_partial_credit(quick):
    net = pc.mlp([3, 4, 2], "tanh", seed=1, l2=0.1)
    asked = Task(net.architecture, net.parameters, X, Y)
    nothing = "def backward(x, y, w, b): return {'dw1': .2*w[1], 'dw2': .2*w[2], 'db1': 0*b[1], 'db2': 0*b[2]}"
    assert asked.check_source(nothing, "a.py").score == 0
    worked = RIGHT.replace("x / n,", "x / n + .2 * w[1],").replace("a1 / n,", "a1 / n + .2 * w[2],")
    assert asked.check_source(worked, "a.py").score == 10
    one = worked.replace("delta1.T @ x / n + .2", ".2")
    assert asked.check_source(one, "a.py").score == 7.5


def answered_as(how):
    source = RIGHT.replace("def backward", "def inner")
    return source + f"\ndef backward(x, y, w, b): return {{k: {how} for k, v in inner(x, y, w, b).items()}}\n"


FORMS = {
    "objects": ("v.astype(object)", 10), "masked, nothing hidden": ("np.ma.array(v)", 10),
    "all masked": ("np.ma.array(v, mask=True)", 0), "one masked": ("np.ma.array(v, mask=np.arange(v.size).reshape(v.shape) == 0)", 0),
    "float16": ("v.astype(np.float16)", 10), "wrong float16": ("(0.97 * v).astype(np.float16)", 0),
    "float32": ("v.astype(np.float32)", 10), "lists": ("v.tolist()", 10), "matrices": ("np.asmatrix(v) if v.ndim == 2 else v", 10),
}  # fmt: skip


@pytest.mark.parametrize(("how", "score"), FORMS.values(), ids=FORMS)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_arrays_are_judged_for_what_they_are(how, score):
    assert task(grading=Grading(10, 0)).check_source(answered_as(how), "a.py").score == score


def test_the_memory_grows_with_the_network():
    wide = Architecture((Input(5000), *(Dense(5000, "relu") for _ in range(2))), loss("squared_error"))
    large = object.__new__(Task)  # without its 50 million weights
    for name, value in {"architecture": wide, "limits": None, "x": X}.items():
        object.__setattr__(large, name, value)
    assert large.allowed().memory > 4.5e9
    assert large.allowed().time > 30
    assert (task().allowed().memory, task().allowed().time) == (Limits.memory, Limits.time)


def test_verdict_and_points_agree_on_what_accumulates():
    source = (
        RIGHT.replace("def ", "total = {}\ndef ").replace("    return {", "    new = {")
        + "    for k, v in new.items(): total[k] = total.get(k, 0) + v\n    return dict(total)\n"
    )
    result = task().check_source(source, "a.py")
    assert (result.status, result.score) == ("wrong", 5)
    assert all(p.reason for p in result.points)


NUMERICAL = """
import numpy as np
def loss(x, y, w, b):
    a = x
    for l in range(1, len(w)):
        a = np.tanh(a @ w[l].T + b[l])
    return ((a - y) ** 2).sum(axis=1).mean()
def backward(x, y, w, b):
    out = {}
    for l in range(1, len(w)):
        for k, p in (("w", w[l]), ("b", b[l])):
            out[f"d{k}{l}"] = g = np.zeros_like(p)
            for i in np.ndindex(*p.shape):
                h, old = 1e-5, p[i]
                p[i] = old + h
                up = loss(x, y, w, b)
                p[i] = old - h
                g[i], p[i] = (up - loss(x, y, w, b)) / (2 * h), old
    return out
"""


def test_what_hints_at_a_derivative_that_was_not_worked_out_is_remarked_on():
    result = task().check_source(NUMERICAL, "a.py")
    assert result.status == "right"
    [remark] = result.remarks
    assert remark.startswith("It may differentiate numerically: loss() was called 52 times for 26 parameters, and its")
    assert remark in result.feedback() and result.to_dict()["remarks"] == [remark]
    result = task().check_source("import sklearn\n" + RIGHT, "a.py")
    assert result.remarks == ("It imported sklearn, which can differentiate or train by itself.",)
    assert task().check_source(RIGHT, "a.py").remarks == task().check_source(NO_FACTOR, "a.py").remarks == ()


def test_a_second_call_that_fails_is_told_with_its_line():
    used_up = "STORE = [1]\n" + RIGHT.replace("(x, y, w, b):\n", "(x, y, w, b):\n    STORE.pop()\n")
    [note] = task().check_source(used_up, "a.py").report.notes
    assert note == (
        "Called again with the same data, your function failed: "
        "backward() raised IndexError: pop from empty list (line 5: STORE.pop())."
    )


@pytest.mark.parametrize(
    "cell, sentence",
    [
        (
            "def backward(x, y, w, b):\n    return 1 / 0",
            "backward() raised ZeroDivisionError: division by zero (code cell 2, line 2: return 1 / 0).",
        ),
        (
            "def backward(x, y, w, b):\r\nreturn 1",
            "The file is not valid Python: expected an indented block after function definition on code cell 2, line 1 (code cell 2, line 2: return 1).",
        ),
        ("%%bash\nls", "The file has no function backward(): it defines no function."),
    ],
)
def test_a_notebook_is_told_by_cell_and_line(cell, sentence, tmp_path):
    cells = [{"cell_type": "code", "source": source} for source in ("import numpy as np\n\n", cell)]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "Mine"}, *cells]}))
    [handed] = files_in([tmp_path])
    assert task().check(handed).sentence == sentence
