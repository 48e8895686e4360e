"""Measures imports, or a model until its first step, in a process made for it: see `startup`.

Nothing is imported here before its turn: `benchmarks` and this file import the standard library.
"""

import importlib
import json
import sys
import time

HOSTS = ("tensorflow", "keras", "tensorflow_probability")


class Clock:
    """Gives the seconds since it was last asked."""

    def __init__(self):
        self._last = time.perf_counter()

    def lap(self):
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        return seconds


def imports():
    """Imports what tfflows stands on, then tfflows."""
    clock = Clock()
    for name in HOSTS:
        importlib.import_module(name)
    hosts = clock.lap()
    importlib.import_module("tfflows")
    return {"hosts": hosts, "tfflows on top": clock.lap()}


def flow(chosen):
    """Builds a flow, starts it from data, and trains it in `fit`'s train function."""
    import tensorflow as tf

    from benchmarks import parts

    images = parts.images(chosen)
    clock = Clock()
    made = parts.build_flow(chosen)
    laps = {"build": clock.lap()}
    made.initialize(images)
    laps["initialize"] = clock.lap()
    parts.compile_by_adam(made, chosen)
    step = parts.training(made, images)
    step()
    laps["first step"] = clock.lap()
    step()
    laps["second step"] = clock.lap()
    graph = tf.function(made.train_step).get_concrete_function(images).graph
    return {**laps, "nodes": count(graph)}


def tfb(chosen):
    """The same of `tfb.Glow`, which starts from data in its first step."""
    from benchmarks import parts, tfp_glow

    images = parts.images(chosen)
    clock = Clock()
    made = tfp_glow.Training(chosen)
    laps = {"build": clock.lap(), "initialize": 0.0}
    float(made.step(images))
    laps["first step"] = clock.lap()
    float(made.step(images))
    laps["second step"] = clock.lap()
    return {**laps, "nodes": count(made.step.get_concrete_function(images).graph)}


def count(graph):
    """Nodes of a graph and of the functions that it calls, each once."""
    definition = graph.as_graph_def()
    return len(definition.node) + sum(len(f.node_def) for f in definition.library.function)


def main(what, sizes=None):
    """Answers a question of `startup`."""
    if what == "imports":
        return imports()
    from benchmarks import settings

    return {"flow": flow, "tfb": tfb}[what](settings.Settings(**sizes))


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
