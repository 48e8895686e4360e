"""Writes a flow as a SavedModel, whole or not at all."""

import math
import numbers
import os
import shutil
import uuid

import tensorflow as tf

from tfflows.export import protos
from tfflows.export.portable import PortableSignatures
from tfflows.export.signatures import Signatures


def export_saved_model(
    flow, base_dir, version=None, *, portable=False, max_batch_size=1024, max_temperature=2.0
):
    """Writes a flow as a SavedModel that TensorFlow Serving and other engines load.

    Signatures, B any number of rows, outputs float32, row i of an output from row i of the inputs
    only, so that a server may merge requests:

    ```
    log_prob (serving_default)  x [B, *event_shape] -> log_prob [B], bits_per_dim [B]
    encode                      x [B, *event_shape] -> z [B, *latent_shape], log_prob [B]
    decode                      z [B, *latent_shape] -> x [B, *event_shape]
    sample                      seed int32 [B, 2], temperature [B] -> x [B, *event_shape]
    interpolate                 x1, x2 [B, *event_shape], fraction [B] -> x [B, *event_shape]
    anomaly_score               x [B, *event_shape] -> log_prob, typicality_gap, p_value [B]
    ```

    Inputs are float32 but for the seed. Where the flow has `bins`, each signature with data among
    its inputs has a twin of integers, int32 `[B, *event_shape]`: `log_prob_integers`,
    `encode_integers` and so on, with the noise of `flow.log_prob`. A conditional flow has an input
    `condition` more in every signature: float32 `[B, *condition_shape]`, or labels int32 `[B]`.

    `anomaly_score` is there where the flow has been calibrated (`Flow.anomaly_score` says what it
    gives), `encode`, `decode`, `sample` and `interpolate` where it has latents, that is where its
    distribution is a `TransformedDistribution`. `sample` with the seed `[k, 0]` is
    `flow.sample(1, seed=k)`; `interpolate` decodes `z1 + fraction (z2 - z1)`. Data comes out on the
    scale `[0, bins)`: its floor are integers.

    No rows give no rows. A row with a number that is not finite, an integer outside
    `0 ... bins - 1`, a label that is none, a fraction outside `[0, 1]` or a temperature outside
    `[0, max_temperature]` gets NaN, and no other row does.

    The graphs need neither Keras nor Python, and each variable is stored once. The folder is
    written beside its place and renamed, so that a server never sees half of it.

    Args:
      flow: A `Flow`, its data-dependent parts started.
      base_dir: Folder of the versions, on a local disk; made if it is not there.
      version: Int of at least 0, the name of the new folder in `base_dir`; None for 1 above the
        highest there.
      portable: Whether to write the form for converters to other runtimes instead: `log_prob`,
        `encode` and `decode` alone, of floats, in operations that these have, without the bounds
        and checks of rows.
      max_batch_size: Most rows that a signature takes, an int; more are an error.
      max_temperature: Highest temperature that `sample` takes.

    Returns:
      Path of the SavedModel, `base_dir/version`.

    Raises:
      TypeError: if `flow` is none.
      ValueError: if the flow has not been started, `base_dir` is a file, the version is negative or
        there already, or a bound is not positive.
    """
    check_flow(flow)
    _check_bounds(max_batch_size, max_temperature)
    base = protos.check_path(base_dir=base_dir)
    version = _next_version(base, version)
    if portable:
        signatures = PortableSignatures(flow)
    else:
        signatures = Signatures(flow, max_batch_size, max_temperature)
    base.mkdir(parents=True, exist_ok=True)
    # Not a number, so never served; on the same disk, so that renaming is atomic.
    partial = base / f".partial-{version}-{uuid.uuid4().hex}"
    try:
        tf.saved_model.save(signatures, str(partial), signatures=signatures.concrete())
        os.rename(partial, base / str(version))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return base / str(version)


def check_flow(flow):
    """Refuses what cannot be exported."""
    from tfflows import models  # here, as who loads an export needs none of them

    if not isinstance(flow, models.Flow):
        raise TypeError(f"Expected a tfflows.Flow. Received: flow={flow!r}")
    if not flow.initialized:
        raise ValueError(
            "Expected a flow whose data-dependent parts have been started, by fit, initialize or "
            "loaded weights. Received: initialized=False"
        )


def _check_bounds(max_batch_size, max_temperature):
    from tfflows.bijectors import checks  # here, as who loads an export needs none of them

    whole = isinstance(max_batch_size, numbers.Integral) and not isinstance(max_batch_size, bool)
    if not whole or not 1 <= max_batch_size < 2**31:
        raise ValueError(
            "Expected max_batch_size to be an int of at least 1 and 32 bits. "
            f"Received: max_batch_size={max_batch_size!r}"
        )
    if not 0 < checks.real(max_temperature) < math.inf:
        raise ValueError(
            "Expected max_temperature to be a finite number above 0. "
            f"Received: max_temperature={max_temperature!r}"
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
