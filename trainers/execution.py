"""How many training steps go into one call of the compiled function, where no flag says it."""

# A loop within the graph spares each step its call from Python, of 5 to 25 percent of a small
# model's step. Ten steps a call get nearly all of that.
_MOST = 20
# Building the loop takes about as long as this many calls: both go with the size of the graph.
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
