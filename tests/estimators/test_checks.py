"""scikit-learn's own checks of estimators: all of them, and none declared as expected to fail."""

import os
import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from pellucid.estimators import MLPClassifier, MLPRegressor

# scikit-learn runs these checks of its own MLPs with 100 epochs at most, too.
ESTIMATORS = [MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_check(estimator, check):
    check(estimator)


@pytest.mark.skipif("SCIPY_ARRAY_API" in os.environ, reason="this is the run that the test below starts")
def test_the_checks_that_need_a_switch():
    """The check of array API input skips itself unless a switch is on before SciPy is imported."""
    command = [sys.executable, "-m", "pytest", "-q", "-k", "array_api", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(
        command, env={**os.environ, "SCIPY_ARRAY_API": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout
