"""The update of one weight by gradient descent, momentum and Adam, each with its formula and its state."""

import pellucid as pc

net = pc.mlp([2, 3, 1], "tanh", seed=0)
trace = net.trace([[0.5, -1.0], [1.0, 0.3], [-0.2, 0.8]], [[1.0], [0.0], [0.5]])

print(trace.update("w[1][0,1]", "sgd", learning_rate=0.1).to_text(depth=0, checks=False), "\n")
state = {"v": -0.02}  # the velocity from the updates before
print(trace.update("w[1][0,1]", "momentum", learning_rate=0.1, momentum=0.9, state=state).to_text(checks=False), "\n")
state = {"m": 0.01, "v": 0.0004, "t": 3}  # Adam's running means after three updates
adam = trace.update("w[1][0,1]", "adam", learning_rate=0.01, state=state)
print(adam.to_text(checks=False))
