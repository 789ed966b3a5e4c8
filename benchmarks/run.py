"""The whole benchmark in one command: measures everything in one run and writes results.json, results.md, results.png.

python benchmarks/run.py [--rounds 7] [--only epochs|fits|predict|memory]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from importlib.metadata import version
from pathlib import Path

import report
from epochs import measure
from peers import PEERS
from whole import fits, in_turn, memory, predictions
from work import HERE, lines

PARTS = ("epochs", "fits", "predict", "memory")


def machine() -> dict:
    """What it ran on."""
    names = [l for l in Path("/proc/cpuinfo").read_text().splitlines() if l.startswith("model name")]
    model = names[0].split(":")[1].strip() if names else platform.processor()
    packages = ("numpy", "jax", "optax", "torch", "keras", "scikit-learn")
    return {
        "processor": model, "cores": os.cpu_count(), "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }  # fmt: skip


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each peer has its turn")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure only this part; may be repeated")
    parser.add_argument("--line", action="append", help="measure only the epochs' lines with this in their name")
    arguments = parser.parse_args()
    parts = arguments.only or PARTS
    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    results["machine"] = machine()
    if "epochs" in parts:
        table = results.setdefault("epochs", {})
        for work in lines():
            if arguments.line and not any(part in work.name for part in arguments.line):
                continue
            peers = measure(work, list(PEERS), arguments.rounds)
            table[work.name] = {
                "operations": work.operations,
                "samples": work.samples,
                "batch": work.batch,
                "peers": peers,
            }
            medians = {p: statistics.median(r["seconds"]) for p, r in peers.items() if r["seconds"]}
            say(f"{work.name}: " + ", ".join(f"{p} {s:.3f}" for p, s in medians.items()))
    if "fits" in parts:
        results["fits"] = {}
        for case, programs in fits().items():
            # Programs of two seconds differ by a tenth from one time to the next: more of them.
            results["fits"][case] = in_turn(programs, 3 if "images" in case else 9)
            say(f"{case}: {results['fits'][case]}")
    if "predict" in parts:
        results["predict"] = in_turn(predictions(), 3)
        say(f"prediction: {results['predict']}")
    if "memory" in parts:
        results["memory"] = memory()
        say(f"memory: {results['memory']}")
    path.write_text(json.dumps(results, indent=1))
    report.write(results, HERE / "results.md", HERE / "results.png")
    say(f"wrote {HERE / 'results.md'}")


if __name__ == "__main__":
    main()
