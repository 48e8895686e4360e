"""SavedModels for serving: plain TensorFlow graphs with one form of signature for all flows."""

import numbers
import os
import pathlib
import shutil
import uuid

import tensorflow as tf

from tfflows import metrics, models


def export_saved_model(flow, base_dir, version=None):
    """Writes a flow as a SavedModel that TensorFlow Serving and other engines load.

    Signatures, B any batch size, outputs float32, row i of an output from row i of the inputs only,
    so that a server may merge requests:

    ```
    log_prob (serving_default)   x float32 [B, *event_shape] -> log_prob [B], bits_per_dim [B]
    log_prob_integers            x int32 [B, *event_shape]   -> log_prob [B], bits_per_dim [B]
    encode                       x float32 [B, *event_shape] -> z [B, *latent_shape], log_prob [B]
    decode                       z float32 [B, *latent_shape] -> x [B, *event_shape]
    sample                       seed int32 [B, 2], temperature float32 [B] -> x [B, *event_shape]
    ```

    `log_prob_integers` is there where the flow has `bins`; it adds the noise of `flow.log_prob`
    and gives NaN for a datum with integers outside `0 ... bins - 1`. `encode`, `decode` and
    `sample` are there where the flow has latents, that is where its distribution is a
    `TransformedDistribution`. `sample` with the seed `[k, 0]` is `flow.sample(1, seed=k)`.

    The graphs need neither Keras nor Python, and each variable is stored once. The folder is
    written beside its place and renamed, so that a server never sees half of it.

    Args:
      flow: A `Flow` without a condition, its data-dependent parts started.
      base_dir: Folder of the versions, on a local disk; made if it is not there.
      version: Int of at least 0, the name of the new folder in `base_dir`; None for 1 above the
        highest there.

    Returns:
      Path of the SavedModel, `base_dir/version`.

    Raises:
      TypeError: if `flow` is none.
      ValueError: if the flow is conditional or has not been started, `base_dir` is a file, or the
        version is negative or there already.
    """
    _check_flow(flow)
    base = pathlib.Path(base_dir)
    version = _next_version(base, version)
    signatures = _Signatures(flow)
    base.mkdir(parents=True, exist_ok=True)
    # Not a number, so never served; on the same disk, so that renaming is atomic.
    partial = base / f".partial-{version}-{uuid.uuid4().hex}"
    try:
        tf.saved_model.save(signatures, str(partial), signatures=signatures.concrete())
        os.rename(partial, base / str(version))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return base / str(version)


class _Signatures(tf.Module):
    """A flow's functions of batches, over its raw variables.

    A Keras model inside would be saved with Keras' own view of the variables, which Session engines
    cannot find. So Keras' objects stay in Python's closures, out of the attributes.
    """

    def __init__(self, flow):
        super().__init__(name="flow")
        self.flow_variables = list({id(v.value): v.value for v in flow.variables}.values())
        self._functions = {"log_prob": self._log_prob(flow)}
        if flow.bins is not None:
            self._functions["log_prob_integers"] = self._log_prob_integers(flow)
        if flow.latent_shape is not None:
            self._functions["encode"] = self._encode(flow)
            self._functions["decode"] = self._decode(flow)
            self._functions["sample"] = self._sample(flow)

    def concrete(self):
        """Returns the signatures by name."""
        return {**self._functions, "serving_default": self._functions["log_prob"]}

    def _log_prob(self, flow):
        def log_prob(x):
            return _densities(flow, flow.log_prob(tf.cast(x, flow.variable_dtype)))

        return _traced(log_prob, x=(tf.float32, flow.event_shape))

    def _log_prob_integers(self, flow):
        axes = list(range(1, 1 + len(flow.event_shape)))

        def log_prob_integers(x):
            inside = tf.reduce_all((x >= 0) & (x < flow.bins), axes)
            log_prob = flow.log_prob(x)
            nan = tf.constant(float("nan"), log_prob.dtype)
            return _densities(flow, tf.where(inside, log_prob, nan))

        return _traced(log_prob_integers, x=(tf.int32, flow.event_shape))

    def _encode(self, flow):
        def encode(x):
            z, log_prob = flow.encode_and_log_prob(tf.cast(x, flow.variable_dtype))
            return {"z": z, "log_prob": log_prob}

        return _traced(encode, x=(tf.float32, flow.event_shape))

    def _decode(self, flow):
        def decode(z):
            return {"x": flow.decode(z)}

        return _traced(decode, z=(tf.float32, flow.latent_shape))

    def _sample(self, flow):
        base = flow.distribution.distribution
        rank = len(flow.latent_shape)

        def sample(seed, temperature):
            # Row by row: a draw of the whole batch from one seed would depend on the batch's size.
            z = tf.map_fn(lambda row: base.sample(seed=row), seed, fn_output_signature=base.dtype)
            z = tf.ensure_shape(z, [None, *flow.latent_shape])
            scale = tf.reshape(tf.cast(temperature, z.dtype), [-1] + [1] * rank)
            return {"x": flow.decode(base.mean() + scale * (z - base.mean()))}

        return _traced(sample, seed=(tf.int32, (2,)), temperature=(tf.float32, ()))


def _densities(flow, log_prob):
    return {"log_prob": log_prob, "bits_per_dim": metrics.bits_per_dim(log_prob, flow.event_shape)}


def _traced(function, **inputs):
    """Traces a function of batches; inputs are `name=(dtype, shape of a row)`."""
    specs = {n: tf.TensorSpec([None, *shape], dtype, n) for n, (dtype, shape) in inputs.items()}

    @tf.function(autograph=False)
    def checked(**values):
        # A Session does not compare what it is fed with the signature's shapes.
        values = {n: tf.ensure_shape(v, specs[n].shape, name=n) for n, v in values.items()}
        return {n: tf.cast(v, tf.float32) for n, v in function(**values).items()}

    return checked.get_concrete_function(**specs)


def _check_flow(flow):
    if not isinstance(flow, models.Flow):
        raise TypeError(f"Expected a tfflows.Flow. Received: flow={flow!r}")
    for name in ("condition_shape", "classes"):
        if getattr(flow, name, None) is not None:
            raise ValueError(
                "Expected a flow without a condition: the export of conditional flows is not "
                f"supported yet. Received: {name}={getattr(flow, name)!r}"
            )
    if not flow.initialized:
        raise ValueError(
            "Expected a flow whose data-dependent parts have been started, by fit, initialize or "
            "loaded weights. Received: initialized=False"
        )


def _next_version(base, version):
    """Returns the version to write, after a look at those that are there."""
    if base.exists() and not base.is_dir():
        raise ValueError(f"Expected base_dir to be a folder. Received: base_dir={str(base)!r}")
    children = [path.name for path in base.iterdir()] if base.exists() else []
    versions = {int(name) for name in children if name.isascii() and name.isdecimal()}
    if version is None:
        return max(versions, default=0) + 1
    if isinstance(version, bool) or not isinstance(version, numbers.Integral) or version < 0:
        raise ValueError(
            f"Expected version to be an int of at least 0, or None. Received: version={version!r}"
        )
    if version in versions:
        raise ValueError(
            f"Expected a version that is not in {str(base)!r} yet. Received: version={version!r}"
        )
    return int(version)
