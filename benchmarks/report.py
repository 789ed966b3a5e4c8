"""The measured figures as Markdown tables and as a picture."""

from __future__ import annotations

import statistics
from pathlib import Path

from work import lines


def spread(seconds: list[float], unit: float = 1.0) -> str:
    """Median and range."""
    middle, low, high = (f(seconds) / unit for f in (statistics.median, min, max))
    return f"{middle:.3g} ({low:.3g}–{high:.3g})"


def ratio(theirs: list[float], ours: list[float]) -> float:
    """The median of a peer's seconds over ours, round by round: what slows a whole round down is in both."""
    return statistics.median(t / o for t, o in zip(theirs, ours, strict=True))


def epochs_table(epochs: dict) -> list[str]:
    """Seconds per epoch of every peer, the ratio of Pellucid to the best and to eager PyTorch, the share of the machine."""
    peers = [p for p in next(iter(epochs.values()))["peers"] if p != "matrix product"]
    rows = [
        "| epoch of | "
        + " | ".join(peers)
        + " | best peer ÷ pellucid | torch ÷ pellucid | µs a step | share of matrix product | losses"
        + " | peak MB of the process: pellucid; peers |",
        "|---|" + "---|" * (len(peers) + 6),
    ]
    for work in lines():
        if work.name not in epochs:
            continue
        name, line = work.name, epochs[work.name]
        results = line["peers"]
        medians = {p: statistics.median(r["seconds"]) for p, r in results.items() if r["seconds"]}
        ours = medians["pellucid"]
        ratios = {p: ratio(results[p]["seconds"], results["pellucid"]["seconds"]) for p in medians}
        best = min((r, p) for p, r in ratios.items() if p not in ("pellucid", "matrix product"))
        product = 2 * 1024**3 / min(results["matrix product"]["seconds"])
        losses = [r["loss"] for p, r in results.items() if r.get("loss") is not None]
        peaks = {
            p: r["peak"] / 2**20 for p, r in results.items() if p in ratios and p != "matrix product" and "peak" in r
        }
        own, others = peaks.pop("pellucid"), peaks.values()
        torch = f"{ratios['torch']:.1f}" if "torch" in ratios else "–"
        cells = [spread(results[p]["seconds"]) if p in medians else "failed" for p in peers]
        step = ours / (line["samples"] / line["batch"]) * 1e6
        rows.append(
            f"| {name} | " + " | ".join(cells)
            + f" | {best[0]:.2f} ({best[1]}) | {torch} | {step:.1f} | {line['operations'] / ours / product:.0%} | "
            + f"{min(losses):.4g}–{max(losses):.4g} | {own:.0f}; {min(others):.0f}–{max(others):.0f} |"
        )  # fmt: skip
    return rows


def fits_table(cases: dict) -> list[str]:
    """Seconds from start to end of the process."""
    rows = ["| whole process | peer | seconds | score | peer ÷ pellucid |", "|---|---|---|---|---|"]
    for case, peers in cases.items():
        ours = [r.get("seconds", float("nan")) for r in peers["pellucid"]]
        for peer, results in peers.items():
            seconds = [r["seconds"] for r in results if "seconds" in r]
            if len(seconds) < len(results):
                failed = next(r["failed"] for r in results if "failed" in r)
                rows.append(f"| {case} | {peer} | failed: {failed} | | |")
                continue
            rows.append(
                f"| {case} | {peer} | {spread(seconds)} | {results[0]['score']:.4f} | {ratio(seconds, ours):.2f} |"
            )
    return rows


def predict_table(peers: dict) -> list[str]:
    """Microseconds per call."""
    rows = ["| prediction, 784-128-10, µs | 1 row | 1,000 rows | 60,000 rows |", "|---|---|---|---|"]
    for peer, results in peers.items():
        cells = [spread([r[n] for r in results if n in r], 1e-6) for n in ("1", "1000", "60000")]
        rows.append(f"| {peer} | " + " | ".join(cells) + " |")
    return rows


def memory_table(peers: dict) -> list[str]:
    """Peak above the libraries' own."""
    rows = [
        "| memory, 60,000 images, 784-128-10, Adam | peak above the libraries | data + weights + state | ratio |",
        "|---|---|---|---|",
    ]
    for peer, (result, *_) in peers.items():
        if "failed" not in result:
            rows.append(
                f"| {peer} | {result['above'] / 2**20:.0f} MB | {result['need'] / 2**20:.0f} MB | {result['ratio']:.2f} |"
            )
    return rows


def write(results: dict, table: Path, picture: Path) -> None:
    """Write the tables and the picture."""
    machine = results["machine"]
    text = [
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, "
        + ", ".join(f"{name} {number}" for name, number in machine["versions"].items()) + ". Median (range).",
    ]  # fmt: skip
    for part, make in (
        ("epochs", epochs_table),
        ("fits", fits_table),
        ("predict", predict_table),
        ("memory", memory_table),
    ):
        if results.get(part):
            text += ["", *make(results[part])]
    table.write_text("\n".join(text) + "\n")
    if results.get("epochs"):
        draw(results["epochs"], picture)


def draw(epochs: dict, picture: Path) -> None:
    """Each line's seconds per epoch as bars, relative to Pellucid's."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [work.name for work in lines() if work.name in epochs]
    peers = [p for p in next(iter(epochs.values()))["peers"] if p != "matrix product"]
    figure, axes = plt.subplots(figsize=(9, 0.62 * len(names) + 1.6))
    height = 0.8 / len(peers)
    for at, peer in enumerate(peers):
        widths = []
        for name in names:
            results = epochs[name]["peers"]
            ours = statistics.median(results["pellucid"]["seconds"])
            widths.append(statistics.median(results[peer]["seconds"]) / ours if results[peer]["seconds"] else 0)
        axes.barh([i + at * height for i in range(len(names))], widths, height, label=peer)
    axes.set_yticks([i + 0.4 - height / 2 for i in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("time of an epoch ÷ Pellucid's (log scale; right of 1 is slower than Pellucid)")
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.4, -0.05), ncols=4)
    figure.tight_layout()
    figure.savefig(picture, dpi=130)
