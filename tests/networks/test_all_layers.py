"""What every public layer of tfflows.networks must do, over the registry."""

import ast
import inspect
import math
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.networks.registry import ROWS, inputs, make
from tfflows import networks

ALL = sorted(ROWS)
CONDITIONED = [name for name in ALL if ROWS[name].takes_condition]
BASE_CONFIG = {"name", "trainable", "dtype"}


def values(variables):
    return [v.numpy().copy() for v in variables]


def test_registry_and_all_are_complete():
    public = {name for name, value in vars(networks).items() if inspect.isclass(value)}
    assert set(ALL) == set(networks.__all__) == public


def test_package_imports_only_tensorflow_keras_and_itself():
    allowed = {"tensorflow", "keras", "numpy", "functools", "math", "numbers", "random", "tfflows"}
    for path in pathlib.Path(networks.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in allowed, path
                assert not name.startswith("tfflows.") or name.startswith("tfflows.networks")


@pytest.mark.parametrize("name", ALL)
def test_config_follows_signature_and_rebuilds(name):
    layer = make(name)
    arguments = set(inspect.signature(type(layer).__init__).parameters) - {"self", "kwargs"}
    assert set(layer.get_config()) - BASE_CONFIG == arguments
    for argument in arguments & set(ROWS[name].arguments):
        # Equal, not identical: Keras rebuilds the tuples it is given.
        np.testing.assert_array_equal(getattr(layer, argument), ROWS[name].arguments[argument])
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(twin) is type(layer)
    assert twin.get_config() == layer.get_config()


@pytest.mark.parametrize("name", ALL)
def test_build_makes_every_variable(name):
    layer = make(name, randomize=False)
    assert layer.built
    before = [v.path for v in layer.weights]
    layer(inputs(name))
    assert [v.path for v in layer.weights] == before
    assert len(set(before)) == len(before)
    assert all(sub.built for sub in layer._flatten_layers())


@pytest.mark.parametrize("name", ALL)
def test_call_builds_the_same_variables(name):
    lazy = ROWS[name].cls(**ROWS[name].arguments)
    lazy(inputs(name))
    shapes = [(v.name, v.shape) for v in lazy.weights]
    assert shapes == [(v.name, v.shape) for v in make(name).weights]


@pytest.mark.parametrize("name", ALL)
def test_every_trainable_variable_matters(name):
    layer, x = make(name, dtype="float64"), inputs(name, dtype="float64")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(layer(x)))
    gradients = tape.gradient(loss, [v.value for v in layer.trainable_variables])
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        assert gradient is not None and np.any(np.abs(gradient) > 1e-9), variable.path


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_graph_and_xla_equal_eager_for_any_batch_size(name, training):
    layer, x = make(name), inputs(name)
    options = {"training": training} if ROWS[name].takes_condition else {}
    expected = layer(x, **options)
    spec = [tf.TensorSpec((None, *x.shape[1:]))]
    graph = tf.function(lambda x: layer(x, **options), input_signature=spec)
    xla = tf.function(lambda x: layer(x, **options), jit_compile=True)
    np.testing.assert_allclose(graph(x), expected, atol=1e-5)
    np.testing.assert_allclose(xla(x), expected, atol=1e-5)
    assert graph(x[:2]).shape[0] == 2


@pytest.mark.parametrize("name", ALL)
def test_dtype_policies(name):
    x = inputs(name)
    layer, half, double = (make(name, dtype=d) for d in ("float32", "mixed_bfloat16", "float64"))
    for other, dtype, variables in ((half, "bfloat16", "float32"), (double,) + ("float64",) * 2):
        other.set_weights(layer.get_weights())
        assert {v.dtype for v in other.weights} <= {variables, "bool"}
        outputs = other(x)
        assert outputs.dtype == dtype
        if dtype == "float64":
            np.testing.assert_allclose(layer(x), outputs, atol=1e-4)
        error = np.abs(layer(x) - tf.cast(outputs, tf.float32))
        assert np.max(error) < 0.05 * np.max(np.abs(layer(x)))
        assert other.initialize(x).dtype == dtype if hasattr(other, "initialize") else True


@pytest.mark.parametrize("name", ALL)
def test_evaluation_assigns_nothing(name):
    layer = make(name)
    before = values(layer.weights)
    layer(inputs(name))
    for a, b in zip(before, values(layer.weights), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ALL)
def test_saves_and_loads_in_a_model(name, tmp_path):
    layer, x = make(name), inputs(name)
    if hasattr(layer, "initialize"):
        layer.initialize(x)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert len(loaded.weights) == len(layer.weights)
    for a, b in zip(values(loaded.weights), values(layer.weights), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.parametrize("condition_shape", [(6, 2), "like inputs"])
@pytest.mark.parametrize("name", CONDITIONED)
def test_condition_changes_outputs(name, condition_shape):
    if condition_shape == "like inputs":
        condition_shape = (*ROWS[name].shape[:-1], 2)
    layer, x = make(name, condition_shape=(None, *condition_shape[1:])), inputs(name)
    rng = np.random.default_rng(3)
    one, two = rng.standard_normal((2, *condition_shape))
    assert np.max(np.abs(layer(x, condition=one) - layer(x, condition=two))) > 1e-2
    layer.initialize(x, condition=one)
    two[1:] = one[1:]
    change = np.abs(layer(x, condition=one) - layer(x, condition=two))
    assert np.max(change[0]) > 1e-2
    np.testing.assert_allclose(change[1:], 0.0, atol=1e-5)
    integers = layer(x, condition=np.ones(condition_shape, np.int32))
    np.testing.assert_array_equal(layer(x, condition=np.ones(condition_shape)), integers)


@pytest.mark.parametrize("name", CONDITIONED)
def test_initialize_builds_for_inputs_and_condition(name):
    layer = ROWS[name].cls(**ROWS[name].arguments)
    x, condition = inputs(name), np.ones((6, 2), np.float32)
    outputs = layer.initialize(x, condition=condition)
    assert layer.built
    np.testing.assert_allclose(layer(x, condition=condition), outputs, atol=1e-5)


@pytest.mark.parametrize("name", CONDITIONED)
def test_condition_that_does_not_fit(name):
    x, built = inputs(name), make(name, condition_shape=(None, 2))
    with pytest.raises(ValueError, match="Expected a condition of 2 .*Received: condition=None"):
        built(x)
    with pytest.raises(ValueError, match=r"Expected a condition of 2 .*\.shape=\(6, 3\)"):
        built(x, condition=np.ones((6, 3)))
    with pytest.raises(ValueError, match=r"Expected a condition \[batch, k\].*\.shape=\(5, 2\)"):
        built(x, condition=np.ones((5, 2)))
    with pytest.raises(ValueError, match=r"Expected a condition \[batch, k\].*\.shape=\(6,\)"):
        built(x, condition=np.ones(6))
    with pytest.raises(ValueError, match=r"Expected a condition \[batch, k\].*\(6, 3, 2\)"):
        built(x, condition=np.ones((6, 3, 2)))
    with pytest.raises(ValueError, match=r"with \(0: none\)\. Received: condition.shape=\(6, 2\)"):
        make(name)(x, condition=np.ones((6, 2)))


BAD_ARGUMENTS = [
    (networks.ActNorm, {"log_scale_factor": 0.0}, "log_scale_factor=0.0"),
    (networks.ConvNet, {"channels_out": 0}, "channels_out=0"),
    (networks.ConvNet, {"channels_out": 2, "width": 2.5}, "width=2.5"),
    (networks.ConvNet, {"channels_out": 2, "depth": 0}, "depth=0"),
    (networks.EdgeBiasConv2D, {"filters": -1}, "filters=-1"),
    (networks.EdgeBiasConv2D, {"filters": 2, "kernel_size": 2}, "kernel_size=2"),
    (networks.MLP, {"units": True}, "units=True"),
    (networks.MLP, {"units": 2, "hidden": (3, 0)}, r"hidden=\(3, 0\)"),
    (networks.MLP, {"units": 2, "hidden": 3}, "hidden=3"),
    (networks.MLP, {"units": 2, "dropout": 1.0}, "dropout=1.0"),
    (networks.MLP, {"units": 2, "dropout": "half"}, "dropout='half'"),
    (networks.PriorNet, {"filters": 0}, "filters=0"),
    (networks.ResNet, {"channels_out": "2"}, "channels_out='2'"),
    (networks.ResNet, {"channels_out": 2, "blocks": 0}, "blocks=0"),
    (networks.ResNet, {"channels_out": 2, "width": 0}, "width=0"),
    (networks.ResNet, {"channels_out": 2, "mask": np.ones(3)}, r"mask.shape=\(3,\)"),
    (networks.ResNet, {"channels_out": 2, "mask": np.ones((4, 4, 2))}, r"mask.shape=\(4, 4, 2\)"),
    (networks.WeightNormConv2D, {"filters": 0}, "filters=0"),
    (networks.WeightNormConv2D, {"filters": 2, "zero_init": True}, "use_magnitude=False"),
    (networks.ZeroConv2D, {"filters": None}, "filters=None"),
    (networks.ZeroDense, {"units": 1.5}, "units=1.5"),
    (networks.ActNorm, {"log_scale_factor": "3"}, "log_scale_factor='3'"),
    (networks.ZeroConv2D, {"filters": 2, "log_scale_factor": math.nan}, "log_scale_factor=nan"),
    (networks.ZeroDense, {"units": 2, "log_scale_factor": None}, "log_scale_factor=None"),
    (networks.MLP, {"units": 2, "hidden": b"2"}, "hidden=b'2'"),
    (networks.MLP, {"units": 2, "hidden": ""}, "hidden=''"),
    (networks.MLP, {"units": 2, "hidden": {}}, "hidden={}"),
    (networks.MLP, {"units": 2, "dropout": False}, "dropout=False"),
    (networks.MLP, {"units": 2, "activation": "rulo"}, "activation='rulo'"),
    (networks.MLP, {"units": 2, "kernel_initializer": 3}, "kernel_initializer=3"),
    (
        networks.EdgeBiasConv2D,
        {"filters": 2, "kernel_initializer": "no"},
        "kernel_initializer='no'",
    ),
    (networks.ResNet, {"channels_out": 2, "input_gain": 10**400}, "input_gain=1000"),
    (networks.ResNet, {"channels_out": 2, "mask": 1e300}, r"mask=1e\+300"),
    (networks.ResNet, {"channels_out": 2, "mask": "checkers"}, "mask='checkers'"),
    (networks.ResNet, {"channels_out": 2, "mask": [[0, 2]]}, r"mask=\[\[0, 2\]\]"),
]


@pytest.mark.parametrize(("cls", "arguments", "received"), BAD_ARGUMENTS)
def test_bad_arguments(cls, arguments, received):
    with pytest.raises(ValueError, match=f"Expected .*Received: {received}"):
        cls(**arguments)


@pytest.mark.parametrize("name", ALL)
def test_bad_inputs(name):
    row = ROWS[name]
    inner = row.shape[1:-1]
    for shape in ((3,), 3, None, (None, *inner, None), (None, *inner, 0), (None, *inner, 2.5)):
        with pytest.raises(ValueError, match="Expected inputs .*Received: inputs_shape="):
            row.cls(**row.arguments).build(shape)


def test_mask_of_another_size_than_the_inputs():
    net = networks.ResNet(2, mask=np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"Expected a mask .*\(4, 4\).*mask.shape=\(4, 2\)"):
        net.build((None, 4, 4, 3))
