"""Fixed permutations of the last axis."""

import numpy as np
import tensorflow as tf

from tfflows.bijectors import checks
from tfflows.bijectors.bijector import Bijector


class Permute(Bijector):
    """Reorders the channels of an image or the entries of a vector.

    ```
    forward:  x[..., order[i]] = z[..., i]    log_det = 0
    inverse:  z[..., i] = x[..., order[i]]    log_det = 0
    ```

    Shapes:
      event and latent: `event_shape`.

    Args:
      event_shape: Shape of the event.
      order: "reverse" (last to first), "shuffle" (fixed, by `seed`), "even_odd" (entries 0, 2,
        4, ... then 1, 3, 5, ...: the 'tile' order of NICE's code), or a sequence of indices.
      seed: Seed of "shuffle".
      name: Name of the operations.

    Raises:
      ValueError: if the order is unknown or no permutation of the last axis.

    References: NICE (arXiv:1410.8516), Glow (arXiv:1807.03039), authors' codes.
    """

    _is_permutation = True
    _structure_of = ("_indices",)

    def __init__(self, event_shape, order="reverse", *, seed=0, name="permute"):
        parameters = dict(locals())
        super().__init__(event_shape, is_constant_jacobian=True, parameters=parameters, name=name)
        self.seed = checks.integer(seed, "seed", minimum=0)
        self._indices = _indices(order, self.event_shape[-1], self.seed)
        self.order = order

    def _forward_and_log_det(self, z, condition=None, training=False):
        return _reordered(z, np.argsort(self._indices)), tf.zeros([], z.dtype)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        return _reordered(x, self._indices), tf.zeros([], x.dtype)


def _reordered(value, order):
    """The last axis in an order, with a gradient that is another reordering, not a scatter."""
    if np.array_equal(order, np.arange(len(order))[::-1]):
        return tf.reverse(value, [-1])

    back = np.argsort(order)

    @tf.custom_gradient
    def gather(value):
        # Plain in the gradient: a SavedModel keeps gradients of ours, but not those of gradients.
        return tf.gather(value, order, axis=-1), lambda dy: tf.gather(dy, back, axis=-1)

    return gather(value)


def _indices(order, size, seed):
    named = {
        "reverse": lambda: np.arange(size)[::-1].copy(),
        "shuffle": lambda: np.random.default_rng(seed).permutation(size),
        "even_odd": lambda: np.concatenate([np.arange(0, size, 2), np.arange(1, size, 2)]),
    }
    if isinstance(order, str):
        return named[checks.choice(order, "order", set(named))]()
    try:
        indices = np.asarray(order)
    except ValueError:  # sequences of unequal length
        indices = np.zeros([])
    numeric = indices.dtype.kind in "iuf"
    if (
        not numeric
        or indices.shape != (size,)
        or not np.array_equal(np.sort(indices), np.arange(size))
    ):
        raise ValueError(
            f"Expected order to be a permutation of range({size}). Received: order={order!r}"
        )
    return indices.astype(np.int64)
