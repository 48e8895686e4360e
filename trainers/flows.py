"""The model of a run, compiled, from its settings."""

from trainers import dequantizers, execution, optimizers


def make(recipe, settings, data):
    """Returns a new model of a recipe, for `data.Data`."""
    arguments = dict(settings.arguments)
    if data.num_classes is not None:
        arguments["classes"] = data.num_classes
    shape, bins = data.event_shape, data.bins
    dequantizer = dequantizers.make(settings, shape, bins)
    return recipe.model(shape, bins=bins, dequantizer=dequantizer, **arguments)


def compile_for(flow, settings, steps, together):
    """Compiles a model for epochs of so many steps, of which some are made in one call."""
    optimizer = optimizers.make(settings, steps * settings.epochs)
    # Biases, scales and shifts are few and have no reason to be small.
    vectors = [v for v in flow.trainable_variables if len(v.shape) < 2]
    optimizer.exclude_from_weight_decay(var_list=vectors)
    flow.compile(
        optimizer,
        steps_per_execution=together,
        jit_compile={"auto": "auto", "true": True, "false": False}[settings.jit_compile],
    )


def steps_together(settings, steps, team):
    """Returns how many of the steps of an epoch are made in one call.

    Raises:
      ValueError: the settings say how many, and it does not divide the steps.
    """
    together = settings.steps_per_execution
    if together is None:
        # Several workers can make no more than one.
        return execution.steps_together(steps, settings.epochs) if team.count == 1 else 1
    if steps % together:
        raise ValueError(
            f"Expected steps_per_execution to divide the {steps} steps of an epoch. "
            f"Received: steps_per_execution={together!r}"
        )
    return together
