"""`benchmarks.flops`: operations counted in graphs against counts by hand."""

import pytest

import tfflows
from benchmarks import flops
from tests.benchmarks import command

SIZES = ("--images=1e6", "--teraflops=2")


def run(*arguments):
    lines = []
    values = flops.flags.FlagValues()
    flops.define(values)
    values(["flops", *arguments])
    return flops.run(values, progress=lines.append), "\n".join(lines)


def test_a_preset_of_matrix_products():
    results, text = run("--presets=nice:mnist", *SIZES)
    assert command.tables(text)
    (row,) = results["presets"]
    # Four MLPs from 392 inputs over five layers of 1000 units to 392 outputs.
    operations = 4 * 2 * (392 * 1000 + 4 * 1000**2 + 1000 * 392)
    assert row["log_prob GFLOP"] == round(operations / 1e9, 3)
    assert row["training GFLOP"] == round(3 * operations / 1e9, 3)
    assert row["device hours"] == round(3 * operations * 1e6 / 2e12 / 3600, 1)


def test_convolutions():
    flow = tfflows.Glow((4, 4, 2), levels=1, depth=1, width=5, learn_prior=False)
    # On 2x2 positions: the 1x1 convolution of 8 channels, 3x3 from 4 to 5, 1x1 from 5 to 5, 3x3
    # from 5 to 8, and the latter's constants at the edges. Besides, whatever the number of images,
    # some products of matrices of up to 8x9 that make the 1x1 convolution of its parts.
    network = 9 * 4 * 5 + 5 * 5 + 9 * 5 * 8 + 9 * (5 + 8)
    products = flops.forward_flops(flow) - 2 * 4 * (8 * 8 + network)
    assert 0 <= products <= 3 * 2 * 8 * 8 * 9


def test_labels_cost_what_their_prior_does():
    options = {"levels": 1, "depth": 1, "width": 5}
    plain = tfflows.Glow((4, 4, 2), **options)
    labelled = tfflows.Glow((4, 4, 2), **options, classes=3)
    # A product of a one-hot label with the means and log scales of 8 channels.
    assert flops.forward_flops(labelled) - flops.forward_flops(plain) == 2 * 3 * 16


def test_an_unknown_preset():
    with pytest.raises(ValueError, match="Expected presets of nice:.*presets='glow:nothing'"):
        run("--presets=glow:nothing")
