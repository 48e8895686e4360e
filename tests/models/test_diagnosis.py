"""The layer where numbers first go wrong."""

import numpy as np
import pytest
import tensorflow as tf

from tests.models import flows, test_skipping
from tfflows.models import diagnosis


def spoil(flow, part):
    """Makes the last variable of a part of a flow NaN; behind a ReLU one may not show."""
    variable = part.trainable_variables[-1]
    variable.assign(variable * np.nan)


def test_nothing_is_wrong_with_a_flow():
    for name in flows.NAMES:
        flow = flows.trained(name)
        before = test_skipping.values(flow.variables)
        assert diagnosis.first_non_finite(flow, flows.images(4)) is None
        test_skipping.assert_equal(test_skipping.values(flow.variables), before)
        for module in flow._bijector.submodules:
            assert "_inverse_and_log_det" not in vars(module)


def test_the_data_comes_first():
    flow = test_skipping.vectors()
    x = test_skipping.points()
    x[0, 0] = np.inf
    assert diagnosis.first_non_finite(flow, x) == "the data"


def test_a_log_det():
    found = diagnosis.first_non_finite(test_skipping.vectors(), test_skipping.broken())
    assert found == "the log-det of layers/0/layers/1 (batch_norm)"


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("index", [0, 1])
def test_a_layer_deep_inside(index, recompute):
    """The levels hold Composites, whose layers are named, not they."""
    flow = flows.trained("glow", recompute=recompute)
    multi_scale = flow._bijector.layers[-1]
    coupling = next(m for m in multi_scale.levels[index].submodules if m.name == "coupling")
    spoil(flow, coupling)
    parts = [m for m in flow._bijector.submodules if hasattr(m, "recompute")]
    before = [m.recompute for m in parts]
    assert any(before) == recompute
    found = diagnosis.first_non_finite(flow, flows.images(4))
    assert found.startswith(f"the latent of layers/1/levels/{index}/")
    assert found.endswith("(coupling)")
    assert [m.recompute for m in parts] == before


def test_labels():
    flow = flows.trained("glow", classes=3)
    x, labels = flows.images(4), np.array([0, 1, 2, 0])
    assert diagnosis.first_non_finite(flow, x, labels) is None
    spoil(flow, flow._prior)
    found = diagnosis.first_non_finite(flow, x, labels)
    assert found.startswith("the latent of layers/1/levels/1/") and found.endswith("(top_prior)")


def test_a_gradient():
    """A variable that is finite in all that is computed, but not in its derivative."""
    flow = flows.trained("nice")
    weight = flow._weight
    variable = flow.trainable_weights[0]
    flow._weight = lambda *args, **kwargs: (
        weight(*args, **kwargs) + tf.sqrt(tf.reduce_sum(0.0 * variable.value))
    )
    assert diagnosis.first_non_finite(flow, flows.images(4)) == f"the gradient of {variable.path}"
