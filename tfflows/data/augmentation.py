"""Augmentations of image batches: each keeps shape, dtype and range, and is fixed by its seed."""

import math

import tensorflow as tf


def shift(images, seed):
    """Moves each image by up to 10 percent of its side, at least 1 pixel, the edge pixels repeated.

    Glow's authors train on CIFAR-10 with such shifts (arXiv 1807.03039).

    Args:
      images: [batch, height, width, channels] tensor of any dtype.
      seed: [2] integer tensor.
    """
    batch, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    seeds = tf.random.split(seed, 2)

    def positions(size, axis_seed):
        most = max(1, round(0.1 * size))
        offset = tf.random.stateless_uniform((batch, 1), axis_seed, -most, most + 1, tf.int32)
        return tf.clip_by_value(tf.range(size) + offset, 0, size - 1)

    moved = tf.gather(images, positions(height, seeds[0]), axis=1, batch_dims=1)
    moved = tf.gather(moved, positions(width, seeds[1]), axis=2, batch_dims=1)
    return tf.ensure_shape(moved, images.shape)


def flip(images, seed):
    """Mirrors each image left to right with probability 1/2, as in RealNVP (arXiv 1605.08803).

    Args:
      images: [batch, height, width, channels] tensor of any dtype.
      seed: [2] integer tensor.
    """
    flipped = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed) < 0.5
    return tf.where(flipped, tf.reverse(images, (2,)), images)


def affine(images, seed):
    """Turns, scales, shears and moves every second image a little: handwriting stays handwriting.

    Angle up to 6 degrees, scale and shear up to 6 percent about the centre, shift up to 3 percent
    of the side, drawn uniformly; bilinear, zeros outside, rounded to whole gray values. Half of the
    images stay as they are: interpolation blurs, and the modelled density should not.

    Args:
      images: [batch, height, width, channels] tensor of an integer dtype.
      seed: [2] integer tensor.
    """
    height, width = images.shape[1], images.shape[2]
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=_small_transforms(tf.shape(images)[0], height, width, seed),
        output_shape=(height, width),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    moved = tf.ensure_shape(tf.cast(tf.round(moved), images.dtype), images.shape)
    coin_seed = tf.random.fold_in(seed, 1)
    kept = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), coin_seed) < 0.5
    return tf.where(kept, images, moved)


def _small_transforms(batch, height, width, seed):
    """[batch, 8] rows of the output-to-input maps, in the order x, y, 1 of the image op."""
    limits = (math.radians(6), 0.06, 0.06, 0.06, 0.03 * width, 0.03 * height)
    draws = tf.random.stateless_uniform((len(limits), batch), seed, -1.0, 1.0)
    angle, log_x, log_y, shear, move_x, move_y = tf.unstack(draws * tf.constant(limits)[:, None])
    a, b = tf.exp(log_x) * tf.cos(angle), shear - tf.exp(log_y) * tf.sin(angle)
    c, d = tf.exp(log_x) * tf.sin(angle), tf.exp(log_y) * tf.cos(angle)
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    x = centre_x - a * centre_x - b * centre_y + move_x
    y = centre_y - c * centre_x - d * centre_y + move_y
    zero = tf.zeros_like(a)
    return tf.stack((a, b, x, c, d, y, zero, zero), axis=1)


# Written out, because their order matters and flipped digits are a choice nobody makes by accident.
_FUNCTIONS = {
    "shift": (shift,),
    "flip": (flip,),
    "affine": (affine,),
    "flip+shift": (flip, shift),
    "flip+affine": (flip, affine),
}

AUGMENTATIONS = tuple(_FUNCTIONS)


def augmentation(name):
    """Returns the callable `(images, seed) -> images` of one of the `AUGMENTATIONS`.

    Raises:
      ValueError: `name` is unknown.
    """
    if not isinstance(name, str) or name not in _FUNCTIONS:
        raise ValueError(
            f"Expected augment to be None or one of {', '.join(AUGMENTATIONS)}. "
            f"Received: augment={name!r}"
        )

    def apply(images, seed):
        seeds = tf.random.split(seed, len(_FUNCTIONS[name]))
        for index, function in enumerate(_FUNCTIONS[name]):
            images = function(images, seeds[index])
        return images

    return apply
