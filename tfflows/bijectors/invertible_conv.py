"""Invertible 1x1 convolutions: a learned rotation of the channels (Glow)."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import checks
from tfflows.bijectors.linear import Linear


class InvertibleConv(Linear):
    """A square matrix applied to the channels of every position.

    ```
    forward:  x = W^-1 z    log_det = -P log|det W|
    inverse:  z = W x       log_det =  P log|det W|
              P: positions an event (height * width); 1 for vectors
    plu:      W = P' L (U + diag(sign exp(log_s))), P' a fixed permutation, L unit lower and
              U strictly upper triangular, sign fixed; log|det W| = sum(log_s)
    full:     W itself; log|det W| from a QR factorization
    ```

    W starts as a random rotation. Factors, inverses and determinants are computed in float64.

    Shapes:
      event and latent: `event_shape`, channels last.

    Args:
      event_shape: Shape of the event.
      parameterization: "plu", or "full" for the matrix itself (the default of the authors' code).
      seed: Seed of the start; drawn from NumPy's global generator if None.
      dtype: Dtype of event and variables.
      name: Name of the operations.

    Raises:
      ValueError: if the parameterization is unknown.

    References: Glow (arXiv:1807.03039), section 3.2, and the authors' `invertible_1x1_conv`.
    """

    _structure_of = ("parameterization",)

    def __init__(
        self,
        event_shape,
        *,
        parameterization="plu",
        seed=None,
        dtype=tf.float32,
        name="invertible_conv",
    ):
        parameters = dict(locals())
        self.parameterization = checks.choice(parameterization, "parameterization", {"plu", "full"})
        super().__init__(
            event_shape,
            dtype=checks.variable_dtype(dtype),
            is_constant_jacobian=True,
            parameters=parameters,
            name=name,
        )
        *outer, channels = self.event_shape
        self._positions = tf.TensorShape(outer).num_elements()
        self.seed = seed
        rotation = _rotation(channels, seed)
        if self.parameterization == "full":
            self.kernel = tf.Variable(rotation, dtype=self.dtype, name="kernel")
        else:
            self._create_factors(rotation)

    def _create_factors(self, rotation):
        with tf.init_scope():
            packed, order = (t.numpy() for t in tf.linalg.lu(rotation))
        diagonal = np.diag(packed)
        permutation = np.eye(len(order))[np.argsort(order)]

        def variable(value, name, trainable=True):
            return tf.Variable(value, trainable=trainable, dtype=self.dtype, name=name)

        self.permutation = variable(permutation, "permutation", trainable=False)
        self.sign = variable(np.sign(diagonal), "sign", trainable=False)
        self.log_s = variable(np.log(np.abs(diagonal)), "log_s")
        self.lower = variable(np.tril(packed, -1), "lower")
        self.upper = variable(np.triu(packed, 1), "upper")

    def matrix(self):
        """Returns W, `[channels, channels]`, float64."""
        if self.parameterization == "full":
            return tf.cast(self.kernel, tf.float64)
        permutation, lower, upper = self._factors()
        return permutation @ lower @ upper

    def _factors(self):
        """P', L and the whole upper factor, float64."""
        permutation, sign, log_s, lower, upper = (
            tf.cast(v, tf.float64)
            for v in (self.permutation, self.sign, self.log_s, self.lower, self.upper)
        )
        ones = np.ones(self.event_shape[-1:] * 2)
        lower = lower * np.tril(ones, -1) + np.eye(len(ones))
        upper = upper * np.triu(ones, 1) + tf.linalg.diag(sign * tf.exp(log_s))
        return permutation, lower, upper

    def _inverse_matrix(self):
        if self.parameterization == "full":
            q, r = tf.linalg.qr(self.matrix())
            return tf.linalg.triangular_solve(r, tf.transpose(q), lower=False)
        permutation, lower, upper = self._factors()
        inner = tf.linalg.triangular_solve(lower, tf.transpose(permutation))
        return tf.linalg.triangular_solve(upper, inner, lower=False)

    def _map_log_det(self):
        if self.parameterization == "full":
            _, r = tf.linalg.qr(self.matrix())
            log_det = tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(r))))
        else:
            log_det = tf.reduce_sum(self.log_s)
        return self._positions * tf.cast(log_det, self.dtype)

    def _forward_map(self):
        return self._inverse_matrix(), self._zeros()

    def _inverse_map(self):
        return self.matrix(), self._zeros()

    def _zeros(self):
        return tf.zeros(self.event_shape[-1:], tf.float64)


def _rotation(channels, seed):
    """A random orthogonal matrix, float64."""
    seed = np.random.randint(2**31) if seed is None else checks.integer(seed, "seed", minimum=0)
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(channels, channels)))[0]
