"""Files of pictures as data of a flow, and its data as pictures."""

import io

import numpy as np
from PIL import Image, ImageOps

from trainers import pictures

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
# A file may say that it unfolds to far more than it weighs.
_MOST_PIXELS = 50_000_000


def from_file(content, event_shape, bins, inner=None):
    """Returns a picture as a flow's data: its middle square scaled, its gray values cut to `bins`.

    Args:
      content: Bytes of a PNG, JPEG, WebP, BMP or GIF file.
      event_shape: `(height, width, channels)`, of 1 or 3 channels.
      bins: Number of gray values.
      inner: Height and width that the picture is scaled to, zeros around it filling the rest; None
        for those of the event.

    Returns:
      Integer array of `event_shape`.

    Raises:
      ValueError: it is no such picture, or one too large.
    """
    height, width = event_shape[:2] if inner is None else inner
    try:
        picture = Image.open(io.BytesIO(content), formats=_FORMATS)
        if picture.width * picture.height > _MOST_PIXELS:
            raise ValueError(f"{picture.width}x{picture.height} pixels")
        picture = ImageOps.exif_transpose(picture)
        picture = _flat(picture).convert("L" if event_shape[2] == 1 else "RGB")
        if picture.size != (width, height):
            picture = ImageOps.fit(picture, (width, height), Image.Resampling.BOX)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"Expected a picture of {', '.join(_FORMATS)} of at most {_MOST_PIXELS:,} pixels. "
            f"Received: {len(content):,} bytes, {error}"
        ) from error
    values = np.asarray(picture, np.int32).reshape(height, width, event_shape[2])
    top, left = (event_shape[0] - height) // 2, (event_shape[1] - width) // 2
    below, right = event_shape[0] - height - top, event_shape[1] - width - left
    return np.pad(values * bins // 256, ((top, below), (left, right), (0, 0)))


def to_png(integers, bins, columns=1, least_side=192):
    """Returns the PNG of images `[n, height, width, channels]`, n a multiple of `columns`."""
    gray = np.round(np.asarray(integers, np.float64) * (255 / (bins - 1))).astype(np.uint8)
    whole = pictures.grid(gray, columns)
    zoom = max(1, -(-least_side // min(whole.shape[:2])))
    return encoded(whole.repeat(zoom, axis=0).repeat(zoom, axis=1))


def encoded(array):
    """Returns the PNG of a uint8 array `[height, width, 1 or 3]`."""
    file = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(file, "PNG")
    return file.getvalue()


def _flat(picture):
    """The picture on black, where it is transparent, and with its colours in place of a palette."""
    if picture.mode == "P" or "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture)
    return picture
