"""Measures how far recomputed activations drift from those of the forward pass, by depth.

python -m benchmarks.drift --depths=8,32,96

One level of so many steps, its weights moved from their start by noise, is recomputed from its
latent to its input as the backward pass does. Reported are the largest and the root mean square
error of the input, relative to the input's root mean square, and the distance of the gradient of
all variables from that of plain backprop, relative to the latter's length.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks import parts, program, report, settings


def define(flag_values=flags.FLAGS):
    """Defines the program's flags."""
    settings.define(flag_values, levels=1, width=32, batch=32)
    flags.DEFINE_list("depths", ["8", "32", "96"], "Depths.", flag_values=flag_values)
    text = "Standard deviation of the noise on the weights."
    flags.DEFINE_float("noise", 0.006, text, lower_bound=0.0, flag_values=flag_values)


def run(flag_values=flags.FLAGS, progress=program.say):
    """Measures what the flags say, prints the table, and returns and writes the results."""
    chosen = settings.resolve(flag_values)
    if not all(text.isdecimal() and int(text) for text in flag_values.depths):
        raise ValueError(
            f"Expected depths, ints of at least 1. Received: depths={flag_values.depths!r}"
        )
    rows = []
    for depth in map(int, flag_values.depths):
        changed = dataclasses.replace(chosen, depth=depth, recompute=True)
        rows.append({"depth": depth, **_drift(changed, flag_values.noise)})
    progress(f"\n{chosen}\n")
    progress(report.table(rows))
    results = {"settings": chosen, "environment": report.environment(), "drift": rows}
    if flag_values.json:
        report.write(flag_values.json, **results)
    return results


def _drift(chosen, noise):
    x = tf.cast(parts.images(chosen), tf.float32) + 0.5
    flow = _moved(chosen, noise, x)
    error = flow.decode(flow.encode(x)) - x
    centred = x - tf.reduce_mean(x)
    scale = tf.sqrt(tf.reduce_mean(tf.square(centred)))
    recomputed = _gradient(flow, x)
    plain = _gradient(_moved(dataclasses.replace(chosen, recompute=False), noise, x), x)
    return {
        "largest error": f"{float(tf.reduce_max(tf.abs(error)) / scale):.1e}",
        "rms error": f"{float(tf.sqrt(tf.reduce_mean(error**2)) / scale):.1e}",
        "gradient error": f"{np.linalg.norm(recomputed - plain) / np.linalg.norm(plain):.1e}",
    }


def _moved(chosen, noise, x):
    """A model started from data, then moved from its start, always alike."""
    keras.utils.set_random_seed(0)
    flow = parts.build_flow(chosen)
    flow.initialize(x)
    rng = np.random.default_rng(0)
    for variable in flow.trainable_variables:
        variable.assign_add(noise * rng.standard_normal(variable.shape))
    return flow


def _gradient(flow, x):
    @tf.function(autograph=False)
    def gradient():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(flow(x, training=True))
        return tape.gradient(loss, [v.value for v in flow.trainable_variables])

    return np.concatenate([np.ravel(part) for part in gradient()])


if __name__ == "__main__":
    program.main(define, run)
