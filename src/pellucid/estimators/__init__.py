"""Pellucid behind scikit-learn's interface: `MLPClassifier` and `MLPRegressor`.

    from pellucid.estimators import MLPClassifier     # instead of sklearn.neural_network

The same names, defaults and meanings as scikit-learn's, and with the same `random_state` the same numbers; the
trained network is in `network_`, to be explained. Importing this module imports scikit-learn.
"""

from .classifier import MLPClassifier
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
