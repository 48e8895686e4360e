"""What the page shows of a flow of points in the plane."""

import io
import json

import numpy as np
import tensorflow as tf
from matplotlib import colormaps
from PIL import Image, ImageDraw

from trainers.explorer.gallery import scores
from trainers.explorer.shelf import Shelf

_SIDE = 384  # pixels of a picture
_WAY = 65  # points of the way between two encodings


class Plane:
    """A flow of points [2], drawn over its density; the same methods as `Gallery`.

    Args:
      flow: A `Flow` of events of shape [2].
      examples: Float array `[n, 2]`; the plane is shown as far as they reach.
    """

    kind = "points"

    def __init__(self, flow, examples):
        self.flow = flow
        self.shelf = Shelf(examples)
        self.reach = 1.15 * float(np.abs(examples).max())
        self._density = None

    def samples(self, temperature, seed, side, label):
        """Returns the PNG of `40 * side * side` samples as dots."""
        points = self.flow.sample(40 * side * side, temperature, seed, label).numpy()
        return self._drawn(dots=points)

    def picture(self, name):
        """Returns the PNG of a point by its name."""
        return self._drawn(marks=[self.shelf[name]])

    def between(self, first, second, fraction, label):
        """Returns the PNG of the way between two encodings, and the point at a fraction of it."""
        ends = np.stack([self.shelf[first], self.shelf[second]]).astype(np.float32)
        z = self.flow.encode(tf.cast(ends, self.flow.variable_dtype), label)
        steps = tf.cast(tf.linspace(0.0, 1.0, _WAY)[:, None], z.dtype)
        steps = tf.concat([steps, tf.cast([[fraction]], z.dtype)], axis=0)
        *way, point = self.flow.decode(z[:1] + steps * (z[1:] - z[:1]), label).numpy()
        return self._drawn(line=way, marks=[point])

    def score(self, name, label):
        """Returns the log-density of a point in nats and what follows from it."""
        x = tf.cast(self.shelf[name][None], self.flow.variable_dtype)
        return scores(self.flow, x, label)

    def add(self, content):
        """Takes a point as JSON, `[1.5, -0.2]`, and returns its name."""
        try:
            point = np.array(json.loads(content), np.float64)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"Expected two numbers as JSON. Received: {len(content):,} bytes, {error}"
            ) from error
        if point.shape != (2,) or not np.isfinite(point).all():
            raise ValueError(f"Expected two finite numbers. Received: {point.tolist()!r}")
        return self.shelf.add(point)

    def _drawn(self, dots=(), line=(), marks=()):
        picture = self._backdrop()
        draw = ImageDraw.Draw(picture)
        for x, y in map(self._pixel, dots):
            draw.rectangle((x, y, x + 1, y + 1), fill="white")
        draw.line([tuple(self._pixel(point)) for point in line], fill="cyan", width=2)
        for x, y in map(self._pixel, marks):
            draw.ellipse((x - 8, y - 8, x + 8, y + 8), outline="white", fill="cyan")
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    def _pixel(self, point):
        x, y = np.clip((np.asarray(point) / self.reach + 1) / 2, -1, 2) * (_SIDE - 1)
        return float(x), float(_SIDE - 1 - y)

    def _backdrop(self):
        """The density as a picture, computed once."""
        if self._density is None:
            ticks = np.linspace(-self.reach, self.reach, _SIDE // 2, dtype=np.float32)
            places = np.stack(np.meshgrid(ticks, ticks[::-1]), axis=-1).reshape(-1, 2)
            places = tf.cast(places, self.flow.variable_dtype)
            density = np.exp(self.flow.log_prob(places).numpy()).reshape(len(ticks), -1)
            colours = colormaps["magma"](density / max(density.max(), 1e-30))[..., :3]
            small = Image.fromarray(np.round(255 * colours).astype(np.uint8))
            self._density = small.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
        return self._density.copy()
