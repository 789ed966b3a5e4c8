"""The textbooks' picture: an output layer of 4 nodes above 6, and its weight w_12 (from node 2 to node 1).

Three terms make its derivative. The whole example is written as a page, a LaTeX document, Markdown, a notebook
and JSON.
"""

import numpy as np

import pellucid as pc

net = pc.mlp([3, 6, 4], "sigmoid")
net.w[1] = np.linspace(-0.9, 0.8, 18).reshape(6, 3).round(2)
net.w[2] = np.linspace(0.7, -0.6, 24).reshape(4, 6).round(2)
net.b[1] = [0.1, -0.2, 0.0, 0.3, -0.1, 0.2]
net.b[2] = [0.05, -0.05, 0.1, 0.0]

trace = net.trace([0.5, -0.2, 0.9], [0, 1, 0, 0])
derivation = trace.explain("dC0/dw[L][1,2]", depth=1)
print(derivation)

first, second, third = derivation.children
assert abs(derivation.value - first.value * second.value * third.value) < 1e-15

example = trace.worked_example(learning_rate=0.5)
for ending in ("html", "tex", "md", "ipynb", "json"):
    for file in example.save(f"output-layer.{ending}"):
        print("wrote", file)
