"""Counts the floating-point operations of presets, and what training them would take elsewhere.

python -m benchmarks.flops --presets=glow:cifar10,realnvp:cifar10 --images=45e6 --teraflops=10

Counted are the convolutions and matrix products of a log-density, two operations a multiplication
with its addition, in the traced graph. Training takes three times as many: backpropagation has one
product for the inputs' gradient and one for the weights'. Everything else a step does is left out.
"""

import math

import tensorflow as tf
from absl import flags

import tfflows
from benchmarks import program, report
from tfflows.bijectors import sharing

MODELS = {"nice": tfflows.NICE, "realnvp": tfflows.RealNVP, "glow": tfflows.Glow}


def define(flag_values=flags.FLAGS):
    """Defines the program's flags."""
    text = "Presets, each as model:name."
    flags.DEFINE_list("presets", ["glow:cifar10"], text, flag_values=flag_values)
    text = "Images that a training sees, all epochs together."
    flags.DEFINE_float("images", 45e6, text, lower_bound=1.0, flag_values=flag_values)
    text = "Operations a second that a device sustains, in units of 1e12."
    flags.DEFINE_float("teraflops", 10.0, text, lower_bound=1e-6, flag_values=flag_values)
    flags.DEFINE_string("json", None, "File for the results.", flag_values=flag_values)


def run(flag_values=flags.FLAGS, progress=program.say):
    """Counts what the flags say, prints the table, and returns and writes the results.

    Raises:
      ValueError: if a model or preset is unknown.
    """
    pairs = [_parse(text) for text in flag_values.presets]
    rows = [_row(*pair, flag_values.images, flag_values.teraflops) for pair in pairs]
    progress(report.table(rows))
    results = {"environment": report.environment(), "presets": rows}
    if flag_values.json:
        report.write(flag_values.json, **results)
    return results


def forward_flops(flow):
    """Returns the operations of one log-density, counted in its graph."""

    def log_density(x):
        data = x
        if getattr(flow, "classes", None):
            data = {"x": x, "condition": tf.zeros([1], tf.int64)}
        with sharing.inlined():
            return flow(data, training=False)

    spec = tf.TensorSpec([1, *flow.event_shape], flow.variable_dtype)
    graph = tf.function(log_density, autograph=False).get_concrete_function(spec).graph
    return sum(_flops(operation) for operation in graph.get_operations())


def _parse(text):
    model, _, preset = text.partition(":")
    if model not in MODELS or preset not in MODELS[model].presets:
        known = [f"{name}:{key}" for name, kind in MODELS.items() for key in kind.presets]
        raise ValueError(f"Expected presets of {', '.join(known)}. Received: presets={text!r}")
    return model, preset


def _row(model, preset, images, teraflops):
    flow = MODELS[model].preset(preset)
    forward = forward_flops(flow)
    return {
        "preset": f"{model}:{preset}",
        "parameters": sum(math.prod(v.shape) for v in flow.trainable_variables),
        "log_prob GFLOP": round(forward / 1e9, 3),
        "training GFLOP": round(3 * forward / 1e9, 3),
        "device hours": round(3 * forward * images / (teraflops * 1e12) / 3600, 1),
    }


def _flops(operation):
    if operation.type == "Conv2D":
        height, width, channels, _ = operation.inputs[1].shape
        return 2 * height * width * channels * math.prod(operation.outputs[0].shape)
    if operation.type in ("MatMul", "BatchMatMulV2"):
        axis = -2 if operation.get_attr(_TRANSPOSED[operation.type]) else -1
        return 2 * operation.inputs[0].shape[axis] * math.prod(operation.outputs[0].shape)
    return 0


_TRANSPOSED = {"MatMul": "transpose_a", "BatchMatMulV2": "adj_x"}


if __name__ == "__main__":
    program.main(define, run)
