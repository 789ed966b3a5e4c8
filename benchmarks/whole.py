"""What a user waits for: a whole fit in a fresh process, a grid search, predictions, memory.

Each case is a small program that is run in a process of its own, all peers in turn; it prints its own figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time

from work import HERE

# The same call for Pellucid and scikit-learn but for one import. {module} is where the class comes from.
FIT = """
import sys; sys.path.insert(0, {here!r})
from {module} import MLPClassifier
from {data_module} import {loader}
x, y = {call}
model = MLPClassifier({options}).fit(x, y)
print(__import__("json").dumps({{"score": float((model.predict(x) == y).mean()), "loss": float(model.loss_)}}))
"""

TORCH_FIT = """
import sys; sys.path.insert(0, {here!r})
import torch
from {data_module} import {loader}
x, y = {call}
torch.manual_seed(0)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y).long()
model = torch.nn.Sequential(torch.nn.Linear(x.shape[1], {hidden}), torch.nn.ReLU(), torch.nn.Linear({hidden}, int(y.max()) + 1))
optimiser = torch.optim.Adam(model.parameters(), lr=0.001)
for epoch in range({epochs}):
    for rows in torch.randperm(len(x)).split({batch}):
        optimiser.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimiser.step()
print(__import__("json").dumps({{"score": float((model(x).argmax(1) == y).float().mean()), "loss": float(loss)}}))
"""

GRID = """
import sys, time; sys.path.insert(0, {here!r})
from {module} import MLPClassifier
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
x, y = load_digits(return_X_y=True)
grid = {{"alpha": [1e-4, 1e-3, 1e-2], "learning_rate_init": [1e-3, 3e-3]}}
search = GridSearchCV(MLPClassifier(hidden_layer_sizes=(100,), max_iter=30, tol=0, n_iter_no_change=100, random_state=0), grid, cv=4, refit=False)
import warnings; warnings.simplefilter("ignore")
search.fit(x / 16, y)
print(__import__("json").dumps({{"score": float(search.best_score_)}}))
"""

BUNDLED = {"iris": (100, 200, 150), "digits": (100, 200, 200), "breast_cancer": (100, 200, 200)}


def fits() -> dict[str, dict[str, str]]:
    """Programs by case and peer."""
    cases: dict[str, dict[str, str]] = {}
    for name in BUNDLED:
        common = {
            "here": str(HERE), "data_module": "sklearn.datasets", "loader": f"load_{name}",
            "call": f"load_{name}(return_X_y=True)",
        }  # fmt: skip
        if name == "breast_cancer":
            common |= {"call": "load_breast_cancer(return_X_y=True); x = (x - x.mean(0)) / x.std(0)"}
        cases[f"fit {name}, defaults"] = {
            "pellucid": FIT.format(module="pellucid.estimators", options="random_state=0", **common),
            "scikit-learn": FIT.format(module="sklearn.neural_network", options="random_state=0", **common),
        }
    for epochs in (1, 10):
        common = {"here": str(HERE), "data_module": "work", "loader": "images", "call": "images()"}
        options = f"batch_size=200, max_iter={epochs}, tol=0, n_iter_no_change=100, random_state=0"
        quiet = "import warnings; warnings.simplefilter('ignore')\n"
        cases[f"fit 60,000 images, {epochs} epoch{'s' * (epochs > 1)}"] = {
            "pellucid": quiet + FIT.format(module="pellucid.estimators", options=options, **common),
            "scikit-learn": quiet + FIT.format(module="sklearn.neural_network", options=options, **common),
            "torch": TORCH_FIT.format(hidden=100, epochs=epochs, batch=200, **common),
        }
    cases["grid search, 24 fits of digits"] = {
        "pellucid": GRID.format(here=str(HERE), module="pellucid.estimators"),
        "scikit-learn": GRID.format(here=str(HERE), module="sklearn.neural_network"),
    }
    return cases


PREDICT = """
import sys, time; sys.path.insert(0, {here!r})
import numpy as np
from work import Work
work = Work((784, 128, 10), 32, 60000)
x, y = work.data()
{setup}
out = {{}}
for rows, repeats in ((1, 2000), (1000, 50), (60000, 5)):
    part = x[:rows]
    predict(part)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter(); predict(part); seconds.append(time.perf_counter() - began)
    out[str(rows)] = float(np.median(seconds))
print(__import__("json").dumps(out))
"""

PREDICTORS = {
    "pellucid": """
import pellucid as pc
net = pc.mlp(work.sizes, "relu", output="softmax", loss="cross_entropy")
net.fit(x[:1000], y[:1000], epochs=1)
predict = net.predict
""",
    "scikit-learn": """
from sklearn.neural_network import MLPClassifier
import warnings; warnings.simplefilter("ignore")
predict = MLPClassifier(hidden_layer_sizes=(128,), max_iter=1).fit(x[:1000], y[:1000]).predict
""",
    "torch": """
import torch
model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
def predict(part):
    with torch.inference_mode():
        return model(torch.from_numpy(part)).argmax(1)
""",
    "jax": """
import jax, jax.numpy as jnp
w = [(jnp.asarray(w.T), jnp.asarray(b)) for w, b in work.weights()]
@jax.jit
def forward(x):
    return (jax.nn.relu(x @ w[0][0] + w[0][1]) @ w[1][0] + w[1][1]).argmax(1)
def predict(part):
    return np.asarray(forward(part))
""",
}

MEMORY = """
import sys, threading, time; sys.path.insert(0, {here!r})
{libraries}
from work import images
peak, stop = 0, False
def watch():
    global peak
    while not stop:
        peak = max(peak, int(open("/proc/self/statm").read().split()[1]) * 4096); time.sleep(0.005)
x, y = images({n})
watcher = threading.Thread(target=watch); watcher.start()
{train}
stop = True; watcher.join()
need = x.nbytes + y.nbytes + 3 * 4 * (784 * 128 + 128 + 1290)
print(__import__("json").dumps({{"peak": peak, "need": need}}))
"""

TRAINERS = {
    "pellucid": (
        "import pellucid as pc",
        "pc.mlp([784, 128, 10], 'relu', output='softmax', loss='cross_entropy').fit(x, y, epochs=2, batch_size=32, optimiser='adam', backend='jax')",
    ),
    "scikit-learn": (
        "from sklearn.neural_network import MLPClassifier\nimport warnings; warnings.simplefilter('ignore')",
        "MLPClassifier((128,), batch_size=32, max_iter=2).fit(x, y)",
    ),
}


def run(program: str) -> dict:
    """One program in a fresh process: what it printed, and its seconds from start to end."""
    # Pip compiles what it installs; a package installed from its folder is compiled at its first import, if it may be.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    seconds = time.perf_counter() - began
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    return {"seconds": seconds, **json.loads(done.stdout.strip().splitlines()[-1])}


def in_turn(programs: dict[str, str], rounds: int) -> dict[str, list[dict]]:
    """Each program `rounds` times, A B C A B C …, after one run that only brings its files into memory."""
    results: dict[str, list[dict]] = {peer: [] for peer in programs}
    for program in programs.values():
        run(program)
    for _ in range(rounds):
        for peer, program in programs.items():
            results[peer].append(run(program))
    return results


def predictions() -> dict[str, str]:
    """The programs that measure prediction."""
    return {peer: PREDICT.format(here=str(HERE), setup=setup) for peer, setup in PREDICTORS.items()}


def memory() -> dict[str, list[dict]]:
    """Peak memory of training on 60,000 images, above that of the same training on 64: the libraries' own."""
    found = {}
    for peer, (libraries, train) in TRAINERS.items():
        few, many = (run(MEMORY.format(here=str(HERE), libraries=libraries, train=train, n=n)) for n in (64, 60_000))
        above = many["peak"] - few["peak"] + few["need"]
        found[peer] = [{"above": above, "need": many["need"], "ratio": above / many["need"]}]
    return found
