"""The cases of training on replicas, each a flow, its batches and its options; and their runs."""

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows
from tests.models import flows
from tfflows import bijectors, networks

tfd = tfp.distributions

STEPS = 20
EMPTY = 17  # examples whose last batch of 8, a single one, leaves replicas without any
UNEVEN = 21  # whose last batch has 3 and 2 for two replicas; for four 2, 2, 1 and none
MADE = {
    "adam": lambda **options: keras.optimizers.Adam(1e-3, **options),
    "sgd": lambda **options: keras.optimizers.SGD(1e-3, momentum=0.9, **options),
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A flow and how it is trained.

    Attributes:
      make: makes the flow.
      parts: functions of a number of examples: x, or x and labels, or x, labels and weights.
      examples: how many there are, gone through again and again.
      batch: examples of a batch, of all replicas together.
      optimizer: options of the optimizer.
      compiled: options of `compile`.
      validated: number of examples of the validation data, if there are any.
      atol: how far its variables may be from those of one device.
    """

    make: object
    parts: tuple
    examples: int = 24
    batch: int = 8
    optimizer: dict = dataclasses.field(default_factory=dict)
    compiled: dict = dataclasses.field(default_factory=dict)
    validated: int = 0
    atol: float = 1e-5

    def arrays(self, count):
        """The arrays of so many examples."""
        return tuple(part(count) for part in self.parts)

    def batches(self, count):
        """So many examples as a data set of batches, the last as it comes."""
        arrays = self.arrays(count)
        return tf.data.Dataset.from_tensor_slices(arrays).batch(self.batch)


def points(count):
    """Vectors of a skewed density."""
    rng = np.random.default_rng(1)
    return (rng.standard_normal((count, 4)) ** 2 + [0.0, 1.0, 2.0, 3.0]).astype(np.float32)


def labels(count):
    return np.random.default_rng(2).integers(0, 3, count)


def weights(count):
    return np.random.default_rng(3).uniform(0, 2, count).astype(np.float32)


def vectors(kind="nice", **options):
    return lambda: flows.trained(kind, (4,), bins=None, **options)


def glow(make=flows.fresh, **options):
    return lambda: make("glow", levels=1, depth=2, **options)


def realnvp(**options):
    return lambda: flows.trained("realnvp", levels=1, **options)


def normalized():
    """Both batch normalizations, the flow's and the networks', in one coupling of images."""
    mask = bijectors.checkerboard_mask(flows.SHAPE)
    network = networks.ResNet(2, width=4, blocks=1, mask=mask.tolist())
    network.build((None, *flows.SHAPE))
    coupling = bijectors.Coupling(
        network, bijectors.AffineTanh(), bijectors.Mask(flows.SHAPE, mask)
    )
    flow = bijectors.Composite([coupling, bijectors.BatchNorm(flows.SHAPE)])
    base = tfd.Sample(tfd.Normal(0.0, 1.0), flows.SHAPE)
    return flows.randomize(tfflows.Flow(tfd.TransformedDistribution(base, flow)))


def pictures(count):
    return flows.images(count).astype(np.float32) / flows.BINS


EMA = {"use_ema": True, "ema_momentum": 0.9}
# Biases before a batch normalization have no gradient but rounding, which Adam makes steps of.
NORMALIZED = {"atol": 2e-4}
CASES = {
    "nice": Case(vectors(), (points,), validated=EMPTY),
    "glow started by fit": Case(glow(), (flows.images,), EMPTY),
    "glow": Case(glow(flows.trained), (flows.images,), validated=UNEVEN),
    "realnvp": Case(realnvp(), (flows.images,), UNEVEN, **NORMALIZED),
    # Of which one device calls the one function for all.
    "equal couplings": Case(realnvp(depth=2), (flows.images,), **NORMALIZED),
    "realnvp of vectors": Case(vectors("realnvp"), (points,), validated=EMPTY, **NORMALIZED),
    "classes": Case(glow(classes=3, class_loss=0.1), (flows.images, labels), UNEVEN),
    "dequantizer": Case(lambda: flows.variational("nice"), (flows.images,)),
    "recomputed": Case(realnvp(recompute=True), (flows.images,), **NORMALIZED),
    "recomputed glow": Case(glow(recompute=True), (flows.images,), EMPTY),
    "an uneven batch recomputed": Case(
        vectors("realnvp", recompute=True), (points,), UNEVEN, **NORMALIZED
    ),
    # Without a last batch of 3, whose moments make much of a rounding, on one device as well.
    "batches of 7": Case(vectors("realnvp"), (points,), 28, batch=7, **NORMALIZED),
    "an empty share": Case(vectors(), (points,), EMPTY),
    "an empty share of batch norm": Case(normalized, (pictures,), EMPTY, **NORMALIZED),
    "weights": Case(vectors(), (points, labels, weights), EMPTY, validated=UNEVEN),
    "averages": Case(vectors(), (points,), optimizer=EMA),
    "averages that are taken": Case(
        vectors(), (points,), optimizer={**EMA, "ema_overwrite_frequency": 6}
    ),
    "clipnorm": Case(vectors(), (points,), optimizer={"clipnorm": 0.05}),
    "clipvalue": Case(vectors(), (points,), optimizer={"clipvalue": 0.02}),
    "global_clipnorm": Case(vectors(), (points,), EMPTY, optimizer={"global_clipnorm": 0.1}),
    "weight decay": Case(vectors(), (points,), optimizer={"weight_decay": 0.1}),
    "scaled losses": Case(vectors(), (points,), EMPTY, optimizer={"loss_scale_factor": 8.0}),
    "steps together": Case(vectors(), (points,), EMPTY, compiled={"steps_per_execution": 4}),
}


@dataclasses.dataclass
class Run:
    """What training left: the flow, the logs of the steps and the weights before the first."""

    flow: object
    history: dict
    start: list


@functools.cache
def strategy(count):
    """A strategy of the first CPUs; TensorFlow's default for one."""
    if count == 1:
        return tf.distribute.get_strategy()
    devices = [f"/cpu:{index}" for index in range(count)]
    # Collectives would get mixed up by the other strategies of the process.
    reduction = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)


def trained(name, optimizer, count):
    """The run of a case on so many devices, each step of it an epoch (or each few together)."""
    case = CASES[name]
    keras.utils.set_random_seed(0)
    with strategy(count).scope():
        flow = case.make()
        flow.compile(MADE[optimizer](**case.optimizer), jit_compile=False, **case.compiled)
    start = [v.numpy() for v in flow.variables]
    each = case.compiled.get("steps_per_execution", 1)
    history = flow.fit(
        case.batches(case.examples).repeat(),
        steps_per_epoch=each,
        epochs=STEPS // each,
        validation_freq=10,
        validation_data=case.batches(case.validated) if case.validated else None,
        verbose=0,
    ).history
    return Run(flow, history, start)


@functools.cache
def alone(name, optimizer):
    """The run of a case without a strategy."""
    return trained(name, optimizer, 1)


def state(flow):
    """The variables of a flow and its optimizer, and the counts of skipped steps, with paths."""
    variables = [*flow.variables, *flow.optimizer.variables]
    counts = [("epoch", flow._skips.of_epoch), ("row", flow._skips.in_row)]
    return [*((v.path, v.value) for v in variables), *counts]
