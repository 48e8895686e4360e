"""What models refuse, and in which words."""

import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.models import flows

tfd = tfp.distributions
X = flows.images(6)


def normal(shape=(2,)):
    return tfd.Independent(tfd.Normal(tf.zeros(shape), 1.0), len(shape))


def nice(**options):
    return lambda: flows.fresh("nice", **options)


def nans():
    return np.full((2, 4, 4, 1), np.nan, np.float32)


REFUSED = {
    "no distribution": (
        TypeError,
        "tfp.distributions.Distribution. Received: distribution=3",
        lambda: tfflows.Flow(3),
    ),
    "a batch of distributions": (
        ValueError,
        "without a batch shape",
        lambda: tfflows.Flow(tfd.MultivariateNormalDiag(tf.zeros([3, 2]))),
    ),
    "scalars": (ValueError, "of vectors or images", lambda: tfflows.Flow(tfd.Normal(0.0, 1.0))),
    "a structure": (
        ValueError,
        "of one tensor",
        lambda: tfflows.Flow(tfd.JointDistributionSequential([tfd.Normal(0.0, 1.0)])),
    ),
    "bins 1": (
        ValueError,
        "at least 2, or None. Received: bins=1",
        lambda: tfflows.Flow(normal(), bins=1),
    ),
    "bins True": (ValueError, "Received: bins=True", lambda: tfflows.Flow(normal(), bins=True)),
    "bins 2.5": (ValueError, "Received: bins=2.5", lambda: tfflows.Flow(normal(), bins=2.5)),
    "event rank": (ValueError, "Expected event_shape (dim,)", lambda: flows.fresh("nice", (4, 4))),
    "one element": (ValueError, "at least 2 elements", lambda: flows.fresh("nice", (1,))),
    "vectors for Glow": (
        ValueError,
        "Expected event_shape (height, width, channels)",
        lambda: flows.fresh("glow", (4,)),
    ),
    "no shape": (
        ValueError,
        "to be a shape. Received: event_shape='ab'",
        lambda: flows.fresh("nice", "ab"),
    ),
    "Glow levels": (
        ValueError,
        "divisible by 2**3. Received: event_shape=(4, 4, 1), levels=3",
        lambda: flows.fresh("glow", levels=3),
    ),
    "odd height": (
        ValueError,
        "divisible by 2**2. Received: event_shape=(6, 4, 1)",
        lambda: flows.fresh("glow", (6, 4, 1)),
    ),
    "RealNVP levels": (ValueError, "divisible by 2**3", lambda: flows.fresh("realnvp", levels=4)),
    "levels 0": (ValueError, "Received: levels=0", lambda: flows.fresh("glow", levels=0)),
    "depth 0": (ValueError, "Received: depth=0", lambda: flows.fresh("glow", depth=0)),
    "RealNVP depth": (ValueError, "Received: depth=-1", lambda: flows.fresh("realnvp", depth=-1)),
    "width": (ValueError, "Received: width=1.5", nice(width=1.5)),
    "blocks": (ValueError, "Received: blocks=0", lambda: flows.fresh("realnvp", blocks=0)),
    "hidden layers": (ValueError, "Received: hidden_layers=0", nice(hidden_layers=0)),
    "base": (ValueError, "['logistic', 'normal']. Received: base='uniform'", nice(base="uniform")),
    "transform": (
        ValueError,
        "Received: transform='spline'",
        lambda: flows.fresh("glow", transform="spline"),
    ),
    "permutation": (
        ValueError,
        "Received: permutation='lu'",
        lambda: flows.fresh("glow", permutation="lu"),
    ),
    "data range": (
        ValueError,
        "the lower first. Received: data_range=(1, 1)",
        nice(data_range=(1, 1)),
    ),
    "order": (ValueError, "Received: order='tile'", nice(order="tile")),
    "hidden layers of couplings": (
        ValueError,
        "one for each of depth=2 couplings. Received: hidden_layers=[1, 2, 3]",
        nice(hidden_layers=[1, 2, 3]),
    ),
    "hidden layers of one": (ValueError, "Received: hidden_layers=0", nice(hidden_layers=(1, 0))),
    "l2": (ValueError, "at least 0. Received: l2=-1", lambda: flows.fresh("realnvp", l2=-1)),
    "l2 of vectors": (
        ValueError,
        "Expected l2 to be 0 for vectors",
        lambda: flows.fresh("realnvp", (4,), bins=None, l2=0.1),
    ),
    "preset": (
        ValueError,
        "Expected preset to be one of mnist, tfd, svhn, cifar10. Received: preset='celeba'",
        lambda: tfflows.NICE.preset("celeba"),
    ),
    "no preset": (ValueError, "Received: preset=None", lambda: tfflows.Glow.preset(None)),
    "n 0": (ValueError, "at least 1. Received: n=0", lambda: SHARED.sample(0)),
    "n -2": (ValueError, "Received: n=-2", lambda: SHARED.sample(-2)),
    "n 1.5": (ValueError, "Received: n=1.5", lambda: SHARED.sample(1.5)),
    "temperature": (
        ValueError,
        "at least 0. Received: temperature=-0.1",
        lambda: SHARED.sample(1, -0.1),
    ),
    "temperature nan": (
        ValueError,
        "Received: temperature=nan",
        lambda: SHARED.sample(1, float("nan")),
    ),
    "temperature text": (ValueError, "Received: temperature='1'", lambda: SHARED.sample(1, "1")),
    "seed": (ValueError, "or None. Received: seed=1.5", lambda: SHARED.sample(1, seed=1.5)),
    "large seed": (ValueError, "Received: seed=2147483648", lambda: SHARED.sample(1, seed=2**31)),
    "no bins": (
        ValueError,
        "at least 2, or None. Received: bins=0",
        lambda: flows.fresh("glow", bins=0),
    ),
    "range of one": (ValueError, "Received: data_range=3", nice(data_range=3)),
    "condition shape": (
        ValueError,
        "Received: condition_shape=(4, 4, 2)",
        lambda: flows.fresh("glow", condition_shape=(4, 4, 2)),
    ),
    "dtype": (TypeError, "Received: dtype='half-float'", nice(dtype="half-float")),
    "many levels": (ValueError, "Received: event_shape", lambda: flows.fresh("glow", levels=999)),
    "condition of TFP's": (
        ValueError,
        "Expected no condition",
        lambda: tfflows.Flow(normal()).log_prob(np.zeros((1, 2)), condition=np.ones((1, 2))),
    ),
    "condition not finite": (
        ValueError,
        "in condition. Received: 2 of 2 not finite, the first condition[0, 0]=nan",
        lambda: flows.fresh("nice", condition_shape=(2,)).log_prob(X[:1], np.full((1, 2), np.nan)),
    ),
    "rank": (
        ValueError,
        "Expected x of shape [*batch, 4, 4, 1]. Received: x.shape=(4, 4)",
        lambda: SHARED.log_prob(np.zeros((4, 4))),
    ),
    "shape": (
        ValueError,
        "Received: x.shape=(2, 4, 4, 3)",
        lambda: SHARED.encode(np.zeros((2, 4, 4, 3))),
    ),
    "latent shape": (
        ValueError,
        "Expected z of shape [*batch, 16]. Received: z.shape=(2, 15)",
        lambda: SHARED.decode(np.zeros((2, 15))),
    ),
    "non-finite": (
        ValueError,
        "Expected finite values in x. Received: 32 of 32 not finite, the first x[0, 0, 0, 0]=nan",
        lambda: SHARED.log_prob(nans()),
    ),
    "above the bins": (
        ValueError,
        "from 0 to 16 in x. Received: values from 0 to 17, the first x[1, 0, 1, 0]=17",
        lambda: SHARED.log_prob(np.arange(32).reshape(2, 4, 4, 1) % 18),
    ),
    "below zero": (
        ValueError,
        "Received: values from -1 to 15, the first x[0, ",
        lambda: SHARED.log_prob(X.astype(int) - 1),
    ),
    "text": (
        TypeError,
        "integer or floating data. Received: x.dtype=string",
        lambda: SHARED.log_prob(np.full((1, 4, 4, 1), "a")),
    ),
    "integers without bins": (
        ValueError,
        "since the model has no bins",
        lambda: tfflows.Flow(normal()).log_prob(np.zeros((1, 2), int)),
    ),
    "to_integers without bins": (
        ValueError,
        "Received: bins=None",
        lambda: tfflows.Flow(normal()).to_integers(0.0),
    ),
    "initialize non-finite": (
        ValueError,
        "Expected finite values in x",
        lambda: SHARED.initialize(nans()),
    ),
}
SHARED = flows.fresh("nice")


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    error, message, call = REFUSED[case]
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_bad_arrays_are_refused_before_training():
    flow = flows.trained("nice")
    flow.compile("sgd")
    bad = X.astype(np.float32)
    bad[4, 1, 2, 0] = np.inf
    message = r"Received: 1 of 96 not finite, the first x\[4, 1, 2, 0\]=inf"
    for loop in (flow.fit, flow.evaluate, flow.predict):
        with pytest.raises(ValueError, match=f"Expected finite values in x. {message}"):
            loop(bad, verbose=0)
    with pytest.raises(ValueError, match=f"finite values in x of validation_data. {message}"):
        flow.fit(X, validation_data=(bad,), verbose=0)
    with pytest.raises(
        ValueError, match=r"finite values in sample_weight. .*sample_weight\[2\]=nan"
    ):
        flow.fit(X, sample_weight=np.array([1, 1, np.nan, 1, 1, 1]), verbose=0)
    with pytest.raises(ValueError, match="Expected integers from 0 to 16 in x"):
        flow.fit(X + np.uint8(16), verbose=0)
    with pytest.raises(ValueError, match=r"Expected x of .* Received: x.shape=\(2, 4, 4\)"):
        flow.fit(np.zeros((2, 4, 4)), verbose=0)
    with pytest.raises(ValueError, match=r"Expected x of .* Received: x.shape=\(4, 4, 1\)"):
        flow.fit(X[0], verbose=0)
    with pytest.raises(ValueError, match="Expected the keys x and condition. Received: keys="):
        flow.fit({"image": X}, verbose=0)
