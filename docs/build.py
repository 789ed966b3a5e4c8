"""Write the hand-calculated networks of tests/worked as pages that can be handed to a class: build/docs/*.html."""

import json
from pathlib import Path

import pellucid as pc

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """One worked example for each network, and a page that lists them."""
    out = ROOT / "build" / "docs"
    out.mkdir(parents=True, exist_ok=True)
    links = []
    for path in sorted((ROOT / "tests" / "worked").glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        layers = [
            pc.Dense(case["n"][l], g, bias=case["b"][l] is not None) for l, g in enumerate(case["activations"], 1)
        ]
        net = pc.Network(pc.Input(case["n"][0]), *layers, loss=case["loss"])
        for l in range(1, net.L + 1):
            net.w[l] = case["w"][l]
            if case["b"][l] is not None:
                net.b[l] = case["b"][l]
        example = net.trace(case["x"], case["y"]).worked_example(learning_rate=case["lr"], title=case["title"])
        for file in example.save(out / f"{case['name']}.html"):
            links.append(f'<li><a href="{file.name}">{case["title"]}</a></li>')
            print("wrote", file.relative_to(ROOT))
    page = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Worked examples</title><h1>Worked examples</h1>'
    (out / "index.html").write_text(f"{page}<ul>{''.join(links)}</ul></html>\n", encoding="utf-8")


if __name__ == "__main__":
    main()
