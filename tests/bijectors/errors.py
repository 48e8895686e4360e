"""The table of the bijectors' errors: what is called, and what the message says."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfflows.bijectors as tfb


def zeros(*shape):
    return tf.zeros(shape)


def unknown_rank():
    @tf.function(input_signature=[tf.TensorSpec(None)], autograph=False)
    def function(x):
        return tfb.ActNorm((2,)).inverse_and_log_det(x)

    function.get_concrete_function()


def split(**kwargs):
    return tfb.SplitCoupling((4,), lambda h: h, **kwargs)


def recomputed_invert():
    dropout = keras.Sequential([keras.layers.Dense(2), keras.layers.Dropout(0.5)])
    coupling = tfb.SplitCoupling((4,), dropout, "additive")
    composite = tfb.Composite([tfb.Invert(coupling)], recompute=True)
    composite.inverse_and_log_det(zeros(2, 4), training=True)


def image(channels):
    return tfb.Rescale((2, 2, channels))


# (call, type, what was expected, what was received), the last two as regular expressions.
V, T = ValueError, TypeError
ERRORS = {
    # shapes
    "no shape": (lambda: tfb.ActNorm("ab"), V, "event_shape to be a shape", "event_shape='ab'"),
    "empty shape": (lambda: tfb.Permute(()), V, "at least one dimension", r"event_shape=\(\)"),
    "zero": (lambda: tfb.ActNorm((3, 0)), V, "known and positive", r"event_shape=\(3, 0\)"),
    "unknown": (lambda: tfb.Logit((None, 2)), V, "known and positive", r"event_shape=\(None, 2\)"),
    "latent": (lambda: tfb.Reshape((4,), (-1,)), V, "latent_shape to", r"latent_shape=\(-1,\)"),
    "no image": (lambda: tfb.Squeeze((4,)), V, r"\(height, width, chan", r"event_shape=\(4,\)"),
    "odd image": (lambda: tfb.Squeeze((4, 3, 1)), V, "even height", r"event_shape=\(4, 3, 1\)"),
    "reshape": (lambda: tfb.Reshape((4,), (3,)), V, "of 4 elements", r"latent_shape=\(3,\)"),
    # numbers and names
    "no dtype": (lambda: tfb.ActNorm((2,), dtype="f"), T, "floating dtype", "dtype='f'"),
    "dtype": (lambda: tfb.ActNorm((2,), dtype=tf.int32), T, "floating dtype", "dtype=int32"),
    "seed": (lambda: tfb.InvertibleConv((2,), seed=-1), V, "int of at least 0", "seed=-1"),
    "float seed": (lambda: tfb.Permute((2,), seed=0.5), V, "seed to be an int", "seed=0.5"),
    "bool seed": (lambda: tfb.Permute((2,), seed=True), V, "seed to be an int", "seed=True"),
    "size": (lambda: tfb.Halves((4,), size=0), V, "int of at least 1", "size=0"),
    "factor": (lambda: tfb.ActNorm((2,), log_scale_factor=0), V, "0 and inf", "_factor=0$"),
    "epsilon": (lambda: tfb.BatchNorm((2,), epsilon=-1e-3), V, "epsilon to be", "epsilon=-0.001"),
    "momentum": (lambda: tfb.BatchNorm((2,), momentum=1), V, "between 0 and 1", "momentum=1"),
    "nan": (lambda: tfb.AffineTanh(float("nan")), V, "initial_scale to", "initial_scale=nan"),
    "infinite": (lambda: tfb.Rescale((2,), 1, np.inf), V, "shift to be a number", "shift=inf"),
    "text": (lambda: tfb.Rescale((2,), "2"), V, "scale to be a number", "scale='2'"),
    "zero scale": (lambda: tfb.Rescale((2,), 0), V, "scale other than zero", "scale=0"),
    "alpha": (lambda: tfb.Logit((2,), 0.5), V, "between 0 and 0.5", "alpha=0.5"),
    "negative": (lambda: tfb.Logit((2,), -0.1), V, "between 0 and 0.5", "alpha=-0.1"),
    "transform": (
        lambda: split(transform="affine"),
        V,
        r"\['additive', 'bounded', 'exp', 'gaussian', 'sigmoid', 'tanh'\]",
        "transform='affine'",
    ),
    "class": (lambda: split(transform=tfb.AffineExp), V, "transform to be one", "transform=<class"),
    "lu": (
        lambda: tfb.InvertibleConv((2,), parameterization="lu"),
        V,
        r"\['full', 'plu'\]",
        "parameterization='lu'",
    ),
    "squeeze": (lambda: tfb.Squeeze((2, 2, 1), order="raster"), V, "'diagonal'", "order='raster'"),
    "unhashable": (lambda: tfb.Squeeze((2, 2, 1), order=[0]), V, "order to be", r"order=\[0\]"),
    "permute": (lambda: tfb.Permute((3,), "random"), V, "'even_odd'", "order='random'"),
    "indices": (lambda: tfb.Permute((3,), [0, 2, 2]), V, r"range\(3\)", r"order=\[0, 2, 2\]"),
    "too few": (lambda: tfb.Permute((3,), [0, 1]), V, r"permutation of range", r"order=\[0, 1\]"),
    # partitions
    "odd": (lambda: split(size=4), V, "below the last axis, 4", "size=4"),
    "halves": (lambda: tfb.Halves((2, 2, 3)), V, "even number of ch", r"event_shape=\(2, 2, 3\)"),
    "mask shape": (
        lambda: tfb.Mask((2, 2, 3), np.ones(2)),
        V,
        r"broadcasts to \(2, 2, 3\)",
        r"mask.shape=\(2,\)",
    ),
    "mask values": (lambda: tfb.Mask((2,), [0, 2]), V, "zeros .* and ones", r"mask=\[0, 2\]"),
    "mask of ones": (lambda: tfb.Mask((2,), [1, 1]), V, "at least one zero", r"mask=\[1, 1\]"),
    "mask rank": (
        lambda: tfb.checkerboard_mask((2, 3)),
        V,
        "vector or an image",
        r"event_shape=\(2, 3\)",
    ),
    "partition": (
        lambda: tfb.BatchNorm((4,), tfb.Halves((2,))),
        V,
        r"partition of events of shape \(4,\)",
        r"partition.event_shape=\(2,\)",
    ),
    # conditioners
    "conditioner": (
        lambda: tfb.SplitCoupling((4,), "net", "exp"),
        T,
        "callable conditioner",
        "conditioner='net'",
    ),
    "parameters": (
        lambda: split(transform="exp").inverse(zeros(3, 4)),
        V,
        r"split_coupling to return the shape \[batch, 4\]",
        r"shape=\(3, 2\)",
    ),
    "condition": (
        lambda: split(transform="additive").inverse(zeros(2, 3, 4), condition=zeros(3)),
        V,
        "condition with the 2 batch dimensions",
        r"condition.shape=\(3,\)",
    ),
    # composition
    "no layers": (lambda: tfb.Composite([]), V, "at least one layer", r"layers=\[\]"),
    "no layer": (lambda: tfb.Composite([len]), T, "layers to be bijectors", "layer=<built-in"),
    "first": (lambda: tfb.Composite([tfp.bijectors.Exp()]), V, "FromTFP", r"layers\[0\]=<tfp"),
    "next": (
        lambda: tfb.Composite([image(2), image(4)]),
        V,
        r"events of shape \(2, 2, 2\) after rescale",
        r"rescale.event_shape=\(2, 2, 4\)",
    ),
    "dtypes": (
        lambda: tfb.Composite([tfb.ActNorm((2,)), tfb.ActNorm((2,), dtype=tf.float64)]),
        V,
        "one dtype",
        r"dtypes=\['float32', 'float64'\]",
    ),
    "level dtypes": (
        lambda: tfb.MultiScale([tfb.ActNorm((2, 2, 4)), tfb.ActNorm((2, 2, 2), dtype=tf.float64)]),
        V,
        "one dtype",
        r"dtypes=\['float32', 'float64'\]",
    ),
    "invert": (lambda: tfb.Invert(tfp.bijectors.Exp()), T, "tfflows bijector", "bijector=<tfp"),
    "recomputed invert": (recomputed_invert, V, "inside an Invert", "split_coupling"),
    "from tfp": (lambda: tfb.FromTFP((2,), tf.exp), T, "tfp bijector", "bijector=<func"),
    "no levels": (lambda: tfb.MultiScale([]), V, "at least one level", r"levels=\[\]"),
    "odd level": (
        lambda: tfb.MultiScale([image(3), image(1)]),
        V,
        "even number of channels",
        r"rescale.latent_shape=\(2, 2, 3\)",
    ),
    "vector level": (
        lambda: tfb.MultiScale([tfb.Rescale((4,)), image(1)]),
        V,
        "whose latent is an image",
        r"rescale.latent_shape=\(4,\)",
    ),
    "next level": (
        lambda: tfb.MultiScale([image(4), image(4)]),
        V,
        r"events of shape \(2, 2, 2\) after rescale",
        r"rescale.event_shape=\(2, 2, 4\)",
    ),
    # values
    "value": (
        lambda: tfb.ActNorm((2, 2)).inverse_and_log_det(zeros(3, 2)),
        V,
        r"x of shape \[\*batch, 2, 2\]",
        r"x.shape=\(3, 2\)",
    ),
    "rank": (
        lambda: tfb.Squeeze((2, 2, 1)).forward_and_log_det(zeros(4)),
        V,
        r"z of shape \[\*batch, 1, 1, 4\]",
        r"z.shape=\(4,\)",
    ),
    "inverse": (lambda: tfb.Permute((2,)).inverse(zeros(3, 5)), V, "x of shape", r"x.shape=\(3, 5"),
    "forward": (lambda: tfb.Permute((2,)).forward(zeros(3, 5)), V, "z of shape", r"z.shape=\(3, 5"),
    "unknown rank": (unknown_rank, V, r"x of shape \[\*batch, 2\]", "x.shape=<unknown>"),
    "value dtype": (
        lambda: tfb.ActNorm((2,)).inverse_and_log_det(tf.zeros([3, 2], tf.float64)),
        T,
        "x of dtype float32, the dtype of act_norm",
        "x.dtype=float64",
    ),
    "event shape": (
        lambda: tfb.ActNorm((2,)).forward_event_shape([3, 4]),
        V,
        r"event of shape \(2,\)",
        r"shape=\(3, 4\)",
    ),
    "no data": (lambda: tfb.ActNorm((2,)).initialize(zeros(0, 2)), V, "batch with data", "x.shape"),
    # what no argument should be
    "bool shape": (lambda: tfb.Permute((True, 2)), V, "to be a shape", r"event_shape=\(True, 2\)"),
    "bytes": (lambda: tfb.Permute(b"ab"), V, "to be a shape", "event_shape=b'ab'"),
    "vast": (lambda: tfb.Permute((2**40,)), V, "of at most 2147483647 elements", r"_shape=\(1099"),
    "number dtype": (lambda: tfb.ActNorm((2,), dtype=1), T, "floating dtype", "dtype=1"),
    "8 bits": (lambda: tfb.DiagonalScale((2,), dtype="float8_e5m2"), T, "floating", "float8_e5m2"),
    "None dtype": (lambda: tfb.BatchNorm((2,), dtype=None), T, "floating dtype", "dtype=None"),
    "array dtype": (lambda: tfb.ActNorm((2,), dtype=np.ones(2)), T, "floating", r"dtype=array\("),
    "small": (lambda: tfb.Rescale((2,), np.float32(np.inf)), V, "scale to be", "scale=np.float32"),
    "name": (lambda: tfb.Permute((2,), name=3), T, "name to be a string, or None", "name=3"),
    "large scale": (lambda: tfb.Rescale((2,), 10**400), V, "scale to be a number", "scale=1000"),
    "False alpha": (lambda: tfb.Logit((2,), False), V, "between 0 and 0.5", "alpha=False"),
    "array alpha": (lambda: tfb.Logit((2,), np.zeros(2)), V, "between 0 and", r"alpha=array\(\["),
    "ragged order": (
        lambda: tfb.Permute((2,), [[0], [0, 1]]),
        V,
        r"range\(2\)",
        r"order=\[\[0\], ",
    ),
    "text order": (lambda: tfb.Permute((2,), ["a", "b"]), V, r"range\(2\)", r"order=\['a', 'b'\]"),
    "text mask": (lambda: tfb.Mask((2,), ["a", "b"]), V, "mask of zeros", r"mask=\['a', 'b'\]"),
    "no partition": (lambda: tfb.BatchNorm((2,), 3), T, "Halves or a Mask", "partition=3"),
    "partition of coupling": (lambda: tfb.Coupling(len, "exp", (2,)), T, "Halves", r"=\(2,\)"),
    "layers": (lambda: tfb.Composite(3), T, "layers to be a sequence", "layers=3"),
    "levels": (lambda: tfb.MultiScale(None), T, "levels to be a sequence", "levels=None"),
    "no value": (lambda: tfb.Permute((2,)).forward_and_log_det(None), T, "z to be a ten", "z=None"),
    "no mean square": (lambda: tfb.DiagonalScale((2,)).initialize(zeros(0, 2)), V, "data", "x.sha"),
    "no moments": (lambda: tfb.BatchNorm((2,)).initialize(zeros(0, 2)), V, "batch with", "x.shape"),
}
