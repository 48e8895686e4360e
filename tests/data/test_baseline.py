"""The Gaussian baseline against closed forms, SciPy and a simulation of the dequantisation."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfflows import data

LN2 = math.log(2)


def integers(count, seed, high=6):
    """[count, 2, 2, 1] correlated integer images."""
    values = np.random.default_rng(seed).integers(0, high, (count, 2, 2, 1))
    values[:, 1] += values[:, 0]
    return values.astype(np.uint8)


def test_float_points_agree_with_scipy():
    train, test = data.sample("two_moons", 500, seed=0), data.sample("two_moons", 200, seed=1)
    points = train.astype(np.float64)
    fitted = stats.multivariate_normal(points.mean(axis=0), np.cov(points.T, bias=True))
    expected = -fitted.logpdf(test.astype(np.float64)).mean() / (2 * LN2)
    assert data.gaussian_bits_per_dim(train, test) == pytest.approx(expected, rel=1e-10)


def test_integer_images_agree_with_many_draws_of_the_noise():
    train, test = integers(300, 0), integers(100, 1)
    rng = np.random.default_rng(2)

    def noisy(images, draws):
        flat = np.repeat(images.reshape(len(images), -1).astype(np.float64), draws, axis=0)
        return flat + rng.uniform(size=flat.shape)

    fitted_to = noisy(train, 2000)
    fitted = stats.multivariate_normal(fitted_to.mean(axis=0), np.cov(fitted_to.T, bias=True))
    expected = -fitted.logpdf(noisy(test, 2000)).mean() / (4 * LN2)
    assert data.gaussian_bits_per_dim(train, test) == pytest.approx(expected, abs=2e-3)


def test_a_constant_image_costs_what_a_gaussian_needs_for_uniform_noise():
    images = np.full((10, 4, 4, 1), 7, np.uint8)
    # The best Gaussian for U[0, 1) has the variance 1/12: (1 + log(2 pi / 12)) / 2 nats.
    expected = 0.5 * (1 + math.log(2 * math.pi / 12)) / LN2
    assert data.gaussian_bits_per_dim(images, images) == pytest.approx(expected, rel=1e-12)


def test_on_its_own_train_split_only_the_entropy_is_left():
    train = integers(200, 0)
    flat = train.reshape(200, -1).astype(np.float64)
    covariance = np.cov(flat.T, bias=True) + np.eye(4) / 12
    expected = 0.5 * np.linalg.slogdet(2 * math.pi * math.e * covariance)[1] / (4 * LN2)
    assert data.gaussian_bits_per_dim(train, train) == pytest.approx(expected, rel=1e-10)


def test_datasets_and_arrays_give_the_same():
    train, test = integers(300, 0), integers(100, 1)
    expected = data.gaussian_bits_per_dim(train, test)
    labels = np.zeros(300)
    train_set = tf.data.Dataset.from_tensor_slices((train, labels)).batch(7)
    test_set = tf.data.Dataset.from_tensor_slices(test).batch(11)
    assert data.gaussian_bits_per_dim(train_set, test_set) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("split, bits", [("test", 2.95189), ("validation", 2.93333)])
def test_the_number_to_beat_on_digits(split, bits):
    train, held_out = (data.load("digits", s, shuffle=False).dataset for s in ("train", split))
    assert data.gaussian_bits_per_dim(train, held_out) == pytest.approx(bits, abs=1e-5)


def endless(images):
    return tf.data.Dataset.from_tensor_slices(images).batch(4).repeat()


@pytest.mark.parametrize(
    "train, test, message",
    [
        (endless(integers(8, 0)), integers(8, 0), r"Expected a finite dataset .*train="),
        (integers(8, 0), endless(integers(8, 0)), r"Expected a finite dataset .*test="),
        (integers(8, 0)[:0], integers(8, 0), r"Expected at least one example.*train="),
        (integers(8, 0), integers(8, 0)[:0], r"Expected at least one example.*test="),
        (integers(8, 0), integers(8, 0)[:, :1], r"of 4 values, as in train.*test with 2 values"),
        (integers(8, 0), integers(8, 0) / 1.0, r"both integer or both float.*train=True"),
        (np.ones((5, 2)), np.ones((5, 2)), r"covariance of full rank.*rank=0 of 2"),
        (None, integers(8, 0), r"an array of shape \(N, ...\) .*train=None"),
        (integers(8, 0), [[1], [1, 2]], r"an array of shape \(N, ...\) .*test=\[\[1\], \[1, 2\]\]"),
        (integers(8, 0), np.full((2, 4), "a"), r"integer or float data.*test of dtype=str"),
        (np.full((5, 2), np.nan), np.ones((5, 2)), r"all finite.*train of shape=\(5, 2\), 10 val"),
        (np.ones((5, 0)), np.ones((5, 0)), r"at least one value.*train of shape=\(5, 0\)"),
    ],
)
def test_wrong_data_are_refused(train, test, message):
    with pytest.raises((TypeError, ValueError), match=message):
        data.gaussian_bits_per_dim(train, test)
