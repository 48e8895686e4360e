"""How TensorFlow runs: how many steps a call, where no flag says it; the same bits each time."""

import tensorflow as tf

# A loop within the graph spares each step its call from Python: a tenth of a small Glow's step, a
# third of a NICE's on points. Ten steps a call get nearly all of that.
_MOST = 20
# Building the loop takes half a second for that NICE and six for that Glow, which they have back
# after some 200 and 1,000 steps.
_WORTHWHILE = 500
# So many calls an epoch keep the progress bar moving.
_CALLS = 5


def steps_together(steps_per_epoch, epochs):
    """Returns the steps in a call, a divisor of the steps of an epoch: at most 20 and a fifth.

    It is 1 for runs of fewer than 500 steps. It follows from the two numbers alone, so that a
    command always does the same.
    """
    if steps_per_epoch * epochs < _WORTHWHILE:
        return 1
    most = min(_MOST, steps_per_epoch // _CALLS)
    return max((n for n in range(1, most + 1) if steps_per_epoch % n == 0), default=1)


def make_deterministic(settings):
    """Has TensorFlow compute the same bits each time, for as long as the process lives.

    Raises:
      ValueError: the settings ask for XLA, which Keras leaves out of deterministic runs.
    """
    if settings.jit_compile == "true":
        raise ValueError(
            "Expected no XLA in a deterministic run, as Keras compiles none. "
            f"Received: jit_compile={settings.jit_compile!r}"
        )
    tf.config.experimental.enable_op_determinism()
