"""A process that holds one peer ready and runs an epoch whenever a line comes in, so that peers take turns."""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
from peers import PEERS  # noqa: E402
from work import named  # noqa: E402


def main() -> None:
    answer = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to standard error
    peer, work = sys.argv[1], named(sys.argv[2])
    trainer = PEERS[peer](work)
    for line in sys.stdin:
        order = line.split()
        if order[0] == "epoch":
            reply = {"seconds": trainer.epoch()}
        else:
            np.savez(
                order[1],
                **{
                    f"{kind}{l}": a
                    for l, pair in enumerate(trainer.weights())
                    for kind, a in zip("wb", pair, strict=True)
                },
            )
            reply = {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        print(json.dumps(reply), file=answer)
        if order[0] == "end":
            return


if __name__ == "__main__":
    main()
