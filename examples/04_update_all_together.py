"""A well-known worked example on the web, with 2 inputs, 2 hidden nodes and 2 outputs, has a wrong last number.

It prints the loss 0.291027924 after one update. That number comes out when the output layer is updated first and
the hidden layer's derivatives then use its new weights. All derivatives belong to the old weights.
"""

import numpy as np

import pellucid as pc

net = pc.mlp([2, 2, 2], "sigmoid", loss="half_squared_error")
net.w[1] = [[0.15, 0.20], [0.25, 0.30]]
net.w[2] = [[0.40, 0.45], [0.50, 0.55]]
net.b[1], net.b[2] = [0.35, 0.35], [0.60, 0.60]  # fixed in that example: only the weights learn
x, y, eta = [0.05, 0.10], [0.01, 0.99], 0.5

before = net.trace(x, y)
print(f"loss before:              {before.C[0]:.9f}")
old = {l: net.w[l].copy() for l in (1, 2)}
new = {l: old[l] - eta * before.dC_dw[l] for l in (1, 2)}

# The mistake: δ of the hidden layer through the weights that are new already. (g′ of the sigmoid is a (1 − a).)
a = before.a[1][0]
mixed = np.outer(new[2].T @ before.delta[2][0] * a * (1 - a), x)
right = np.outer(old[2].T @ before.delta[2][0] * a * (1 - a), x)
assert np.allclose(right, before.dC_dw[1], rtol=1e-12)

net.w[1], net.w[2] = new[1], new[2]
right_loss = net.trace(x, y).C[0]
print(f"all weights together:     {right_loss:.10f}   (right)")
net.w[1] = old[1] - eta * mixed
wrong_loss = net.trace(x, y).C[0]
print(f"output layer first:       {wrong_loss:.10f}   (the number on the web)")

assert f"{before.C[0]:.9f}" == "0.298371109"
assert f"{right_loss:.10f}" == "0.2910277737"
assert f"{wrong_loss:.9f}" == "0.291027924"
