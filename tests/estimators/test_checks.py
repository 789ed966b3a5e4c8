"""scikit-learn's own checks of estimators: all of them, and none declared as expected to fail."""

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
