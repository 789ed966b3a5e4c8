"""How long explanations take: one derivative in a large network, a derivation of a small one, the largest paths.

    python benchmarks/explanations.py

The large network's figure is a ratio to one forward and backward pass of the same sample in NumPy, in the same run, in
turn: once with ∂C/∂W of every layer, as training needs it, and once with the deltas alone, which is half of that work.
"""

import time

import numpy as np

from pellucid.architecture import Architecture
from pellucid.backward import backward
from pellucid.explain import Trace
from pellucid.forward import forward
from pellucid.layers import Dense, Input
from pellucid.losses import loss


def network(sizes, hidden):
    inner = (Dense(n, hidden) for n in sizes[1:-1])
    return Architecture((Input(sizes[0]), *inner, Dense(sizes[-1], "softmax")), loss("cross_entropy"))


def best(function, times):
    found = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return min(found)


def large():
    net = network([1000, 7000, 7000, 6000, 10], "relu")
    rng = np.random.default_rng(0)
    w = tuple(
        {k: rng.standard_normal(s, dtype=np.float32) * 0.02 for k, s in net.program.shapes(l).items()}
        for l in range(net.L + 1)
    )
    x, y = rng.standard_normal((1, 1000), dtype=np.float32), np.array([3])
    count = sum(array.size for layer in w for array in layer.values())

    def passes():
        record = forward(net.program, w, x)
        return record, backward(net.program, net.loss, record, y)

    def gradients():
        record, back = passes()
        return [np.outer(back.delta[l][0], record.a[l - 1][0]) for l in range(1, net.L + 1)]

    def explained():
        return Trace(net, w, x, y).explain("dC0/dw[1][7,5]").value

    seconds = np.array([[best(f, 4) for f in (explained, gradients, passes)] for _ in range(9)])
    one, all_, deltas = np.median(seconds, axis=0)
    print(f"{count:,} float32 weights: one derivative explained {one:.3f} s")
    for what, other, column in (("with every derivative of a weight", all_, 1), ("without them", deltas, 2)):
        ratio = np.median(seconds[:, 0] / seconds[:, column])
        print(f"  forward and backward {what}: {other:.3f} s, ratio {ratio:.2f}")


def small():
    net = network([4, 8, 8, 3], "tanh")
    w, x = net.initial(0), np.ones((1, 4))
    seconds = best(lambda: list(Trace(net, w, x, [2]).explain("dC0/dw[1][0,1]", depth=3).walk()), 30)
    print(f"4-8-8-3, records and a derivation of depth 3: {1000 * seconds:.1f} ms")


def paths():
    net = network([784, 512, 512, 10], "tanh")
    d = Trace(net, net.initial(0), np.ones((1, 784)), [3]).explain("dC0/dw[1][5,7]")
    print(
        f"784-512-512-10, the 10 largest of {d.paths(10).count:,} paths: {1000 * best(lambda: d.paths(10), 20):.1f} ms"
    )


if __name__ == "__main__":
    large()
    small()
    paths()
