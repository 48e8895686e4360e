"""Steps whose loss or gradient is not finite change nothing but their count."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(
        1e-2, use_ema=True, ema_momentum=0.9, weight_decay=0.1, global_clipnorm=1.0
    ),
    "adamax": lambda: keras.optimizers.Adamax(1e-2),
    "sgd": lambda: keras.optimizers.SGD(1e-2, momentum=0.9),
    "accumulating": lambda: keras.optimizers.Adam(1e-2, gradient_accumulation_steps=2),
}


def points(seed=0):
    return np.random.default_rng(seed).standard_normal((8, 2)).astype(np.float32)


def vectors(**options):
    """A RealNVP of vectors, whose batch norm has moving moments."""
    flow = flows.fresh("realnvp", (2,), bins=None, **options)
    flow.initialize(points(9))
    return flow


def values(variables):
    return [tf.convert_to_tensor(v).numpy() for v in variables]


def state(flow):
    """Every variable of a flow and of its optimizer, with the moving moments and the averages."""
    return values((*flow.variables, *flow.optimizer.variables))


def assert_equal(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


def broken(row=3):
    """Finite data, as arrays that are not are refused, whose square is not."""
    x = points(1)
    x[row, 1] = 3e38
    return x


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_skipped_step_changes_nothing(optimizer, jit_compile):
    flow = vectors()
    flow.compile(OPTIMIZERS[optimizer](), jit_compile=jit_compile)
    flow.train_on_batch(points())
    before = state(flow)
    logs = flow.train_on_batch(broken(), return_dict=True)
    assert_equal(state(flow), before)
    assert logs["skipped_steps"] == 1
    logs = flow.train_on_batch(points(2), return_dict=True)
    assert int(flow.optimizer._iterations) == 2
    assert logs["skipped_steps"] == 0 and np.isfinite(logs["loss"])
    changed = [(a != b).any() for a, b in zip(state(flow), before, strict=True)]
    assert sum(changed) > 10


def test_training_goes_on_as_if_the_step_had_not_been():
    batches = [points(0), points(1), points(2)]
    runs = []
    for data in (batches, [batches[0], broken(), *batches[1:], broken()]):
        keras.utils.set_random_seed(0)
        flow = vectors()
        flow.compile(OPTIMIZERS["adam"]())
        dataset = tf.data.Dataset.from_tensor_slices(np.concatenate(data)).batch(8)
        history = flow.fit(dataset, epochs=2, verbose=0).history
        runs.append((state(flow), history))
    assert_equal(runs[0][0], runs[1][0])
    for name in ("loss", "bits_per_dim"):  # means over the steps that were taken
        np.testing.assert_allclose(runs[0][1][name], runs[1][1][name], rtol=1e-6)
    assert [run[1]["skipped_steps"] for run in runs] == [[0, 0], [2, 2]]


def test_steps_in_a_row():
    flow = vectors()
    flow.compile("sgd")
    seen = []
    for x in (broken(), broken(), points(), broken(), points(), points()):
        flow.train_on_batch(x)
        seen.append(int(flow._skips.in_row.numpy()))
    assert seen == [1, 2, 0, 1, 0, 0]


def test_a_gradient_that_is_not_finite():
    """The loss is finite, its gradient is not: the square root at 0."""

    class Odd(tfflows.NICE):
        def compute_loss(self, *args, **kwargs):
            loss = super().compute_loss(*args, **kwargs)
            return loss + tf.sqrt(0.0 * self.trainable_variables[0].value[0])

    flow = Odd((2,), depth=2, width=4, hidden_layers=1)
    flow.compile("adam")
    flow.initialize(points())
    flow.optimizer.build(flow.trainable_variables)
    before = state(flow)
    assert np.isfinite(flow.test_on_batch(points())[0])
    assert flow.train_on_batch(points(), return_dict=True)["skipped_steps"] == 1
    assert_equal(state(flow), before)


@pytest.mark.parametrize("optimizer", ["adam", "adamax", "sgd"])  # refused with accumulation
@pytest.mark.parametrize(("row", "batch_norm"), [(3, True), (3, False), (7, False)])
def test_replicas_skip_together(optimizer, row, batch_norm, two_replicas):
    """One replica has the broken row; without batch norm, of all rows, the other sees nothing."""
    with two_replicas.scope():
        flow = vectors(batch_norm=batch_norm)
        flow.compile(OPTIMIZERS[optimizer]())
    flow.fit(tf.data.Dataset.from_tensors(points()), verbose=0)
    before = state(flow)
    history = flow.fit(tf.data.Dataset.from_tensors(broken(row)), verbose=0).history
    assert history["skipped_steps"] == [1]
    assert_equal(state(flow), before)
    for variable in flow.variables:
        np.testing.assert_array_equal(
            *values(two_replicas.experimental_local_results(variable.value))
        )
    history = flow.fit(tf.data.Dataset.from_tensors(points(2)), verbose=0).history
    assert history["skipped_steps"] == [0] and values([flow.optimizer.iterations]) == [2]


def test_losses_that_are_scaled():
    """The scaling skips such steps itself, and has to see them."""
    flow = vectors()
    flow.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-2)))
    flow.train_on_batch(points())
    scale = float(flow.optimizer.dynamic_scale)
    weights = values(flow.variables)
    flow.train_on_batch(broken())
    assert float(flow.optimizer.dynamic_scale) == scale / 2
    assert_equal(values(flow.variables), weights)


def test_files_do_not_have_the_counts(tmp_path):
    flow = flows.trained("nice")
    flow.compile("adam")
    flow.optimizer.build(flow.trainable_variables)
    flow.save(tmp_path / "flow.keras")
    again = keras.models.load_model(tmp_path / "flow.keras")
    assert len(again.variables) == len(flow.variables)
    again.fit(flows.images(8), verbose=0)
