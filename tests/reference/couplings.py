"""Coupling layers of NICE, RealNVP, Glow and Jet (arXiv 1410.8516, 1605.08803, 1807.03039).

All laws read z = (x + t) * exp(a) from data to latent; they differ in how the conditioner's
output h gives the shift t and the log-scale a. Except for the additive law, h is cut into halves
on its last axis (the authors of Glow take even and odd channels: the same up to the order of the
last layer's outputs).

    law        h          t       a
    additive   t          t       0
    exp        [t, r]     t       r
    sigmoid    [t, r]     t       log(1 / (1 + exp(-(r + 2))))      Glow
    tanh       [t, r]     t       scale * tanh(r)                   RealNVP
    bounded    [t, r]     t       log(2 / (1 + exp(-r)))            Jet
    gaussian   [m, s]     -m      -s                                z = (x - m) / exp(s)
"""

import numpy as np

from .distributions import per_example

LAWS = ("additive", "exp", "sigmoid", "tanh", "bounded", "gaussian")


def halves(values):
    """First and second half of the last axis."""
    middle = values.shape[-1] // 2
    return values[..., :middle], values[..., middle:]


def shift_and_log_scale(law, h, scale=1.0):
    """The arrays (t, a) of the table above from a conditioner's output `h`."""
    if law == "additive":
        return h, np.zeros_like(h)
    first, second = halves(h)
    if law == "exp":
        return first, second
    if law == "sigmoid":
        return first, -np.log1p(np.exp(-(second + 2.0)))
    if law == "tanh":
        return first, scale * np.tanh(second)
    if law == "bounded":
        return first, np.log(2.0) - np.log1p(np.exp(-second))
    if law == "gaussian":
        return -first, -second
    raise ValueError(f"Expected law in {LAWS}. Received: law={law!r}")


def law_encode(law, x, h, scale=1.0):
    """(z, log-det of every element) of a law; `scale` is the scalar of the tanh law."""
    t, a = shift_and_log_scale(law, h, scale)
    return (x + t) * np.exp(a), a + np.zeros_like(x)


def law_decode(law, z, h, scale=1.0):
    """(x, log-det of every element), the way back of `law_encode`."""
    t, a = shift_and_log_scale(law, h, scale)
    return z / np.exp(a) - t, -a + np.zeros_like(z)


def _split(change, values, conditioner, law, swap, scale):
    first, second = halves(values)
    if swap:
        first, log_det = change(law, first, conditioner(second), scale)
    else:
        second, log_det = change(law, second, conditioner(first), scale)
    return np.concatenate([first, second], axis=-1), per_example(log_det)


def split_coupling_encode(x, conditioner, law, swap=False, scale=1.0):
    """Keeps the first half of the last axis (the second one if `swap`) and changes the other.

    `conditioner` is a function of the kept half that returns h.
    """
    return _split(law_encode, x, conditioner, law, swap, scale)


def split_coupling_decode(z, conditioner, law, swap=False, scale=1.0):
    """The way back of `split_coupling_encode`."""
    return _split(law_decode, z, conditioner, law, swap, scale)


def _masked(change, values, conditioner, law, mask, scale):
    kept = np.broadcast_to(mask, values.shape) == 1
    changed, log_det = change(law, values, conditioner(np.where(kept, values, 0.0)), scale)
    return np.where(kept, values, changed), per_example(np.where(kept, 0.0, log_det))


def masked_coupling_encode(x, conditioner, law, mask, scale=1.0):
    """Keeps the elements where `mask` (0 and 1, broadcast to `x`) is 1 and changes the others.

    `conditioner` is a function of x * mask that returns h for all positions.
    """
    return _masked(law_encode, x, conditioner, law, mask, scale)


def masked_coupling_decode(z, conditioner, law, mask, scale=1.0):
    """The way back of `masked_coupling_encode`."""
    return _masked(law_decode, z, conditioner, law, mask, scale)


def checkerboard_mask(height, width, keep_even=True):
    """[height, width, 1] array, 1 where row + column is even (odd if not `keep_even`)."""
    mask = np.zeros((height, width, 1))
    for row in range(height):
        for column in range(width):
            is_even = (row + column) % 2 == 0
            mask[row, column, 0] = float(is_even == keep_even)
    return mask


def channel_mask(channels, keep_first=True):
    """[channels] array, 1 on the first half (on the second one if not `keep_first`)."""
    is_first = [channel < channels // 2 for channel in range(channels)]
    return np.array([float(value == keep_first) for value in is_first])
