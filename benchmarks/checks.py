"""Times training steps on a data set with the checks of its values and without them, in turn.

python -m benchmarks.checks
python -m benchmarks.checks --steps_per_execution=20 --data=floats,integers

The models are NICEs of 2 couplings with one hidden layer of 32 units, which take next to no time.
The data are points, and images of 28x28 as floats, as integers of 17 values and as integers of 256
values, which have no checks; --ready has them in batches already, so that the checks are all that
the data cost. Both contenders run the same compiled step. Counted are CPU seconds, those of all
threads: other work on the machine disturbs them less than seconds, and they have what the checks
take of a core beside the one that trains, which seconds may not show.
"""

import time

import keras
import numpy as np
import tensorflow as tf
from absl import flags

import tfflows
from benchmarks import program, report, rounds
from tfflows.models import streams

# Event shape, bins and batch size.
_DATA = {
    "points": ((2,), None, 64),
    "floats": ((28, 28, 1), None, 200),
    "integers": ((28, 28, 1), 17, 200),
    "bytes": ((28, 28, 1), 256, 200),
}


def define(flag_values=flags.FLAGS):
    """Defines the program's flags."""
    flags.DEFINE_list("data", [*_DATA], "Kinds of data.", flag_values=flag_values)
    text = "Training steps of each in a round."
    flags.DEFINE_integer("steps", 400, text, lower_bound=1, flag_values=flag_values)
    flags.DEFINE_integer("rounds", 21, "Rounds.", lower_bound=1, flag_values=flag_values)
    text = "Whether the batches are made before, and not from single examples on the way."
    flags.DEFINE_bool("ready", False, text, flag_values=flag_values)
    text = "Steps in one call, a divisor of --steps."
    flags.DEFINE_integer("steps_per_execution", 1, text, lower_bound=1, flag_values=flag_values)
    flags.DEFINE_string("json", None, "File for the results as JSON.", flag_values=flag_values)


def run(flag_values=flags.FLAGS, progress=program.say):
    """Measures what the flags say, prints the table, and returns and writes the results.

    Raises:
      ValueError: if the flags do not fit each other.
    """
    program.check_names("data", flag_values.data, _DATA)
    together = flag_values.steps_per_execution
    if flag_values.steps % together:
        raise ValueError(
            f"Expected steps_per_execution to divide the {flag_values.steps} steps. "
            f"Received: steps_per_execution={together!r}"
        )
    rows, seconds = [], {}
    for kind in flag_values.data:
        makers = _makers(kind, flag_values.steps, together, ready=flag_values.ready)
        timings, _ = rounds.measure(makers, flag_values.rounds, progress)
        seconds[kind] = {name: timing.steps for name, timing in timings.items()}
        step = 1000 * min(timings["unchecked"].steps) / flag_values.steps
        (ratio,) = report.ratios(timings, [("checked", "unchecked")])
        rows.append({"data": kind, "unchecked step, least CPU ms": round(step, 3), **ratio})
    progress(f"\n{flag_values.rounds} rounds of {flag_values.steps} steps, {together} a call\n")
    progress(report.table(rows))
    results = {"environment": report.environment(), "rows": rows, "seconds": seconds}
    if flag_values.json:
        report.write(flag_values.json, **results)
    return results


def _makers(kind, steps, together, *, ready):
    """Returns what makes the two contenders, of one model."""
    shape, bins, batch = _DATA[kind]
    keras.utils.set_random_seed(0)
    flow = tfflows.NICE(shape, bins=bins, depth=2, width=32, hidden_layers=1)
    flow.compile("sgd", steps_per_execution=together, jit_compile=False)
    x = np.random.default_rng(0).uniform(0, bins or 1, (20 * batch, *shape))
    x = x.astype(np.float32 if bins is None else np.uint8)
    if ready:
        batches = x.reshape(20, batch, *shape)
        dataset = tf.data.Dataset.from_tensor_slices(batches).shuffle(20).repeat()
    else:
        dataset = tf.data.Dataset.from_tensor_slices(x).shuffle(len(x)).repeat().batch(batch)
    flow.fit(dataset, steps_per_epoch=together, verbose=0)  # which compiles the step

    def maker(data):
        def make():
            batches = iter(data)

            def epoch():
                start = time.process_time()
                for _ in range(steps // together):
                    logs = flow.train_function(batches)
                loss = float(logs["loss"])
                return time.process_time() - start, loss

            return epoch

        return make

    checked = streams.Stream(flow, dataset).dataset
    return {"unchecked": maker(dataset), "checked": maker(checked)}


if __name__ == "__main__":
    program.main(define, run)
