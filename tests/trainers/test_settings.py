"""What becomes of the flags: the model's arguments, the defaults, the identity of a run."""

import inspect

import pytest

from tests.trainers import command
from trainers import settings

FLAGS = ("--precision=mixed_bfloat16", "--recompute")


@pytest.mark.parametrize("model", command.RECIPES)
def test_precision_and_recompute_are_arguments_of_every_model(model):
    recipe = command.RECIPES[model]
    for flags, expected in ((), ("float32", False)), (FLAGS, ("mixed_bfloat16", True)):
        found = command.parsed(model, "--workdir=unused", *flags)
        assert (found.arguments["precision"], found.arguments["recompute"]) == expected
        assert found.arguments.keys() < inspect.signature(recipe.model).parameters.keys()
        assert not {"precision", "recompute"} & vars(found).keys()
        identity = settings.identity(recipe, found)
        assert (identity["precision"], identity["recompute"]) == expected


def test_they_reach_the_model_and_its_averaged_copy(tmp_path):
    run = command.prepared("nice", tmp_path, *command.SMALL, *FLAGS)
    for flow in (run.flow, run.averaged.model):
        config = flow.get_config()
        assert (config["precision"], config["recompute"]) == ("mixed_bfloat16", True)
        assert "bfloat16" in {layer.compute_dtype for layer in flow._flatten_layers()}


def test_another_precision_is_another_run(tmp_path):
    command.run("nice", tmp_path, *command.SMALL)
    for flag, message in zip(FLAGS, ("precision='float32'", "recompute=False"), strict=True):
        with pytest.raises(ValueError, match=f"Expected {message} as in the run"):
            command.prepared("nice", tmp_path, *command.SMALL, flag)
