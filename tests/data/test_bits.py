"""Images of fewer bits, as in Glow's 5-bit experiments, and the number of classes beside labels."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.data.test_tfds import prepare
from tfflows import data

tfd = tfp.distributions


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("tfds"))
    prepare(path, "cifar10", {"train": 40, "test": 10}, (32, 32, 3))
    return path


def batch(loaded):
    return next(iter(loaded.dataset.as_numpy_iterator()))


@pytest.mark.parametrize("bits", [1, 5, 8])
@pytest.mark.parametrize("labels", [False, True])
def test_values_are_the_floor_of_the_authors(folder, bits, labels):
    options = {"data_dir": folder, "with_labels": labels, "shuffle": False, "pad_to": 33}
    plain = data.load("cifar10", "test", 10, **options)
    loaded = data.load("cifar10", "test", 10, bits=bits, **options)
    assert (plain.bins, loaded.bins) == (256, 2**bits)
    assert loaded._replace(dataset=None, bins=256) == plain._replace(dataset=None)
    (x, *y), (reduced, *kept) = (b if labels else (b,) for b in (batch(plain), batch(loaded)))
    np.testing.assert_array_equal(reduced, np.floor(x / 2 ** (8 - bits)))
    np.testing.assert_array_equal(kept, y)
    assert reduced.dtype == np.uint8 and len(np.unique(reduced)) == 2**bits


def test_augmentation_comes_first(folder):
    """Interpolation rounds to 8 bits, not to 5."""
    options = {"data_dir": folder, "augment": "affine", "seed": 3}
    for load, more in ((data.load, {}), (data.load_epochs, {"steps_per_epoch": 2})):
        plain = load("cifar10", batch_size=36, **more, **options)
        loaded = load("cifar10", batch_size=36, bits=5, **more, **options)
        np.testing.assert_array_equal(batch(loaded), batch(plain) // 8)
        assert loaded.bins == 32


def test_a_uniform_model_of_32_levels_reads_5_bits(folder):
    loaded = data.load("cifar10", "test", 5, data_dir=folder, bits=5)
    zeros = tf.zeros(loaded.event_shape, tf.float64)
    uniform = tfd.Independent(tfd.Uniform(zeros, float(loaded.bins)), 3)
    flow = tfflows.Flow(uniform, bins=loaded.bins)
    bits = tfflows.metrics.bits_per_dim(flow.log_prob(batch(loaded)), flow.event_shape)
    np.testing.assert_allclose(bits, 5.0, rtol=1e-12)
    flow.compile("sgd")
    mean = flow.evaluate(loaded.dataset, verbose=0, return_dict=True)["bits_per_dim"]
    np.testing.assert_allclose(mean, 5.0, rtol=1e-6)
    fresh = tfflows.Glow((32, 32, 3), levels=1, depth=1, width=4, bins=loaded.bins)
    x = batch(loaded)
    np.testing.assert_array_equal(fresh.to_integers(fresh.decode(fresh.encode(x))), x)


def test_the_gaussian_s_noise_is_that_of_a_level(folder):
    """Its covariance has 1/12 of a level squared on the diagonal, whatever the number of levels."""
    images = batch(data.load("cifar10", "test", 10, data_dir=folder, bits=5))[:, :2, :2]
    flat = images.reshape(10, -1).astype(np.float64)
    cov = np.cov(flat.T, bias=True) + np.eye(12) / 12
    distance = np.einsum(
        "ni,ij,nj->n", flat - flat.mean(0), np.linalg.inv(cov), flat - flat.mean(0)
    )
    nats = (
        np.linalg.slogdet(2 * np.pi * cov)[1] + distance.mean() + np.trace(np.linalg.inv(cov)) / 12
    )
    bits = data.gaussian_bits_per_dim(images, images)
    np.testing.assert_allclose(bits, nats / (2 * 12 * np.log(2)))


def test_the_number_of_classes_comes_with_the_labels(folder):
    for name, options in (("digits", {}), ("cifar10", {"data_dir": folder})):
        assert data.load(name, with_labels=True, **options).num_classes == 10
        assert data.load(name, **options).num_classes is None
        epochs = data.load_epochs(name, 4, steps_per_epoch=1, with_labels=True, **options)
        assert epochs.num_classes == 10


@pytest.mark.parametrize(
    "name, bits, message",
    [
        ("cifar10", 0, "from 1 to 8. Received: bits=0"),
        ("cifar10", 9, "from 1 to 8. Received: bits=9"),
        ("cifar10", 5.0, "Received: bits=5.0"),
        ("cifar10", True, "Received: bits=True"),
        ("digits", 3, "left out for digits, which has 17 gray values .* Received: bits=3"),
        ("two_moons", 5, "left out for two_moons, which has points .* Received: bits=5"),
    ],
)
def test_what_is_refused(folder, name, bits, message):
    with pytest.raises(ValueError, match=message):
        data.load(name, bits=bits, data_dir=folder)
    with pytest.raises(ValueError, match=message):
        data.load_epochs(name, 4, steps_per_epoch=1, bits=bits, data_dir=folder)
