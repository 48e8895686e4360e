"""`load_distribution`: an exported flow as a distribution of TFP's, without our models."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.export import protos

tfd, tfb = tfp.distributions, tfp.bijectors


class ExportedDistribution(tfd.Distribution):
    """The density of an exported flow, on the continuous scale of its data.

    `log_prob` differentiates with respect to its argument; the flow's variables are constants. Both
    `log_prob` and `sample` take a keyword `condition` where the flow is conditional.

    Shapes:
      event: that of the flow; batch: none, so `log_prob` of `[*sample, *event_shape]` is `sample`.

    Args:
      path: Folder of the SavedModel, or of its versions, of which the highest is taken.
      name: Name of the distribution.

    Raises:
      ValueError: if it is no SavedModel of `export_saved_model`, or a link leads out of it.
    """

    def __init__(self, path, *, name="ExportedDistribution"):
        parameters = dict(locals())
        self._path = _version(protos.check_path(path=path))
        self._loaded = tf.saved_model.load(str(self._path))  # it alone keeps the variables
        self._functions = dict(getattr(self._loaded, "unbounded", {}))
        if "log_prob" not in self._functions:
            raise ValueError(
                "Expected path to be an export of tfflows.export_saved_model. Received: "
                f"path={str(path)!r}, with the signatures {sorted(self._loaded.signatures)}"
            )
        self._inputs = self._functions["log_prob"].structured_input_signature[1]
        self._shape = self._inputs["x"].shape[1:]
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _event_shape(self):
        return self._shape

    def _event_shape_tensor(self):
        return tf.constant(self._shape.as_list(), tf.int32)

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _default_event_space_bijector(self):
        return tfb.Identity()

    def _log_prob(self, x, condition=None):
        x = tf.convert_to_tensor(x, self.dtype)
        outer = tf.shape(x)[: tf.rank(x) - self._shape.rank]
        inputs = {"x": tf.reshape(x, [-1, *self._shape]), **self._condition(condition, outer)}
        answer = self._functions["log_prob"](**inputs)["log_prob"]
        log_prob = tf.reshape(answer, outer)
        return tf.ensure_shape(log_prob, x.shape[: x.shape.rank - self._shape.rank])

    def _sample_n(self, n, seed=None, condition=None):
        if "sample" not in self._functions:
            raise NotImplementedError(
                f"Expected an export with samples. Received: path={str(self._path)!r}"
            )
        seed = tfp.random.sanitize_seed(seed)
        rows = tf.random.stateless_uniform([n, 2], seed, None, None, tf.int32)
        inputs = {"seed": rows, "temperature": tf.ones([n]), **self._condition(condition, [n])}
        return self._functions["sample"](**inputs)["x"]

    def _condition(self, condition, outer):
        if (condition is not None) != ("condition" in self._inputs):
            wanted = "a condition" if condition is None else "no condition"
            raise ValueError(f"Expected {wanted}. Received: condition={condition!r}")
        if condition is None:
            return {}
        spec = self._inputs["condition"]
        condition = tf.cast(condition, spec.dtype)
        whole = tf.broadcast_to(condition, tf.concat([outer, spec.shape[1:]], axis=0))
        return {"condition": tf.reshape(whole, [-1, *spec.shape[1:]])}


def load_distribution(path):
    """Returns an exported flow as a `tfd.Distribution`.

    It needs none of the models' code, so that a flow can be a component of a mixture, the target of
    MCMC or a prior in a joint distribution of a process that never imports it.

    Args:
      path: Folder of the SavedModel, or of its versions, of which the highest is taken.

    Raises:
      ValueError: if it is no SavedModel of `export_saved_model`, or a link leads out of it.
    """
    return ExportedDistribution(path)


def _version(path):
    """The folder of the SavedModel, all of whose files are its own."""
    if path.is_dir() and not (path / "saved_model.pb").exists():
        versions = [p for p in path.iterdir() if p.name.isascii() and p.name.isdecimal()]
        path = max(versions, key=lambda p: int(p.name), default=path)
    protos.read(path)
    outside = protos.outside(path)
    if outside:
        raise ValueError(
            "Expected path to be a SavedModel of files of its own. "
            f"Received: path={str(path)!r}, whose {outside[0]} leads out of it"
        )
    return path
