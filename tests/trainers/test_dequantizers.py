"""`--dequantizer`: what the model gets, that it is part of the run, and whole runs with it."""

import json

import keras
import pytest

from tests.trainers import command
from trainers import dequantizers, settings

SMALL = ("--dataset=digits", "--smoke", "--verbose=0", "--width=4", "--depth=1")
FLAGS = ("--dequantizer=variational", "--dequantizer_depth=2", "--dequantizer_width=4")


@pytest.mark.parametrize("model", command.RECIPES)
def test_noise_is_uniform_by_default(model):
    found = command.parsed(model, "--workdir=unused")
    assert found.dequantizer == "uniform"
    assert dequantizers.make(found, (8, 8, 1), 17) is None
    assert settings.identity(command.RECIPES[model], found)["dequantizer"] == "uniform"


def test_sizes_and_precision_reach_it():
    found = command.parsed("nice", "--workdir=unused", *FLAGS, "--precision=mixed_bfloat16")
    made = dequantizers.make(found, (8, 8, 1), 17)
    assert (made.depth, made.width, made.bins) == (2, 4, 17)
    assert made.context.compute_dtype == "bfloat16"
    identity = settings.identity(command.RECIPES["nice"], found)
    assert identity["dequantizer"] == "variational" and identity["dequantizer_width"] == 4


def test_a_run_trains_averages_and_keeps_it(tmp_path):
    run = command.run("nice", tmp_path, *SMALL, *FLAGS)
    assert run.flow.dequantizer is not run.averaged.model.dequantizer
    best = keras.models.load_model(run.folder.best)
    assert (best.dequantizer.depth, best.dequantizer.width) == (2, 4)
    results = json.loads(run.folder.results.read_text())
    assert results["flags"]["dequantizer"] == "variational"
    with pytest.raises(ValueError, match="Expected dequantizer='variational' as in the run"):
        command.prepared("nice", tmp_path, *SMALL)
    again = command.prepared("nice", tmp_path, *SMALL, *FLAGS)
    assert again.complete


def test_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: dequantizer='uniform', dequantizer_width=4"):
        command.prepared("nice", tmp_path, *SMALL, "--dequantizer_width=4")
    message = "a dataset of integers .* Received: dataset='two_moons'"
    with pytest.raises(ValueError, match=message):
        command.prepared("nice", tmp_path, *command.SMALL, "--dequantizer=variational")
