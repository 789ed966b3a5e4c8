"""scikit-learn's own tests of its MLP, run on Pellucid's by swapping the two classes in their module; all pass."""

import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest
import sklearn.neural_network

from pellucid import estimators
from pellucid.estimators.quasi_newton import objective
from pellucid.training.flat import packed, unpacked

SOURCE = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"


class MLPClassifier(estimators.MLPClassifier):
    """With the private method that scikit-learn's test of the gradient calls, in its order of the weights."""

    def _loss_grad_lbfgs(self, theta, X, y, sample_weight, *_):
        net, sizes = self.network_, [*self.coefs_, *self.intercepts_]
        arrays, start = [], 0
        for size in sizes:
            arrays.append(theta[start : start + size.size].reshape(size.shape))
            start += size.size
        here = [{}] + [{"w": w.T, "b": b} for w, b in zip(arrays[: net.L], arrays[net.L :], strict=True)]
        f = objective(self._architecture(), net.parameters, X, np.asarray(y, np.float64), sample_weight)
        C, gradient = f(packed(tuple(here)))
        back = unpacked(gradient, net.parameters)
        return C, np.concatenate([layer["w"].T.ravel() for layer in back[1:]] + [layer["b"] for layer in back[1:]])


def swapped():
    """The module with Pellucid's classes under scikit-learn's names."""
    spec = importlib.util.spec_from_file_location("sklearn_test_mlp_on_pellucid", SOURCE)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.neural_network, "MLPClassifier", MLPClassifier)
        patch.setattr(sklearn.neural_network, "MLPRegressor", estimators.MLPRegressor)
        spec.loader.exec_module(module)
    return module


module = swapped()
TESTS = {name: test for name, test in inspect.getmembers(module, inspect.isfunction) if name.startswith("test_")}
globals().update(TESTS)


@pytest.fixture
def global_random_seed():
    return 42


def test_the_classes_are_swapped():
    assert module.MLPClassifier is MLPClassifier and module.MLPRegressor is estimators.MLPRegressor
    assert len(TESTS) >= 40
