"""What training changes and Keras' files leave out: an epoch's means, skipped steps, random states.

With a file's weights and optimizer it is all that the next training step depends on.
"""

import tensorflow as tf

from tfflows.models import workers


def state(flow):
    """Returns it as lists of numbers that JSON keeps exactly, for `restore`; of a compiled flow."""
    return {
        name: [variable.numpy().tolist() for variable in variables]
        for name, variables in _variables(flow).items()
    }


def restore(flow, values):
    """Puts it back; where there are several workers, each must call it.

    Raises:
      ValueError: it is that of another flow.
    """
    strategy = flow.distribute_strategy
    for name, variables in _variables(flow).items():
        if len(variables) != len(values[name]):
            raise ValueError(f"Expected {len(variables)} {name}. Received: {name}={values[name]!r}")
        # Reading a mean's sums adds up those of all workers.
        shares = workers.count(strategy) if name == "means" else 1
        for variable, value in zip(variables, values[name], strict=True):
            value = tf.constant(value, variable.dtype)
            variable.assign(value if shares == 1 else value / shares)


def _variables(flow):
    saved = {id(variable) for variable in flow.weights}
    return {
        "means": [variable for metric in flow.metrics for variable in metric.variables],
        "skipped_steps": [flow._skips.of_epoch, flow._skips.in_row],
        "random_states": [v for v in flow.variables if id(v) not in saved],  # of dropout
    }
