"""The elementwise laws of couplings, with parameters that a conditioner computed."""

import tensorflow as tf

from tfflows.bijectors import checks, structure


class Transform(structure.Structured, tf.Module):
    """An elementwise bijection with parameters.

    `params` has `num_params` times as many channels as the value; its parts follow each other on
    the last axis. Both directions return `(value, log_det)` with the log-det of each element, or
    a scalar zero where volume is preserved. Authors' codes that interleave the parts (Glow) differ
    by a fixed permutation of the conditioner's output channels.
    """

    num_params = 2
    is_constant_jacobian = False

    def forward(self, z, params):
        """Latent to data."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def inverse(self, x, params):
        """Data to latent."""
        raise NotImplementedError(f"{type(self).__name__}.inverse")


class Additive(Transform):
    """Volume-preserving shift: `x = z - t`, `z = x + t`, log-det 0 (NICE, arXiv:1410.8516)."""

    _structure_of = ()

    num_params = 1
    is_constant_jacobian = True

    def forward(self, z, params):
        return z - params, tf.zeros([], z.dtype)

    def inverse(self, x, params):
        return x + params, tf.zeros([], x.dtype)


class Affine(Transform):
    """Shift and scale: `x = z exp(-a) - t`, `z = (x + t) exp(a)`, log-dets `-a` and `a`.

    The conditioner gives `[t, r]`; how the log-scale a follows from r is the subclass's. This is
    the law in the codes of RealNVP and Glow; the papers write `x exp(a) + t`.
    """

    def _log_scale(self, r):
        raise NotImplementedError(f"{type(self).__name__}._log_scale")

    def _scale(self, r):
        """exp(a) and a, for laws of which both come cheaper together."""
        a = self._log_scale(r)
        return tf.exp(a), a

    def forward(self, z, params):
        t, r = tf.split(params, 2, axis=-1)
        scale, a = self._scale(r)
        return z / scale - t, -a

    def inverse(self, x, params):
        t, r = tf.split(params, 2, axis=-1)
        scale, a = self._scale(r)
        return (x + t) * scale, a


class AffineExp(Affine):
    """Affine with `a = r`: unbounded."""

    _structure_of = ()

    def _log_scale(self, r):
        return r


class AffineSigmoid(Affine):
    """Affine with scale `sigmoid(r + 2)`, below 1: the code of Glow (arXiv:1807.03039)."""

    _structure_of = ()

    def _scale(self, r):
        scale = tf.sigmoid(r + 2.0)
        # Far below any other value: it keeps the gradient finite where the sigmoid is zero.
        return scale, tf.math.log(scale + 1e-37)


class AffineTanh(Affine):
    """Affine with `a = scale * tanh(r)` and one trainable scalar, as in RealNVP (arXiv:1605.08803).

    Args:
      initial_scale: Start of the scalar: 0 at checkerboard and 1 at channel couplings in the
        authors' code.
      dtype: Dtype of the scalar.
    """

    _structure_of = ()

    def __init__(self, initial_scale=1.0, *, dtype=tf.float32, name=None):
        super().__init__(name=name)
        self.initial_scale = checks.number(initial_scale, "initial_scale")
        self.scale = tf.Variable(
            self.initial_scale, dtype=checks.variable_dtype(dtype), name="rescaling_scale"
        )

    def _log_scale(self, r):
        return tf.cast(self.scale, r.dtype) * tf.tanh(r)


class AffineBounded(Affine):
    """Affine with scale `2 sigmoid(r)`, 1 at r = 0 and below 2, as in Jet (arXiv:2412.15129)."""

    _structure_of = ()

    def _log_scale(self, r):
        return tf.math.log_sigmoid(r) + tf.math.log(tf.constant(2.0, r.dtype))


class Gaussian(Transform):
    """Standardization by a conditional Gaussian: `x = mean + exp(s) z`, `z = (x - mean) exp(-s)`.

    The conditioner gives `[mean, s]`, s the log standard deviation; log-dets `s` and `-s`. As the
    last coupling before a part of the event is factored out it is Glow's learned split prior.
    """

    _structure_of = ()

    def forward(self, z, params):
        mean, s = tf.split(params, 2, axis=-1)
        return mean + z * tf.exp(s), s

    def inverse(self, x, params):
        mean, s = tf.split(params, 2, axis=-1)
        return (x - mean) * tf.exp(-s), -s


_BY_NAME = {
    "additive": Additive,
    "exp": AffineExp,
    "sigmoid": AffineSigmoid,
    "tanh": AffineTanh,
    "bounded": AffineBounded,
    "gaussian": Gaussian,
}


def get(transform, dtype=tf.float32):
    """Returns the `Transform` of a name (see `Coupling`), or the instance it was given."""
    if isinstance(transform, Transform):
        return transform
    checks.choice(transform, "transform", set(_BY_NAME))
    return AffineTanh(dtype=dtype or tf.float32) if transform == "tanh" else _BY_NAME[transform]()
