"""Metrics against scikit-learn's."""

import numpy as np
import pytest
import sklearn.metrics as theirs

import pellucid as pc
from pellucid.losses import loss
from pellucid.training import metric

CE, BCE, SE = loss("cross_entropy"), loss("binary_cross_entropy"), loss("squared_error")


def test_accuracy(generator):
    a, y = generator.random((50, 4)), generator.integers(0, 4, 50)
    assert metric("accuracy")(a, y, CE) == theirs.accuracy_score(y, a.argmax(1))
    assert metric("accuracy")(a, np.eye(4)[y], CE) == theirs.accuracy_score(y, a.argmax(1))
    binary = (a[:, 1] > a[:, 0]).astype(float)
    assert metric("accuracy")(a[:, :1], binary[:, None], BCE) == theirs.accuracy_score(binary, a[:, 0] > 0.5)
    many = (generator.random((50, 4)) > 0.5).astype(float)
    assert metric("accuracy")(many * 0.8 + 0.1, many, BCE) == 1.0
    assert metric("accuracy")(a, many, BCE) == theirs.accuracy_score(many, a > 0.5)


def test_regression_figures(generator):
    a, y = generator.normal(size=(30, 2)), generator.normal(size=(30, 2))
    assert metric("r2")(a, y, SE) == pytest.approx(theirs.r2_score(y, a), rel=1e-12)
    assert metric("rmse")(a, y, SE) == pytest.approx(theirs.root_mean_squared_error(y.ravel(), a.ravel()), rel=1e-12)
    assert metric("mean_absolute_error")(a, y, SE) == pytest.approx(theirs.mean_absolute_error(y, a), rel=1e-12)
    assert metric("r2")(np.ones((3, 1)), np.ones((3, 1)), SE) == 1.0
    assert metric("r2")(np.zeros((3, 1)), np.ones((3, 1)), SE) == theirs.r2_score(np.ones((3, 1)), np.zeros((3, 1)))


def test_a_borrowed_metric(generator):
    a, y = generator.random((50, 4)), generator.integers(0, 4, 50)
    assert metric("balanced_accuracy_score")(a, y, CE) == theirs.balanced_accuracy_score(y, a.argmax(1))


@pytest.mark.parametrize("name", ["accurcy", "make_scorer", "", None, 3])
def test_unknown(name):
    with pytest.raises(pc.InputError, match="metrics: expected one of accuracy, mean_absolute_error, r2, rmse or"):
        metric(name)


@pytest.mark.parametrize(
    "name", ["f1", "f1_score", "precision", "recall", "balanced_accuracy_score", "matthews_corrcoef"]
)
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("text", [False, True])
def test_metrics_of_labels_take_texts_and_several_classes(name, classes, text):
    import sklearn.metrics

    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(60, 3)), generator.integers(0, classes, 60)
    labels = np.array(["ja", "nein", "vielleicht"])[y] if text else y
    ends = ("sigmoid", "binary_cross_entropy", 1) if classes == 2 else ("softmax", "cross_entropy", 3)
    net = pc.mlp([3, 4, ends[2]], "tanh", output=ends[0], loss=ends[1])
    net.fit(x, labels, epochs=3)
    function = getattr(sklearn.metrics, name if hasattr(sklearn.metrics, name) else f"{name}_score")
    said = np.searchsorted(net.classes, net.predict(x))
    macro = {"average": "macro"} if classes > 2 and name[:2] in ("f1", "pr", "re") else {}
    assert net.evaluate(x, labels, name)[name] == pytest.approx(function(y, said, **macro))


def test_held_out_samples_keep_their_weights():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(60, 3)), generator.integers(0, 2, 60)
    weights, garbage = np.repeat([1.0, 0.0], 30), np.concatenate([y[:30], 1 - y[30:]])
    figures = []
    for targets in (y, garbage):
        net = pc.mlp([3, 4, 1], "tanh", output="sigmoid", loss="binary_cross_entropy")
        history = net.fit(
            x, targets, epochs=3, sample_weight=weights, validation=0.5, metrics=("accuracy", "rmse", "r2", "f1")
        )
        figures.append([history[name] for name in ("validation_loss", "accuracy", "rmse", "r2", "f1")])
    assert figures[0] == figures[1]
    with pytest.raises(pc.InputError, match="held-out samples that weigh something"):
        net.fit(x[:2], [0, 1], sample_weight=[1, 0], validation=0.5, seed=0)
        net.fit(x[:2], [0, 1], sample_weight=[0, 1], validation=0.5, seed=0)


@pytest.mark.parametrize(
    ("output", "loss", "nodes", "said"),
    [
        ("sigmoid", "cross_entropy", 3, "expects outputs of softmax, got sigmoid.*'binary_cross_entropy'"),
        ("softmax", "squared_error", 1, "at least two nodes"),
        ("relu", "binary_cross_entropy", 1, "expects outputs of sigmoid or softmax, got relu"),
        ("linear", "poisson", 1, "expects outputs of exponential"),
    ],
)
def test_losses_and_outputs_that_do_not_fit_are_refused(output, loss, nodes, said):
    net = pc.mlp([3, nodes], output=output, loss=loss)
    with pytest.raises(pc.InputError, match=said):
        net.fit(np.ones((4, 3)), [0, 1, 2, 0] if nodes > 1 else [0, 1, 1, 0])


def test_a_history_is_drawn(tmp_path):
    net = pc.mlp([3, 4, 1], "tanh", output="linear")
    x = np.random.default_rng(0).normal(size=(40, 3))
    history = net.fit(x, x[:, :1], epochs=5, validation=0.2, metrics="r2")
    figure = history.plot(tmp_path / "h.svg")
    assert [axes.get_ylabel() for axes in figure.get_axes()] == [
        "loss",
        "metrics",
        "learning rate",
        "norm of the gradient",
    ]
    assert "</svg>" in (tmp_path / "h.svg").read_text()
    assert "the loss fell by" in history.convergence
    with pytest.raises(pc.InputError, match=r"ends in one of \.pdf, \.png, \.svg"):
        history.plot(tmp_path / "h.gif")


@pytest.mark.parametrize(("word", "ours"), [("lr", "learning_rate"), ("optimizer", "optimiser"), ("epochz", "epochs")])
def test_words_of_other_libraries_get_a_hint(word, ours):
    with pytest.raises(pc.InputError, match=ours):
        pc.mlp([1, 1]).fit([[1.0]], [[1.0]], **{word: 1})


def test_parts_of_other_libraries_get_a_hint():
    net = pc.mlp([1, 1])
    with pytest.raises(AttributeError, match=r"no attribute 'summary'; print\(net\)"):
        net.summary()
    assert not hasattr(net, "anything")


def test_a_threshold_for_a_rare_class():
    net = pc.mlp([1, 1], output="sigmoid", loss="binary_cross_entropy")
    net.classes, net.w[1] = ("no", "yes"), [[1.0]]
    assert net.predict([[-1.0], [1.0]]).tolist() == ["no", "yes"]
    assert net.predict([[-1.0], [1.0]], threshold=0.2).tolist() == ["yes", "yes"]
    with pytest.raises(pc.InputError, match="threshold"):
        pc.mlp([1, 2]).predict([[1.0]], threshold=0.2)
