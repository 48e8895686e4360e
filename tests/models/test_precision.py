"""bfloat16 networks in a float32 flow."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows
from tfflows import bijectors

every_model = pytest.mark.parametrize("name", flows.NAMES)


def networks(flow):
    modules = flow.distribution.submodules
    return [m.conditioner for m in modules if isinstance(m, bijectors.Coupling)]


@every_model
def test_networks_compute_in_bfloat16_and_all_else_in_float32(name):
    flow = flows.trained(name, precision="mixed_bfloat16")
    assert {v.dtype for v in flow.trainable_variables} == {"float32"}
    assert {network.compute_dtype for network in networks(flow)} == {"bfloat16"}
    x = flows.images(4)
    z, log_prob = flow.encode_and_log_prob(x)
    assert z.dtype == log_prob.dtype == flow.decode(z).dtype == tf.float32
    graph = flow._encode.get_concrete_function(tf.constant(x), None, 4).graph
    kinds = ("Conv2D", "MatMul", "BatchMatMulV2")
    library = [graph, *(f.graph for f in graph._functions.values() if hasattr(f, "graph"))]
    heavy = [op for g in library for op in g.get_operations() if op.type in kinds]
    assert any(op.outputs[0].dtype == tf.bfloat16 for op in heavy)


@every_model
def test_densities_are_near_those_of_float32(name):
    x, log_probs = flows.images(8), []
    for precision in (None, "mixed_bfloat16"):
        keras.utils.set_random_seed(0)
        log_probs.append(flows.trained(name, precision=precision).log_prob(x).numpy())
    assert np.abs(log_probs[1] - log_probs[0]).max() / (16 * np.log(2)) < 0.1
    assert np.any(log_probs[1] != log_probs[0])


@every_model
def test_round_trip_is_that_of_float32(name):
    flow = flows.trained(name, precision="mixed_bfloat16")
    x = flows.images(16).astype(np.float32) + 0.5
    again = flow.decode(flow.encode(x))
    np.testing.assert_allclose(again, x, atol=1e-3 * flows.BINS)


@every_model
def test_training(name):
    flow = flows.fresh(name, precision="mixed_bfloat16")
    flow.compile(keras.optimizers.Adam(1e-2))
    losses = flow.fit(flows.images(64), epochs=4, batch_size=16, verbose=0).history["loss"]
    assert np.all(np.isfinite(losses)) and losses[-1] < losses[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_s_own_precision_may_be_named(dtype):
    assert networks(flows.fresh("nice", dtype=dtype, precision=dtype))[0].compute_dtype == dtype


@every_model
@pytest.mark.parametrize(
    ("dtype", "precision"),
    [
        ("float32", "float16"),
        ("float64", "mixed_bfloat16"),
        ("float32", 16),
        ("float32", "float64"),
    ],
)
def test_other_precisions_are_refused(name, dtype, precision):
    with pytest.raises(ValueError, match=f"precision to be one of .*precision={precision!r}"):
        flows.fresh(name, dtype=dtype, precision=precision)
