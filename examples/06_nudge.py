"""What a derivative promises: change a number a little, and the loss changes by derivative · change, nearly."""

import pellucid as pc

net = pc.mlp([3, 5, 2], "tanh", seed=2)
trace = net.trace([0.3, -0.8, 0.5], [1.0, -1.0])

print(trace.nudge("w[1][2,0]", 0.1), "\n")  # a weight
print(trace.nudge("x[1]", 0.1, of="a[L][0]"), "\n")  # an input, and what it does to an output
print(trace.nudge("a[1][3]", 0.1), "\n")  # a node in the middle, as if it had said something else

errors = [abs(trace.nudge("w[1][2,0]", eps).difference) for eps in (0.1, 0.01, 0.001)]
print("what the derivative does not see:", ", ".join(f"{error:.1e}" for error in errors))
print("ten times smaller a change, a hundred times smaller an error")
assert errors[0] > 50 * errors[1] > 2500 * errors[2]
