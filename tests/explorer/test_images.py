"""Files of pictures as data of a flow."""

import io

import numpy as np
import pytest
from PIL import Image

from trainers.explorer import images


def stored(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def gradient(height, width):
    return np.arange(height * width).reshape(height, width).astype(np.uint8)


def test_gray_values_are_cut_into_bins():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for bins in (2, 17, 32, 256):
        x = images.from_file(stored(Image.fromarray(ramp)), (16, 16, 1), bins)
        expected = np.floor(np.arange(256) * bins / 256)
        np.testing.assert_array_equal(x.reshape(-1), expected)


def test_five_bits_are_those_of_the_data():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    x = images.from_file(stored(Image.fromarray(ramp)), (16, 16, 1), 32)
    np.testing.assert_array_equal(x[..., 0], ramp // 2**3)


def test_digits_come_back():
    """Gray values that the page has drawn are those that were drawn."""
    digits = np.arange(17)[None, :, None, None] * np.ones([1, 1, 17, 1], int)
    again = images.from_file(images.to_png(digits, 17, least_side=1), (17, 17, 1), 17)
    np.testing.assert_array_equal(again, digits[0])


def test_the_middle_square_is_scaled():
    wide = np.zeros([4, 8], np.uint8)
    wide[:, 2:6] = 200
    x = images.from_file(stored(Image.fromarray(wide)), (2, 2, 1), 256)
    np.testing.assert_array_equal(x, np.full([2, 2, 1], 200))
    large = gradient(4, 4).repeat(3, axis=0).repeat(3, axis=1)
    x = images.from_file(stored(Image.fromarray(large)), (4, 4, 1), 256)
    np.testing.assert_array_equal(x[..., 0], gradient(4, 4))


def test_zeros_around_as_the_data_has():
    x = images.from_file(stored(Image.fromarray(gradient(4, 4) + 1)), (7, 7, 1), 256, (4, 4))
    np.testing.assert_array_equal(x[1:5, 1:5, 0], gradient(4, 4) + 1)
    assert np.count_nonzero(x) == 16


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_colours(kind):
    colours = np.random.default_rng(0).integers(0, 256, [4, 4, 3]).astype(np.uint8)
    options = {"lossless": True} if kind == "WEBP" else {}
    content = stored(Image.fromarray(colours), kind, **options)
    np.testing.assert_array_equal(images.from_file(content, (4, 4, 3), 256), colours)
    gray = images.from_file(content, (4, 4, 1), 256)
    expected = colours @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(gray[..., 0], expected, atol=1)


def test_palettes_and_transparency():
    colours = Image.new("RGBA", (4, 4), (100, 150, 200, 0))
    assert not images.from_file(stored(colours), (4, 4, 3), 256).any()
    palette = Image.new("RGB", (4, 4), (100, 150, 200)).quantize(4)
    x = images.from_file(stored(palette), (4, 4, 3), 256)
    np.testing.assert_array_equal(x[0, 0], [100, 150, 200])


def test_formats_that_are_none_of_ours():
    with pytest.raises(ValueError, match="Expected a picture of PNG.*Received: .* bytes"):
        images.from_file(stored(Image.new("L", (4, 4)), "TIFF"), (4, 4, 1), 256)
