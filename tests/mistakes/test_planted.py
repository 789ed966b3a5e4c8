"""Every known mistake, planted in random networks, is found again; alone, in all layers, and in pairs."""

import pytest

from pellucid.check import MISTAKES

from .planting import pair, single

SLUGS = [slug for slug in MISTAKES if slug != "float32-noise"]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_planted_mistake_is_listed(slug):
    tried = 0
    for seed in range(3):
        for where in ("one", "all"):
            found = single(seed, slug, where)
            if found is None:
                continue
            tried += 1
            report = found[2]
            assert not report.ok
            assert slug in [m.slug for m in report.mistakes], (seed, where)
    assert tried >= 3


# Where a single mistake gives the same numbers as the two, no data of this kind can tell.
PAIRS = [
    ("missing-activation-derivative", "sum-instead-of-mean"),
    ("factor-two-missing", "bias-not-divided"),
    ("updated-weights-used", "bias-missing"),
    ("one-path-only", "missing-input-factor"),
    ("derivative-at-activation", "wrong-layer-input"),
    ("penalty-missing", "transposed"),
    ("penalty-constant", "wrong-sign"),
    ("penalty-on-bias", "factor-two-extra"),
    ("samples-misaligned", "wrong-activation-derivative"),
    ("mean-over-outputs", "off-by-one-layer"),
    ("softmax-applied-twice", "divided-twice"),
    ("averaged-too-early", "bias-reduced-over-wrong-axis"),
]


@pytest.mark.parametrize(("one", "two"), PAIRS)
def test_a_pair_is_named(one, two):
    named = 0
    for seed in range(3):
        found = pair(seed, one, two)
        if found is not None:
            explained = [set(e.slugs) for e in found[2].explanations]
            named += {one, two} in explained
            assert {one, two} in explained or any(len(e) == 1 for e in explained), (seed, explained)
    assert named >= 1
