"""Train on real handwritten digits, test on held-out ones, and look into one derivative of the output layer."""

import pellucid as pc
from pellucid.data import split

train, validation, test = split("digits", validation=0.1, test=0.2, seed=0)  # 1,797 images of 8 × 8 pixels
net = pc.mlp([64, 100, 10], "relu", output="sigmoid", loss="squared_error", seed=0)
print(net)

history = net.fit(
    train, epochs=80, optimiser="adam", learning_rate=0.002, validation=validation, metrics="accuracy",
    patience=10, restore_best=True, progress=True,
)  # fmt: skip
print(history)
print(f"held-out accuracy: {net.score(test):.4f} on {test.n} images never seen in training\n")

# One weight of the output layer, for the first held-out image: three terms, each with its own number.
trace = net.trace(test.x[:1], test.y[:1])
j, k = int(test.y[0]), int(trace.a[1][0].argmax())  # the node of the right digit, and the busiest node below it
print(f"How does the weight from hidden node {k} to output node {j} change the loss of the first held-out image?\n")
print(trace.explain(f"dC0/dw[L][{j},{k}]"))

path = net.save("digits.safetensors")
print(f"""
Saved {path}. What to try next:
  pellucid info {path}
  pellucid explain {path} 'dC0/dw[1][3,20]' --data digits --sample 0
  pellucid train digits --layers 100,50 --out better.safetensors""")
