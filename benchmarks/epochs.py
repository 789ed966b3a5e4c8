"""An epoch of training, all peers in turn, each in a process of its own; every round has another order.

With one order for all rounds a peer would always follow the same neighbour, and find the caches as that one left them.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from peers import PEERS
from work import HERE, Work

import pellucid as pc

WARM_UP = 2  # epochs that are run but not counted: compilation and caches


def measure(work: Work, peers: list[str], rounds: int) -> dict[str, dict]:
    """For each peer its seconds by round, its loss after the same number of epochs, its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        running = {
            peer: subprocess.Popen(
                [sys.executable, str(HERE / "worker.py"), peer, work.name], text=True, bufsize=1,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )
            for peer in peers
        }  # fmt: skip
        results: dict[str, dict] = {peer: {"seconds": []} for peer in peers}
        order = random.Random(0)
        for turn in range(WARM_UP + rounds):
            for peer in order.sample(list(running), len(running)):
                reply = ask(running[peer], "epoch")
                if reply is None:
                    results[peer]["failed"] = True
                    del running[peer]
                elif turn >= WARM_UP:
                    results[peer]["seconds"].append(reply["seconds"])
        for peer, process in running.items():
            path = Path(folder) / f"{peer.replace(' ', '_')}.npz"
            results[peer] |= ask(process, f"end {path}") or {}
            process.wait(60)
            if path.exists():
                results[peer]["loss"] = final_loss(work, path)
        return results


def ask(process: subprocess.Popen, order: str) -> dict | None:
    """One order and its answer; None if the process died."""
    try:
        print(order, file=process.stdin, flush=True)
    except BrokenPipeError:
        return None
    line = process.stdout.readline()
    return json.loads(line) if line else None


def final_loss(work: Work, path: Path) -> float | None:
    """The mean loss over all samples with a peer's weights, by one and the same code."""
    arrays = np.load(path)
    if not arrays.files:
        return None
    last = (
        {"output": "softmax", "loss": "cross_entropy"}
        if work.classes
        else {"output": "linear", "loss": "half_squared_error"}
    )
    net = pc.mlp(work.sizes, work.activation, **last)
    for l in range(1, net.L + 1):
        net.w[l], net.b[l] = arrays[f"w{l - 1}"], arrays[f"b{l - 1}"]
    return net.evaluate(*work.data())["loss"]


def main() -> None:
    """Measure one line and print it: epochs.py 'NAME' [PEER …]."""
    from work import named

    peers = sys.argv[2:] or list(PEERS)
    for peer, result in measure(named(sys.argv[1]), peers, 5).items():
        seconds = result["seconds"]
        print(f"{peer:15} {statistics.median(seconds) if seconds else float('nan'):8.4f} s  loss {result.get('loss')}")


if __name__ == "__main__":
    main()
