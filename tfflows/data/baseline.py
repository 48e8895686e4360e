"""The full-covariance Gaussian's bits per dimension: the number a flow has to beat."""

import math

import numpy as np
import tensorflow as tf


def gaussian_bits_per_dim(train, test):
    """Fits a Gaussian with full covariance to `train` and returns its bits per dimension on `test`.

    Integer data v are dequantised to v + u, u ~ U[0, 1)^D, as the flows do it, and both the fit and
    the evaluation take the exact expectation over u, so the result has no noise. With the mean m
    and the covariance C (maximum likelihood) of the train split and S = C + I/12,

      bits = (log det(2 pi S) + (v - m)^T S^-1 (v - m) + tr(S^-1)/12) / (2 D ln 2),

    averaged over the test split. Float data are points of a continuous density: S = C, and there is
    no trace term.

    Args:
      train: the train split without augmentation, as an array of shape (N, ...) or a finite
        `tf.data.Dataset` of batches `x` or `(x, label)`. Examples are flattened to D values; memory
        grows as D^2, not with N.
      test: the same kind of thing, the split to evaluate on.

    Returns:
      Bits per dimension, a Python float.

    Raises:
      TypeError: the data are neither integer nor float.
      ValueError: a dataset is endless or empty, has values that are not finite, the two have
        examples of different size, are not both integer or both float, or the covariance of float
        data is singular.

    References:
      Theis, van den Oord, Bethge, A note on the evaluation of generative models (arXiv 1511.01844).
    """
    mean, covariance, integer = _moments(train)
    size = len(mean)
    noise = 1.0 / 12.0 if integer else 0.0
    factor = _cholesky(covariance + noise * np.eye(size))
    constant = size * math.log(2 * math.pi) + 2 * np.log(np.diag(factor)).sum()
    whiten = np.linalg.inv(factor)
    expected_noise = noise * np.square(whiten).sum()  # tr(S^-1)/12

    total, test_count = 0.0, 0
    for batch, test_integer in _flat_batches("test", test):
        _check_alike(size, integer, batch, test_integer)
        total += np.square((batch - mean) @ whiten.T).sum()
        test_count += len(batch)
    return float((constant + total / test_count + expected_noise) / (2 * size * math.log(2)))


def _moments(train):
    count, total, second, integer = 0, 0.0, 0.0, None
    for batch, is_integer in _flat_batches("train", train):
        integer = is_integer
        count += len(batch)
        total = total + batch.sum(axis=0)
        second = second + batch.T @ batch
    mean = total / count
    return mean, second / count - np.outer(mean, mean), integer


def _flat_batches(argument, data):
    """Yields (float64 [N, D] batch, whether the data are integers)."""
    if isinstance(data, tf.data.Dataset):
        if data.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                f"Expected a finite dataset (repeat=False). Received: {argument}={data!r}"
            )
        batches = data.as_numpy_iterator()
    else:
        batches = (_array(argument, data),)
    empty = True
    for batch in batches:
        x = batch[0] if isinstance(batch, tuple) else batch
        if len(x):
            empty = False
            yield _flat(argument, x), np.issubdtype(x.dtype, np.integer)
    if empty:
        raise ValueError(f"Expected at least one example. Received: {argument}={data!r}")


def _array(argument, data):
    try:
        array = np.asarray(data)
    except ValueError:  # sequences of unequal length
        array = np.zeros([])
    if not array.ndim:
        raise ValueError(
            f"Expected an array of shape (N, ...) or a dataset. Received: {argument}={data!r}"
        )
    return array


def _flat(argument, x):
    """Examples as rows of float64."""
    if x.dtype.kind not in "iuf":
        raise TypeError(
            f"Expected integer or float data. Received: {argument} of dtype={x.dtype.name}"
        )
    flat = x.reshape(len(x), -1).astype(np.float64)
    bad = flat.size - np.count_nonzero(np.isfinite(flat))
    if bad or not flat.size:
        raise ValueError(
            "Expected examples of at least one value, all finite. "
            f"Received: {argument} of shape={x.shape}, {bad} values not finite"
        )
    return flat


def _cholesky(covariance):
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "Expected float data with a covariance of full rank. "
            f"Received: train with rank={np.linalg.matrix_rank(covariance)} of {len(covariance)}"
        ) from error


def _check_alike(size, integer, batch, test_integer):
    if batch.shape[1] != size:
        raise ValueError(
            f"Expected test examples of {size} values, as in train. "
            f"Received: test with {batch.shape[1]} values"
        )
    if integer != test_integer:
        raise ValueError(
            "Expected train and test to be both integer or both float. "
            f"Received: integer train={integer!r}, integer test={test_integer!r}"
        )
