"""The pictures a run leaves: grids of samples, the course of training, a 2-D density."""

import numpy as np
from matplotlib import figure

from trainers import workdir

# The model's density itself, and one that is narrower around its modes.
TEMPERATURES = (1.0, 0.7)


def grid(images, columns):
    """Returns images side by side, with a margin of one pixel between them.

    Args:
      images: uint8 array [n, height, width, channels].
      columns: images in a row; n is a multiple of it.
    """
    images = np.pad(images, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=128)
    count, height, width, channels = images.shape
    tiles = images.reshape(count // columns, columns, height, width, channels)
    whole = tiles.transpose(0, 2, 1, 3, 4).reshape(-1, columns * width, channels)
    return whole[:-1, :-1]


def sampled(flow, side, *, temperature, seed):
    """Returns samples for a grid of `side` rows, those of a row of one class if there are classes.

    Row i is of class i, and after the last class of the first again.
    """
    condition = None
    if flow.classes is not None:
        condition = np.repeat(np.arange(side) % flow.classes, side)
    return flow.sample(side * side, temperature=temperature, seed=seed, condition=condition)


def drawn(flow, samples):
    """Returns samples as one uint8 picture [height, width, 1 or 3]: a square grid, or points."""
    if len(flow.event_shape) == 1:
        return _points_picture(samples.numpy())
    integers = flow.to_integers(samples).numpy().astype(np.float64)
    gray = np.round(integers * (255 / (flow.bins - 1))).astype(np.uint8)
    picture = grid(gray, round(len(gray) ** 0.5))
    zoom = max(1, 256 // len(picture))
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)


def write_samples(path, flow, seed):
    """Writes ten by ten samples for each of the `TEMPERATURES`."""
    whole = figure.Figure(figsize=(5 * len(TEMPERATURES), 5.3), layout="constrained")
    for axes, temperature in zip(whole.subplots(1, len(TEMPERATURES)), TEMPERATURES, strict=True):
        picture = drawn(flow, sampled(flow, 10, temperature=temperature, seed=seed))
        axes.imshow(picture if picture.shape[-1] == 3 else picture[..., 0], cmap="gray")
        axes.set_title(f"temperature {temperature:g}")
        axes.set_axis_off()
    _write(whole, path)


def write_history(path, history, gaussian, unit):
    """Writes the curves of training and validation, and the Gaussian's line where there is one."""
    whole = figure.Figure(figsize=(7, 4.5), layout="constrained")
    axes = whole.subplots()
    for name, label in (("bits_per_dim", "training"), ("val_bits_per_dim", "validation")):
        rows = [row for row in history.rows if name in row]
        axes.plot([row["epoch"] for row in rows], [row[name] for row in rows], ".-", label=label)
    best = history.best
    axes.plot(best["epoch"], best["val_bits_per_dim"], "o", fillstyle="none", label="best")
    if gaussian is not None:
        axes.axhline(gaussian, color="gray", linestyle="--", label="full-covariance Gaussian, test")
    values = [row["bits_per_dim"] for row in history.rows]
    others = [best["val_bits_per_dim"], *([] if gaussian is None else [gaussian])]
    low, high = min(values + others), max([np.quantile(values, 0.9), *others])  # not the first peak
    margin = 0.05 * (high - low) + 0.01
    axes.set_ylim(low - margin, high + margin)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch")
    axes.set_ylabel(unit)
    axes.legend()
    _write(whole, path)


def write_density(path, flow, points, seed):
    """Writes data points, the model's density over the same square, and samples, side by side."""
    side = 1.15 * np.abs(points).max()
    ticks = np.linspace(-side, side, 200, dtype=np.float32)
    places = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    density = np.exp(flow.log_prob(places).numpy()).reshape(len(ticks), len(ticks))
    samples = flow.sample(len(points), seed=seed).numpy()
    whole = figure.Figure(figsize=(12, 4.3), layout="constrained")
    titles = ("data", "density of the model", "samples of the model")
    for axes, title in zip(whole.subplots(1, 3), titles, strict=True):
        if title == titles[1]:
            axes.imshow(density, extent=(-side, side, -side, side), origin="lower", cmap="magma")
        else:
            _scatter(axes, points if title == titles[0] else samples, side)
        axes.set_title(title)
    _write(whole, path)


def _points_picture(points):
    """Points as white on black, [256, 256, 1]."""
    side = max(2.5, np.quantile(np.abs(points), 0.95))
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], 256, ((-side, side),) * 2)
    return np.where(counts[::-1, :, None] > 0, 255, 0).astype(np.uint8)


def _scatter(axes, points, side):
    axes.scatter(*points.T, s=1, linewidths=0)
    axes.set(xlim=(-side, side), ylim=(-side, side), aspect="equal")


def _write(whole, path):
    with workdir.replacing(path) as partial:
        whole.savefig(partial, format="png", dpi=120)
