"""`check_servable`: silent on our exports, and a sentence for each thing that a server refuses."""

import os
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.models import flows

ROWS = tf.TensorSpec([None, 3], name="x")


def saved(folder, function, specs=(ROWS,), tags=None, attributes=(), default="serving_default"):
    """Saves a function as a model with one signature, and returns what is wrong with it."""
    module = tf.Module()
    module.attributes = list(attributes)
    traced = hasattr(function, "get_concrete_function")
    module.function = function if traced else tf.function(function)
    concrete = module.function.get_concrete_function(*specs)
    tf.saved_model.save(module, str(folder / "1"), signatures={default: concrete})
    if tags is not None:
        retag(folder / "1" / "saved_model.pb", tags)
    return tfflows.check_servable(folder / "1")


def retag(file, tags):
    from tfflows.export import protos

    proto = protos.read(file.parent)
    del proto.meta_graphs[0].meta_info_def.tags[:]
    proto.meta_graphs[0].meta_info_def.tags.extend(tags)
    file.write_bytes(proto.SerializeToString())


def only(problems, text):
    assert len(problems) == 1 and text in problems[0], problems


@pytest.mark.parametrize("name", flows.NAMES)
def test_nothing_is_wrong_with_an_export(name, tmp_path):
    flow = flows.trained(name)
    flow.calibrate(flows.images(10))
    path = tfflows.export_saved_model(flow, tmp_path)
    assert tfflows.check_servable(path) == tfflows.check_servable(str(path)) == []


def test_nothing_is_wrong_with_random_numbers_of_a_fed_seed(tmp_path):
    def sample(seed):
        draw = lambda row: tf.random.stateless_normal([3], row)  # noqa: E731
        return {"y": tf.map_fn(draw, seed, fn_output_signature=tf.float32)}

    assert saved(tmp_path, sample, [tf.TensorSpec([None, 2], tf.int32, "seed")]) == []


def test_a_raw_keras_save(tmp_path):
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    tf.saved_model.save(model, str(tmp_path / "1"))
    only(tfflows.check_servable(tmp_path / "1"), "Loading does not restore the variables")
    model.export(str(tmp_path / "2"), verbose=False)
    assert tfflows.check_servable(tmp_path / "2") == []


def test_operations_of_python(tmp_path):
    def python(x):
        return {"y": tf.ensure_shape(tf.numpy_function(np.exp, [x], tf.float32), [None, 3])}

    only(saved(tmp_path, python), "serving_default: The operations PyFunc need Python.")


@pytest.mark.parametrize("depth", [0, 1])
def test_functions_that_xla_must_compile(depth, tmp_path):
    compiled = tf.function(lambda x: {"y": x + 1}, jit_compile=True)
    function = compiled if depth == 0 else lambda x: compiled(x)
    only(saved(tmp_path, function), "must be compiled by XLA")


def _generator():
    return tf.random.Generator.from_seed(1)


def _by_global_seed(x):
    return x + tf.random.normal(tf.shape(x))


def _by_constant(x):
    return x + tf.random.stateless_uniform(tf.shape(x), [1, 2])


def _row_by_row(x):
    return tf.map_fn(lambda row: row + tf.random.stateless_normal([3], [1, 2]), x)


def _in_a_branch(x):
    return tf.cond(tf.shape(x)[0] > 3, lambda: _by_constant(x), lambda: x)


@pytest.mark.parametrize("draw", [_by_global_seed, _by_constant, _row_by_row, _in_a_branch])
def test_seeds_in_the_graph(draw, tmp_path):
    tf.random.set_seed(1)
    only(saved(tmp_path, lambda x: {"y": draw(x)}), "every restart repeats them")


def test_seeds_in_a_variable(tmp_path):
    generator = _generator()
    problems = saved(
        tmp_path, lambda x: {"y": x + generator.normal(tf.shape(x))}, attributes=[generator]
    )
    only(problems, "every restart repeats them")


def test_what_cannot_be_merged_or_written_as_json(tmp_path):
    scalar = saved(tmp_path / "a", lambda x: {"y": tf.reduce_sum(x)})
    only(scalar, "The output y of shape [] has no open number of rows.")
    fixed = saved(tmp_path / "b", lambda x: {"y": x}, [tf.TensorSpec([2, 3], name="x")])
    assert [p.split(": ")[1].split(" of")[0] for p in fixed] == ["The input x", "The output y"]
    half = saved(tmp_path / "c", lambda x: {"y": tf.cast(x, tf.bfloat16)})
    only(half, "The output y is DT_BFLOAT16, which JSON cannot carry.")
    mute = saved(tmp_path / "d", lambda: {"y": tf.zeros([1])}, [])
    assert any("There is no input" in problem for problem in mute)


def test_tags_and_names(tmp_path):
    plain = lambda x: {"y": x}  # noqa: E731
    only(saved(tmp_path / "a", plain, tags=["train"]), "only with [['train']]")
    only(saved(tmp_path / "b", plain, tags=["serve", "gpu"]), "exactly the tag serve")
    only(saved(tmp_path / "c", plain, default="other"), "no signature serving_default")


def test_folders(tmp_path):
    assert saved(tmp_path, lambda x: {"y": x}) == []
    shutil.copytree(tmp_path / "1", tmp_path / "newest")
    only(tfflows.check_servable(tmp_path / "newest"), "'newest' is no version number")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    os.symlink(secret, tmp_path / "1" / "assets" / "link")
    only(tfflows.check_servable(tmp_path / "1"), "assets/link leads out of the folder")
    with pytest.raises(ValueError, match="a folder with saved_model.pb. Received: path="):
        tfflows.check_servable(tmp_path / "nothing")
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(ValueError, match="a folder with saved_model.pb. Received: path="):
        tfflows.check_servable(tmp_path / "1")
