"""Damaged files of every kind: each is read or refused with a sentence, and nothing else comes out."""

import numpy as np
import pytest

from pellucid.data import load_data
from tests.data.fuzzing import WHOLE, tried


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "d.csv"])  # which holds dates
def test_whole_files_are_read(tmp_path, name):
    (tmp_path / name).write_bytes(WHOLE[name])
    assert np.isfinite(load_data(tmp_path / name, impute="mode").x).all()


@pytest.mark.parametrize("name", WHOLE)
def test_damaged_files_are_read_or_refused(tmp_path, name):
    assert [wrong for seed in range(25) for wrong in tried(tmp_path, name, seed)] == []
