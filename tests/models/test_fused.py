"""One kernel a variable's update: the numbers of Keras' own, and far fewer operations."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows
from tfflows.models import fused

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.1, beta_1=0.8, epsilon=1e-3),
    "adam_schedule": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(0.1, 5, warmup_target=0.2, warmup_steps=2)
    ),
    "adamw": lambda: keras.optimizers.AdamW(0.1, weight_decay=0.1),
    "adamax": lambda: keras.optimizers.Adamax(0.1, beta_2=0.9),
    "average_and_clip": lambda: keras.optimizers.Adam(
        0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2, global_clipnorm=0.1
    ),
    "accumulated": lambda: keras.optimizers.Adam(0.1, gradient_accumulation_steps=2),
    "amsgrad": lambda: keras.optimizers.Adam(0.1, amsgrad=True),
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
}


def run(optimizer, context, graph=True):
    """The variables and the optimizer's after five steps."""
    rng = np.random.default_rng(0)
    variables = [keras.Variable(rng.normal(size=s).astype("float32")) for s in ((3, 2), (4,), ())]
    gradients = [
        [tf.constant(rng.normal(size=v.shape), tf.float32) for v in variables] for _ in range(5)
    ]
    optimizer.build(variables)

    def step(gradient):
        with context(optimizer):
            optimizer.apply(gradient, variables)

    step = tf.function(step, autograph=False) if graph else step
    for gradient in gradients:
        step(gradient)
    return [v.numpy() for v in [*variables, *optimizer.variables]]


def plain(optimizer):
    return tf.name_scope("plain")


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_as_keras(name, graph):
    make = OPTIMIZERS[name]
    for ours, expected in zip(
        run(make(), fused.updates, graph), run(make(), plain, graph), strict=True
    ):
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=1e-6)


def test_the_optimizer_is_left_as_it_was():
    optimizer = keras.optimizers.Adam()
    with fused.updates(optimizer):
        assert "update_step" in vars(optimizer)
    assert "update_step" not in vars(optimizer)


class Halved(keras.optimizers.Adam):
    """One with a rule of its own."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, learning_rate / 2)


def test_rules_of_one_s_own_are_kept():
    for ours, expected in zip(
        run(Halved(0.1), fused.updates), run(keras.optimizers.Adam(0.05), plain), strict=True
    ):
        if np.shape(ours) != () or ours != np.float32(0.1):  # the learning rates differ
            np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=1e-6)


def test_sparse_gradients():
    def rows(context):
        table = keras.Variable(np.ones((4, 2), np.float32))
        optimizer = keras.optimizers.Adam(0.1)
        optimizer.build([table])
        with context(optimizer):
            slices = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([2]), tf.constant([4, 2]))
            optimizer.apply([slices], [table])
        return table.numpy()

    np.testing.assert_allclose(rows(fused.updates), rows(plain), rtol=1e-5)


def test_a_flow_s_step_has_one_operation_a_variable():
    flow = flows.trained("glow")
    flow.compile(keras.optimizers.Adam(1e-3))
    flow.optimizer.build(flow.trainable_variables)
    step = tf.function(lambda x: flow.train_step((x,)), autograph=False)
    graph = step.get_concrete_function(tf.constant(flows.images(4))).graph.as_graph_def()
    # Those of the branch that a step takes if it is not skipped.
    branches = [f for f in graph.library.function if f.signature.name.startswith("cond_true")]
    kinds = [node.op for branch in branches for node in branch.node_def]
    assert kinds.count("ResourceApplyAdam") == len(flow.trainable_variables)
    assert kinds.count("Pow") == 2
