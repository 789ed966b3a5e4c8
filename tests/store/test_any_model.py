"""A share of the fuzzing of models and checkpoints (`fuzzing` has the command for all of it)."""

import pytest

from . import fuzzing


@pytest.mark.parametrize(("kind", "count"), [("models", 500), ("checkpoints", 250)])
def test_a_changed_file_is_used_or_refused_in_a_sentence(kind, count):
    outcome, failures, _, megabytes = fuzzing.run(kind, count, seed=1)
    assert not failures
    assert outcome["refused"] > count / 3
    assert outcome["used"] > count / 20
    assert megabytes < 1000
