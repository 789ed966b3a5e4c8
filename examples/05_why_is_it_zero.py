"""Derivatives that are zero, each for another reason, and each says why."""

import pellucid as pc

net = pc.Network(pc.Input(2), pc.Dense(3, "relu"), pc.Dense(3, "sigmoid"))
net.w[1] = [[1.0, 0.0], [-1.0, 0.5], [0.5, 0.0]]
net.w[2] = [[0.5, 1.0, 0.0], [0.0, -1.0, 0.0], [0.8, -0.3, 0.0]]
net.b[2] = [1000.0, 0.0, 0.0]
trace = net.trace([1.0, 0.0], [0.0, 0.5, 1.0])

for reason, address in {
    "the input is 0": "dC0/dw[1][0,1]",
    "a dead ReLU": "dC0/dw[1][1,0]",
    "no weight leads on": "dC0/da[1][2]",
    "a saturated sigmoid": "dC0/dw[2][0,0]",
    "a perfect output": "dC0/dw[2][1,0]",
}.items():
    derivation = trace.explain(address)
    assert derivation.value == 0
    print(f"— {reason} —")
    print(derivation.to_text(checks=False, depth=0), "\n")
