"""Bad data in a `tf.data.Dataset`: an error that says which element, whatever the device does."""

import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows
from tests.models.bad_data import FLOATS, LOOPS, X, Y, batched, compiled, put, raised
from tfflows.models import streams, workers

WEIGHTS = np.ones(24, np.float32)
NAN = (
    "Expected finite values in x. Received: x[5, 1, 2, 0]=nan, example 5 of batch 1, counted from 0"
)


@pytest.fixture(scope="module")
def plain():
    return compiled(flows.trained("nice"))


INTEGERS = "Expected integers from 0 to 16 in x. Received: "
VALUES = {
    "nan": (lambda: put(FLOATS, (13, 1, 2, 0), np.nan), NAN),
    "inf": (lambda: put(FLOATS, (13, 1, 2, 0), np.inf), NAN.replace("nan", "inf")),
    "minus inf": (lambda: put(FLOATS, (13, 1, 2, 0), -np.inf), NAN.replace("nan", "-inf")),
    "half": (lambda: put(FLOATS, (13, 1, 2, 0), np.nan, np.float16), NAN),
    "double": (lambda: put(FLOATS, (13, 1, 2, 0), np.nan, np.float64), NAN),
    "the first of two": (lambda: put(FLOATS, ([13, 14], [1, 0], [2, 0], 0), np.nan), NAN),
    "uint8": (
        lambda: put(X, (23, 3, 3, 0), 17),
        f"{INTEGERS}x[7, 3, 3, 0]=17, example 7 of batch 2, counted from 0",
    ),
    "int8": (
        lambda: put(X, (0, 0, 0, 0), -1, np.int8),
        f"{INTEGERS}x[0, 0, 0, 0]=-1, example 0 of batch 0, counted from 0",
    ),
    "int32": (
        lambda: put(X, (8, 0, 1, 0), -5, np.int32),
        f"{INTEGERS}x[0, 0, 1, 0]=-5, example 0 of batch 1, counted from 0",
    ),
    "int64": (
        lambda: put(X, (8, 0, 1, 0), 2**40, np.int64),
        f"{INTEGERS}x[0, 0, 1, 0]=1099511627776, example 0 of batch 1, counted from 0",
    ),
    "uint64": (
        lambda: put(X, (8, 0, 1, 0), 2**64 - 1, np.uint64),
        f"{INTEGERS}x[0, 0, 1, 0]=18446744073709551615, example 0 of batch 1, counted from 0",
    ),
}


@pytest.mark.parametrize("case", VALUES)
def test_values(case, plain):
    make, message = VALUES[case]
    assert raised(lambda: plain.predict(batched(make()), verbose=0)) == message
    # In all the forms of an element, and as validation data.
    for data in ((make(), WEIGHTS), (make(), WEIGHTS, WEIGHTS)):
        assert raised(lambda data=data: plain.evaluate(batched(data), verbose=0)) == message
    message = message.replace(" in x.", " in x of validation_data.")
    validation = {"validation_data": batched(make()), "epochs": 2, "verbose": 0}
    assert raised(lambda: plain.fit(batched(X), **validation)) == message


@pytest.mark.parametrize(
    "options", [{}, {"jit_compile": True}, {"steps_per_execution": 3}], ids=str
)
def test_every_loop(options):
    """Without XLA and with it; more steps in one call than there are before the bad batch."""
    flow = compiled(flows.trained("nice"), **options)
    bad = batched(put(FLOATS, (13, 1, 2, 0), np.nan))
    for loop in LOOPS:
        call = getattr(flow, loop)
        assert raised(lambda call=call: call(bad, verbose=0)) == NAN
    assert raised(lambda: flow.fit(bad, epochs=3, steps_per_epoch=3, verbose=0)) == NAN
    assert np.isfinite(flow.predict(batched(FLOATS), verbose=0)).all()  # and goes on


@pytest.mark.parametrize("together", [1, 3])
def test_two_replicas(together, two_replicas):
    with two_replicas.scope():
        flow = compiled(flows.trained("nice"), steps_per_execution=together)
        bad = batched(put(FLOATS, (13, 1, 2, 0), np.nan))
        # Keras' loop of steps cannot hold the collectives of CPUs, this strategy's.
        for loop in LOOPS if together == 1 else LOOPS[1:]:
            call = getattr(flow, loop)
            assert raised(lambda call=call: call(bad, verbose=0)) == NAN
        none = batched(X).filter(lambda x: False)
        assert raised(lambda: flow.evaluate(none, verbose=0)).startswith("Expected at least one")


@pytest.mark.parametrize("size", [7, 8, 23])
def test_the_shares_of_replicas_stay(size, plain, two_replicas):
    """The last batches of 3, none and 1 examples among them."""
    data = batched(put(X, (0,), 0, np.int32), size)
    checked = streams.Stream(plain, data).dataset
    shares = []
    for dataset in (data, checked, data.filter(lambda x: True)):
        distributed = two_replicas.experimental_distribute_dataset(dataset)
        parts = [two_replicas.experimental_local_results(batch) for batch in distributed]
        shares.append([[len(part) for part in batch] for batch in parts])
    assert shares[0] == shares[1] == shares[2]


def test_what_stays(plain):
    for data in (
        batched(FLOATS),
        batched(FLOATS).repeat(),
        batched(FLOATS).take(2).prefetch(1),
        tf.data.Dataset.from_tensor_slices(FLOATS).batch(8, drop_remainder=True),
        tf.data.Dataset.from_tensors((FLOATS,)),
        tf.data.Dataset.from_tensors((FLOATS, None, WEIGHTS)),
        tf.data.Dataset.from_tensors((FLOATS, {"anything": tf.ragged.constant([[1], [2, 3]])})),
        batched(FLOATS).filter(lambda x: True),
    ):
        checked = streams.Stream(plain, data).dataset
        assert checked is not data and checked.element_spec == data.element_spec
        assert checked.cardinality() == data.cardinality()
        seen, given = (tf.nest.flatten(next(iter(dataset)))[0] for dataset in (checked, data))
        np.testing.assert_array_equal(seen, given)


def test_nothing_is_looked_for_that_cannot_be():
    flow = flows.fresh("nice", bins=256)
    for data in (batched(X), batched((X, Y)), batched(X).repeat()):
        assert streams.Stream(flow, data).dataset is data


def test_a_flow_that_starts_from_its_data():
    flow = compiled(flows.small("glow"))
    bad = batched(put(FLOATS, (5, 1, 2, 0), np.nan))
    assert raised(lambda: flow.fit(bad, verbose=0)) == NAN.replace("batch 1", "batch 0")
    assert not flow.initialized


def test_calibration_and_moments(plain):
    bad = put(FLOATS, (13, 1, 2, 0), np.nan)
    assert raised(lambda: plain.calibrate(batched(bad))) == NAN
    flow = flows.trained("realnvp", levels=1)
    before = [v.numpy() for v in flow.variables]
    message = NAN.replace(" in x.", " in x of data.")
    assert raised(lambda: tfflows.update_moments(flow, batched(bad))) == message
    assert raised(lambda: tfflows.update_moments(flow, [bad[:8], bad[8:]])) == message
    for value, variable in zip(before, flow.variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())


def test_steps_on_tensors(plain):
    bad = tf.constant(put(FLOATS, (13, 1, 2, 0), np.nan))
    message = (
        "Expected finite values in x. Received: 1 of 384 not finite, the first x[13, 1, 2, 0]=nan"
    )
    for loop in LOOPS:
        call = getattr(plain, loop)
        assert raised(lambda call=call: call(bad, verbose=0)) == message
    assert raised(lambda: plain.train_on_batch(bad)) == message
    flow = compiled(flows.trained("nice"), jit_compile=True)  # which cannot see it
    assert flow.train_on_batch(bad, return_dict=True)["skipped_steps"] == 1


def test_data_that_are_distributed_already(two_replicas):
    with two_replicas.scope():
        flow = compiled(flows.trained("nice"))
    data = two_replicas.experimental_distribute_dataset(batched(put(FLOATS, 3, np.nan)))
    assert raised(lambda: flow.evaluate(data, verbose=0)) == (
        "Expected finite values in x. "
        "Received: others, in a batch of data that cannot be looked through"
    )


def test_several_workers_share_the_files(plain, tmp_path, monkeypatch):
    """What numbers the batches would keep TensorFlow from it, so they have no numbers."""
    distribute = pytest.importorskip("tensorflow.python.data.experimental.ops.distribute")
    files = [str(tmp_path / f"{k}.tfrecord") for k in range(2)]
    for file, images in zip(files, np.split(put(FLOATS, (13, 1, 2, 0), np.nan), 2), strict=True):
        with tf.io.TFRecordWriter(file) as writer:
            for image in images:
                writer.write(image.tobytes())
    records = tf.data.TFRecordDataset(files)
    data = records.map(lambda r: tf.reshape(tf.io.decode_raw(r, tf.float32), (4, 4, 1))).batch(6)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.FILE
    monkeypatch.setattr(workers, "are_several", lambda strategy: True)
    stream = streams.Stream(plain, data.with_options(options))
    first = distribute._AutoShardDataset(stream.dataset, 2, 0)
    np.testing.assert_array_equal(np.concatenate(list(first)), FLOATS[:12])
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        list(distribute._AutoShardDataset(stream.dataset, 2, 1))
    assert str(stream.explain(caught.value)) == (
        "Expected finite values in x. Received: x[1, 1, 2, 0]=nan, example 1 of a batch"
    )
