"""Labels of a class-conditional flow: every way to hand them over, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows

X, Y = flows.images(24), np.random.default_rng(1).integers(0, 3, 24)


def compiled(*, fresh=False, **options):
    flow = flows.small("glow", **{"classes": 3, "class_loss": 0.05, **options})
    flow = flow if fresh else flows.randomize(flow)
    flow.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    return flow


@pytest.fixture(scope="module")
def flow():
    return compiled()


class Pairs(keras.utils.PyDataset):
    """Three batches."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[8 * index : 8 * index + 8], Y[8 * index : 8 * index + 8]


def pairs(labels=Y):
    return tf.data.Dataset.from_tensor_slices((X, labels)).batch(8)


FORMS = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": 8},
    "a dict": lambda: {"x": {"x": X, "condition": Y}, "batch_size": 8},
    "a dict before y": lambda: {"x": {"x": X, "condition": Y}, "y": 0 * Y, "batch_size": 8},
    "a dict with weights": lambda: {
        "x": {"x": X, "condition": Y},
        "sample_weight": np.ones(24),
        "batch_size": 8,
    },
    "tensors": lambda: {"x": tf.constant(X), "y": tf.constant(Y, tf.int32), "batch_size": 8},
    "tf.data": lambda: {"x": pairs()},
    "PyDataset": lambda: {"x": Pairs()},
}


@pytest.mark.parametrize("form", FORMS)
def test_evaluate_takes(form, flow):
    results = flow.evaluate(**FORMS[form](), verbose=0, return_dict=True)
    assert set(results) == {"loss", "bits_per_dim", "class_accuracy"}
    bits = -np.mean(flow.log_prob(X, Y)) / (16 * np.log(2))
    np.testing.assert_allclose(results["bits_per_dim"], bits, rtol=1e-5)
    accuracy = np.mean(flow.classify(X).numpy().argmax(-1) == Y)
    np.testing.assert_allclose(results["class_accuracy"], accuracy, rtol=1e-6)


@pytest.mark.parametrize("form", ["arrays", "a dict", "tf.data"])
def test_fit_starts_and_trains_with(form):
    keras.utils.set_random_seed(0)
    flow = compiled(fresh=True)
    flow.fit(**FORMS[form](), shuffle=False, verbose=0)
    assert flow.initialized
    values = [*flow.evaluate(X, Y, verbose=0)]
    np.testing.assert_allclose(values, _results.setdefault("fit", values), rtol=1e-5)


_results = {}


def test_predict_and_validation(flow):
    expected = flow.log_prob(X, Y)
    for data in ({"x": X, "condition": Y}, pairs()):
        np.testing.assert_allclose(flow.predict(data, verbose=0), expected, rtol=1e-5)
    np.testing.assert_allclose(flow({"x": X, "condition": Y}), expected, rtol=1e-5)
    twin = compiled()
    history = twin.fit(X, Y, validation_data=(X, Y), verbose=0).history
    np.testing.assert_allclose(history["val_loss"], twin.evaluate(X, Y, verbose=0)[0], rtol=1e-5)


def test_without_a_classifier():
    flow = compiled(class_loss=0.0, fresh=True)
    flow.train_on_batch(X, Y)
    assert flow.initialized
    loss = -np.mean(flow.log_prob(X, Y))
    np.testing.assert_allclose(flow.evaluate(X, Y, verbose=0), [loss, loss / (16 * np.log(2))])
    with pytest.raises(ValueError, match="class_loss above 0. Received: class_loss=0.0"):
        flow.classify(X)


def test_with_a_dequantizer_and_several_draws():
    flow = compiled(dequantizer=flows.dequantizer())
    flow.fit(X, Y, batch_size=8, verbose=0)
    for samples in (1, 3):
        results = flow.evaluate(X, Y, dequantization_samples=samples, verbose=0, return_dict=True)
        log_prob = flow.log_prob(X, Y, dequantization_samples=samples)
        bits = -np.mean(log_prob) / (16 * np.log(2))
        np.testing.assert_allclose(results["bits_per_dim"], bits, rtol=1e-5)
        logits = flow.classify(X).numpy()
        accuracy = np.mean(logits.argmax(-1) == Y)
        np.testing.assert_allclose(results["class_accuracy"], accuracy, rtol=1e-6)
        entropy = np.log(np.exp(logits).sum(-1)) - logits[np.arange(24), Y]
        loss = -np.mean(log_prob) + 0.05 * 16 * np.mean(entropy)
        np.testing.assert_allclose(results["loss"], loss, rtol=1e-5)


def test_keras_files_keep_everything(tmp_path):
    flow = compiled(learn_prior=False)
    flow.fit(X, Y, verbose=0)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    assert (loaded.classes, loaded.class_loss) == (3, 0.05)
    np.testing.assert_allclose(loaded.log_prob(X, Y), flow.log_prob(X, Y), rtol=1e-6)
    np.testing.assert_allclose(loaded.classify(X), flow.classify(X), rtol=1e-5, atol=1e-6)
    losses = [f.train_on_batch(X, Y, return_dict=True)["loss"] for f in (flow, loaded)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


NONE = "Expected labels, .* Received: labels=None"
REFUSED = {
    "no labels": (ValueError, NONE, lambda f: f.log_prob(X)),
    "samples without": (ValueError, NONE, lambda f: f.sample(2)),
    "latents without": (ValueError, NONE, lambda f: f.decode(np.zeros((2, 16)))),
    "start without": (ValueError, NONE, lambda f: f.initialize(X)),
    "fit without": (ValueError, NONE, lambda f: f.fit(X, verbose=0)),
    "evaluate without": (ValueError, NONE, lambda f: f.evaluate(X, verbose=0)),
    "predict without": (ValueError, NONE, lambda f: f.predict(X, verbose=0)),
    "a step without": (ValueError, NONE, lambda f: f.train_on_batch(X)),
    "weights for labels": (
        ValueError,
        NONE,
        lambda f: f.fit(X, sample_weight=np.ones(24, int), verbose=0),
    ),
    "data sets without": (
        ValueError,
        NONE,
        lambda f: f.fit(tf.data.Dataset.from_tensor_slices(X).batch(8), verbose=0),
    ),
    "floats": (TypeError, "Received: labels.dtype=float64", lambda f: f.log_prob(X, Y * 1.0)),
    "arrays of floats": (TypeError, "labels.dtype=float64", lambda f: f.fit(X, Y * 1.0, verbose=0)),
    "too few": (
        ValueError,
        r"labels of shape \(24,\). Received: labels.shape=\(3,\)",
        lambda f: f.log_prob(X, Y[:3]),
    ),
    "too few for n": (ValueError, r"labels.shape=\(3,\)", lambda f: f.sample(2, condition=Y[:3])),
    "one hot": (
        ValueError,
        r"labels.shape=\(24, 3\)",
        lambda f: f.encode(X, np.eye(3, dtype=int)[Y]),
    ),
    "columns": (
        ValueError,
        r"labels of shape \[batch\]. Received: labels.shape=\(24, 1\)",
        lambda f: f.fit(X, Y[:, None], verbose=0),
    ),
    "too large": (
        ValueError,
        r"Expected labels from 0 to 2. Received: labels from 1 to 3, the first labels\[1\]=3",
        lambda f: f.sample(2, condition=[1, 3]),
    ),
    "negative": (ValueError, "labels from -1 to", lambda f: f.log_prob(X, Y - 1)),
    "arrays of others": (ValueError, "from 1 to 3", lambda f: f.train_on_batch(X, Y + 1)),
    "validation": (
        ValueError,
        "labels from 5 to 7",
        lambda f: f.fit(X, Y, validation_data=(X, Y + 5), verbose=0),
    ),
    "data sets of others": (
        ValueError,
        r"Expected labels from 0 to 2. Received: labels\[\d\]=[345], example \d of batch 0",
        lambda f: f.evaluate(pairs(Y + 3), verbose=0),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, flow):
    kind, message, call = REFUSED[case]
    with pytest.raises(kind, match=message):
        call(flow)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"classes": 1}, "classes to be an int of at least 2. Received: classes=1"),
        ({"classes": 2.0}, "Received: classes=2.0"),
        ({"classes": 3, "condition_shape": (2,)}, r"with classes.* Received: condition_shape=\(2,"),
        ({"class_loss": 0.1}, "class_loss=0 without classes. Received: class_loss=0.1"),
        ({"classes": 3, "class_loss": -1.0}, "of at least 0. Received: class_loss=-1.0"),
        ({"classes": 3, "class_loss": float("nan")}, "Received: class_loss=nan"),
    ],
)
def test_arguments_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        flows.fresh("glow", **options)
