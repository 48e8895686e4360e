"""What Keras' files leave out goes through JSON and back into a flow bit for bit."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tfflows.models import unsaved


def made(dropout=0.3):
    flow = tfflows.NICE((2,), depth=2, width=8, hidden_layers=1, dropout=dropout)
    flow.compile(keras.optimizers.Adam(1e-2))
    return flow


def values(flow):
    return json.loads(json.dumps(unsaved.state(flow)))


def test_a_step_is_the_same_after_it_is_put_back():
    x = np.random.default_rng(0).normal(size=(96, 2)).astype(np.float32)
    flow = made()
    flow.fit(x, batch_size=32, verbose=0)
    kept, weights = values(flow), flow.get_weights()
    optimizer = [v.numpy() for v in flow.optimizer.variables]
    assert kept["means"][1] == 96 and len(kept["random_states"]) == 2

    def step():
        flow.set_weights(weights)
        for variable, value in zip(flow.optimizer.variables, optimizer, strict=True):
            variable.assign(value)
        logs = flow.train_on_batch(x[:32], return_dict=True)
        return logs["loss"], *flow.get_weights()

    first, other = step(), step()
    assert any(np.any(a != b) for a, b in zip(first, other, strict=True))
    unsaved.restore(flow, kept)
    for ours, theirs in zip(step(), first, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_counts_of_skipped_steps_and_means_are_part_of_it():
    flow = made(dropout=0.0)
    x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    x[16:] = 3e38  # whose log-density is none
    flow.fit(tf.data.Dataset.from_tensor_slices(x).batch(16), verbose=0)
    kept = values(flow)
    assert kept["skipped_steps"] == [3, 3] and kept["random_states"] == []
    assert kept["means"][1::2] == [16, 16] and all(kept["means"])
    other = made(dropout=0.0)
    unsaved.restore(other, kept)
    assert other.skipped_in_row == 3 and values(other) == kept
    assert other.get_metrics_result() == flow.get_metrics_result()


def test_that_of_another_flow_is_refused():
    with pytest.raises(ValueError, match=r"Expected 2 random_states. Received: random_states=\[\]"):
        unsaved.restore(made(), unsaved.state(made(dropout=0.0)))


def test_replicas_have_it_together(two_replicas):
    with two_replicas.scope():
        flow = made()
    flow.fit(np.ones((64, 2), np.float32), batch_size=32, verbose=0)
    kept = values(flow)
    assert kept["means"][1] == 2 * 64  # as each of the replicas counts all examples
    flow.fit(np.ones((32, 2), np.float32), batch_size=32, verbose=0)
    assert values(flow) != kept
    unsaved.restore(flow, kept)
    assert values(flow) == kept
