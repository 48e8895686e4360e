"""The 2-D densities: exact counts, fixed draws, scale, and the shape each is named for."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import data

POINTS = 20_000


def polar(points):
    return np.hypot(*points.T), np.arctan2(points[:, 1], points[:, 0])


@pytest.mark.parametrize("name", data.DENSITIES)
@pytest.mark.parametrize("count", [1, 7, 1000])
def test_exactly_as_many_points_as_asked(name, count):
    points = data.sample(name, count)
    assert points.shape == (count, 2) and points.dtype == np.float32
    assert np.isfinite(points).all()


@pytest.mark.parametrize("name", data.DENSITIES)
def test_the_seed_decides(name):
    np.testing.assert_array_equal(data.sample(name, 50, seed=3), data.sample(name, 50, seed=3))
    assert not np.array_equal(data.sample(name, 50, seed=3), data.sample(name, 50, seed=4))


@pytest.mark.parametrize("name", data.DENSITIES)
def test_mean_is_zero_and_scale_about_one(name):
    points = data.sample(name, POINTS)
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=0.05)
    scale = points.std(axis=0)
    assert (0.4 < scale).all() and (scale < 1.3).all()
    assert np.abs(points).max() < 4


def test_two_moons_lie_on_two_half_circles():
    x, y = data.sample("two_moons", POINTS).T
    upper = np.abs(np.hypot(x + 0.5, y + 0.25) - 1) < 0.4
    lower = np.abs(np.hypot(x - 0.5, y - 0.25) - 1) < 0.4
    assert (upper | lower).mean() > 0.999
    assert abs((upper & ~lower & (y > 0)).sum() / (lower & ~upper & (y < 0)).sum() - 1) < 0.1


def test_rings_have_four_radii_equally_often():
    radius, _ = polar(data.sample("rings", POINTS))
    ring = np.round(radius / 0.5)
    assert (radius - 0.5 * ring).std() == pytest.approx(0.06, rel=0.05)
    np.testing.assert_allclose([np.mean(ring == k) for k in (1, 2, 3, 4)], 0.25, atol=0.02)


def test_checkerboard_fills_eight_squares_evenly():
    points = data.sample("checkerboard", POINTS)
    assert (points >= -2).all() and (points <= 2).all()
    column, row = np.clip(np.floor(points.astype(np.float64)).astype(int) + 2, 0, 3).T
    counts = np.zeros((4, 4))
    np.add.at(counts, (row, column), 1 / POINTS)
    dark = np.add.outer(np.arange(4), np.arange(4)) % 2 == 0
    np.testing.assert_allclose(counts[dark], 1 / 8, atol=0.01)
    np.testing.assert_allclose(counts[~dark], 0.0, atol=1e-3)  # float32 rounding at the borders


def test_eight_gaussians_have_eight_modes():
    points = data.sample("eight_gaussians", POINTS)
    angles = np.arange(8) * np.pi / 4
    centres = 1.5 * np.stack((np.cos(angles), np.sin(angles)), axis=-1)
    distances = np.linalg.norm(points[:, None] - centres, axis=-1)
    mode = distances.argmin(axis=1)
    np.testing.assert_allclose(np.bincount(mode, minlength=8) / POINTS, 1 / 8, atol=0.01)
    offsets = points - centres[mode]
    np.testing.assert_allclose(offsets.std(axis=0), 0.15, atol=0.01)


def test_pinwheel_repeats_after_a_fifth_of_a_turn():
    radius, angle = polar(data.sample("pinwheel", POINTS))
    inside = (radius > 1.0) & (radius < 1.2)
    # Around a narrow circle the points gather at five angles and the five-fold mean sees it.
    fold = [abs(np.exp(1j * k * angle[inside]).mean()) for k in (1, 2, 3, 4, 5)]
    assert fold[4] > 0.6 and max(fold[:4]) < 0.1


def test_spirals_have_two_opposite_arms_that_turn_with_the_radius():
    radius, angle = polar(data.sample("spirals", POINTS))
    turned = angle - 3 * np.pi * radius / 2  # straightens an arm
    outer = (radius > 0.4) & (radius < 2)
    assert abs(np.exp(2j * turned[outer]).mean()) > 0.7
    assert abs(np.exp(1j * turned[outer]).mean()) < 0.1


def test_load_gives_points_and_different_ones_for_each_split():
    loaded = {split: data.load("rings", split, 8, num_points=21) for split in data.SPLITS}
    points = {}
    for split, part in loaded.items():
        assert part[1:] == ((2,), None, 21, None)
        assert part.dataset.element_spec == tf.TensorSpec((None, 2), tf.float32)
        points[split] = np.concatenate(list(part.dataset.as_numpy_iterator()))
        assert points[split].shape == (21, 2)
    assert len(np.unique(np.concatenate(list(points.values())), axis=0)) == 63
    assert data.load("rings").num_examples == 10_000


def test_the_points_of_a_split_do_not_depend_on_the_seed():
    one, other = (next(iter(data.load("pinwheel", "test", seed=s).dataset)) for s in (0, 1))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: data.sample("moons", 5), "Expected name to be one of two_moons, .*name='moons'"),
        (lambda: data.sample("rings", 0), "Expected num_points to be a positive.*num_points=0"),
        (lambda: data.sample("rings", 1.5), "Expected num_points to be .*num_points=1.5"),
        (lambda: data.sample(["rings"], 5), r"Expected name to be one of .*name=\['rings'\]"),
        (lambda: data.sample("rings", 2**31), "Expected num_points of at most .*=2147483648"),
        (lambda: data.sample("rings", 5, seed=-1), "Expected seed to be a nonneg.*seed=-1"),
        (lambda: data.sample("rings", 5, seed=True), "Expected seed to be a nonneg.*seed=True"),
        (lambda: data.sample("rings", 5, seed="a"), "Expected seed to be a nonneg.*seed='a'"),
        (lambda: data.load("rings", num_points=0), "Expected num_points .*num_points=0"),
        (lambda: data.load("rings", pad_to=4), "Expected pad_to to be left out .*pad_to=4"),
        (lambda: data.load("rings", augment="flip"), "Expected augment to be left out.*'flip'"),
        (lambda: data.load("rings", with_labels=True), "Expected with_labels .*with_labels=True"),
    ],
)
def test_a_wrong_argument_is_named_with_its_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
