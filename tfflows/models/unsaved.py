"""What training changes and Keras' files leave out: an epoch's means, skipped steps, random states.

With a file's weights and optimizer it is all that the next training step depends on.
"""

import tensorflow as tf


def state(flow):
    """Returns it as lists of numbers that JSON keeps exactly, for `restore`; of a compiled flow."""
    return {
        name: [variable.numpy().tolist() for variable in variables]
        for name, variables in _variables(flow).items()
    }


def restore(flow, values):
    """Puts it back.

    Raises:
      ValueError: it is that of another flow.
    """
    for name, variables in _variables(flow).items():
        if len(variables) != len(values[name]):
            raise ValueError(f"Expected {len(variables)} {name}. Received: {name}={values[name]!r}")
        for variable, value in zip(variables, values[name], strict=True):
            variable.assign(tf.constant(value, variable.dtype))


def _variables(flow):
    saved = {id(variable) for variable in flow.weights}
    return {
        "means": [variable for metric in flow.metrics for variable in metric.variables],
        "skipped_steps": [flow._skips.of_epoch, flow._skips.in_row],
        "random_states": [v for v in flow.variables if id(v) not in saved],  # of dropout
    }
