"""A weight of the first layer reaches the loss on many paths; their contributions add up to its derivative."""

import math

import numpy as np

import pellucid as pc

net = pc.mlp([4, 5, 5, 3], "tanh", seed=3)
trace = net.trace([0.4, -1.0, 0.7, 0.2], [1.0, 0.0, -1.0])

derivation = trace.explain("dC0/dw[1][2,0]", depth=0)
print(derivation.to_text(checks=False), "\n")

paths = derivation.paths(top=15)  # one node of layer 1, five of layer 2, three outputs: 15 paths
print(f"{paths.count} paths; the three largest:")
for path in paths.top[:3]:
    print("  ", " → ".join(f"{l}:{j}" for l, j in path.nodes), f"{path.value:+.6f}")
total = math.fsum(path.value for path in paths.top)
print(f"all of them add up to {total:+.6f}; the derivative is {derivation.value:+.6f}\n")
assert np.isclose(total, derivation.value, rtol=1e-12)

deep = pc.mlp([20] + [100] * 15 + [10], "tanh", seed=0)  # 10²⁹ paths: nobody lists these
found = deep.trace(np.linspace(-1, 1, 20), np.zeros(10)).explain("dC0/dw[1][7,3]").paths(top=1)
print(f"In a network of 16 layers: {found.count:.1e} paths, the largest is {found.top[0].value:.2e}")
