"""What the page shows of a flow of images."""

import numpy as np
import tensorflow as tf

from trainers.explorer import images
from trainers.explorer.shelf import Shelf


class Gallery:
    """A flow of images: samples, images between two, and the likelihood of what is given.

    Args:
      flow: A `Flow` of images, with `bins`.
      examples: Integer array `[n, *event_shape]`.
      labels: Their classes, or None.
      inner: Height and width of the data before zeros were put around it, or None.
    """

    kind = "images"

    def __init__(self, flow, examples, labels=None, inner=None):
        self.flow = flow
        self.shelf = Shelf(examples, labels)
        self._inner = inner

    def samples(self, temperature, seed, side, label):
        """Returns the PNG of `side` by `side` samples."""
        label = None if label is None else np.full(side * side, label)
        x = self.flow.sample(side * side, temperature, seed, label)
        return self._png(self.flow.to_integers(x), side, 320)

    def picture(self, name):
        """Returns the PNG of a datum by its name."""
        return self._png(self.shelf[name][None])

    def between(self, first, second, fraction, label):
        """Returns the PNG of the image at a fraction of the way between two encodings."""
        pair = tf.constant(np.stack([self.shelf[first], self.shelf[second]]) + 0.5)
        pair = tf.cast(pair, self.flow.variable_dtype)
        label = None if label is None else np.full(2, label)
        z = self.flow.encode(pair, label)
        between = z[:1] + fraction * (z[1:] - z[:1])
        x = self.flow.decode(between, None if label is None else label[:1])
        return self._png(self.flow.to_integers(x), 1, 256)

    def score(self, name, label):
        """Returns the log-density of a datum in nats and what follows from it, as plain numbers."""
        x = tf.constant(self.shelf[name][None])
        return scores(self.flow, x, None if label is None else np.array([label]))

    def add(self, content):
        """Takes the bytes of a file of a picture, and returns the datum's name."""
        flow = self.flow
        return self.shelf.add(images.from_file(content, flow.event_shape, flow.bins, self._inner))

    def _png(self, integers, columns=1, least_side=96):
        return images.to_png(integers, self.flow.bins, columns, least_side)


def scores(flow, x, condition=None):
    """Returns log-density, bits per dimension and, if calibrated, anomaly scores of one datum."""
    if flow.calibration is None:
        values = {"log_prob": flow.log_prob(x, condition)}
    else:
        values = flow.anomaly_score(x, condition)
    values = {name: float(value[0]) for name, value in values.items()}
    bits = -values["log_prob"] / (np.prod(flow.event_shape) * np.log(2))
    return {"bits_per_dim": float(bits), **values}
