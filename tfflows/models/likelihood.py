"""Training by maximum likelihood inside Keras' own `fit`: loss, metrics and the start from data."""

import contextlib
import functools
import inspect

import keras
import tensorflow as tf

from tfflows.models import batches, given, inputs, replicas, skipping, workers


class SquaredNorm:
    """`factor` times the sum of the squares of the entries of variables, when called.

    No Keras object: that would track the variables, which are others' already.
    """

    def __init__(self, factor, variables):
        self.factor, self.variables = factor, variables

    def __call__(self):
        squares = [tf.reduce_sum(tf.square(tf.convert_to_tensor(v))) for v in self.variables]
        return self.factor * tf.add_n(squares)


class MaximumLikelihood(keras.Model):
    """A Keras model whose call gives log-densities in nats and whose loss is minus their mean.

    Subclasses have `call`, which gives `[batch]`, `initialized`, `initialize(x, condition)` and the
    metric `_bits_per_dim`, and are built by their constructor. The loop itself is Keras' own.
    """

    _fitting = False
    _samples = 1  # draws of dequantization noise in evaluations
    _penalty = None  # a `SquaredNorm` that training adds to the loss, where there is one

    @functools.wraps(keras.Model.compile)
    def compile(self, *args, **kwargs):
        arguments = inspect.signature(keras.Model.compile).bind(self, *args, **kwargs).arguments
        for name in ("loss", "metrics", "weighted_metrics"):
            if arguments.get(name):
                raise ValueError(
                    "Expected compile without loss and metrics: a flow's are its negative "
                    f"log-likelihood and bits per dimension. Received: {name}={arguments[name]!r}"
                )
        if arguments.get("steps_per_execution") == "auto":
            raise ValueError(
                "Expected steps_per_execution to be an int: Keras' tuning of it fails in fit. "
                "Received: steps_per_execution='auto'"
            )
        workers.check_steps(arguments.get("steps_per_execution", 1), self.distribute_strategy)
        super().compile(*args, **kwargs)
        replicas.check_optimizer(self.distribute_strategy, self.optimizer)
        with self.distribute_strategy.scope():
            self._skips = skipping.Skips()

    def compile_from_config(self, config):
        """Compiles a loaded model; Keras itself does not where `compile` is overridden."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def train_step(self, data):
        """Keras' own, but that a step of a loss or gradient that is not finite changes nothing.

        The logs have the number of such steps of the epoch, `skipped_steps`.
        """
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        moments = skipping.Moments(self)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self._compute_loss(
                x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
            )
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_weights
        gradients = tape.gradient(scaled, variables)
        count = tf.cast(tf.size(tf.nest.flatten(y_pred)[0]), loss.dtype)
        (loss, count), gradients = replicas.whole([loss, count], gradients)
        finite = skipping.all_finite(loss, gradients)
        if variables:
            skipping.apply(self.optimizer, gradients, variables, finite)
        moments.restore_unless(finite)
        self._skips.count(finite)
        results = self._step_logs(x, y, y_pred, sample_weight, (loss, count), finite)
        skipped = {"skipped_steps": tf.cast(self._skips.of_epoch, tf.float32)}
        return {**results, **workers.reducible(skipped, self.distribute_strategy)}

    def _step_logs(self, x, y, y_pred, sample_weight, loss, finite):
        """Updates the means of the logs by a step, if it is not skipped, and returns them.

        `loss` is the whole batch's, with its number of examples.
        """
        log_prob = tf.nest.flatten(y_pred)[0]
        kept = tf.cast(finite, log_prob.dtype) * tf.ones_like(log_prob)
        loss, count = (tf.where(finite, value, 0.0) for value in loss)
        self._loss_tracker.update_state(loss, sample_weight=count)
        y_pred = tf.nest.map_structure(lambda value: tf.where(finite, value, 0.0), y_pred)
        weights = 1.0 if sample_weight is None else tf.cast(sample_weight, kept.dtype)
        return self.compute_metrics(x, y, y_pred, kept * weights)

    def _get_metrics_result_or_logs(self, logs):
        """Keras' hook for an epoch's logs: of all examples; a step's are of each replica's."""
        return {**logs, **self.get_metrics_result()}

    def reset_metrics(self):
        """Keras' own, at the start of an epoch, and the count of skipped steps."""
        super().reset_metrics()
        if self.compiled:
            self._skips.reset()

    @property
    def skipped_in_row(self):
        """How many of the last training steps were skipped, an int; 0 if the last was taken."""
        return int(self._skips.in_row.numpy()) if self.compiled else 0

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Returns the mean negative log-density and the layers' own losses: a replica's share.

        In training the shares of all replicas add up to the mean over the batch, whose examples
        they may have unequal numbers of, and to the penalty; in evaluation each is of its examples.
        """
        weights = 1.0 if sample_weight is None else tf.cast(sample_weight, y_pred.dtype)
        count = tf.cast(tf.size(y_pred), y_pred.dtype)
        if training:
            count = replicas.total(count) / tf.distribute.get_strategy().num_replicas_in_sync
        # A replica's share of a last batch may be empty.
        mean = tf.math.divide_no_nan(tf.reduce_sum(-y_pred * weights), count)
        penalties = [self._penalty()] if training and self._penalty else []
        total = tf.add_n([mean, *self.losses, *penalties])
        return total / tf.distribute.get_strategy().num_replicas_in_sync

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates bits per dimension and returns all metrics."""
        self._bits_per_dim.update_state(y_pred, sample_weight)
        return workers.reducible(self.get_metrics_result(), self.distribute_strategy)

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        bound = _bound(keras.Model.fit, self, args, kwargs)
        if isinstance(bound.arguments.get("x"), tf.data.Dataset):
            # Keras warns of its own default, True, for these.
            bound.arguments.setdefault("shuffle", False)
        workers.align(bound.arguments.get("x"), self.distribute_strategy)
        self._fitting = True
        try:
            with given.checked(self, bound.arguments):
                return super().fit(*bound.args[1:], **bound.kwargs)
        finally:
            self._fitting = False

    def evaluate(self, *args, dequantization_samples=1, **kwargs):
        """`keras.Model.evaluate`, for integers of the bound by `dequantization_samples` draws."""
        samples = inputs.check_samples(self, dequantization_samples)
        bound = _bound(keras.Model.evaluate, self, args, kwargs)
        with self._sampled(samples), contextlib.ExitStack() as stack:
            if "_use_cached_eval_dataset" not in kwargs:  # of fit, which has checked it
                stack.enter_context(given.checked(self, bound.arguments))
            return super().evaluate(*bound.args[1:], **bound.kwargs)

    @functools.wraps(keras.Model.predict)
    def predict(self, x, *args, **kwargs):
        arguments = {"x": x}
        with given.checked(self, arguments):
            return super().predict(arguments["x"], *args, **kwargs)

    @functools.wraps(keras.Model.train_on_batch)
    def train_on_batch(self, *args, **kwargs):
        bound = _bound(keras.Model.train_on_batch, self, args, kwargs)
        x, y, weights = (bound.arguments.get(name) for name in ("x", "y", "sample_weight"))
        with given.checked_batch(self, x, y, weights):
            if not self.initialized:
                x = batches.with_labels(self, (x, y))[0]
                self.initialize(*batches.unpack(x))
            return super().train_on_batch(*bound.args[1:], **bound.kwargs)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Keras' hook between data and training: starts what must; the model is always built."""
        if self._fitting and iterator is not None and not self.initialized:
            self.initialize(*batches.first_batch(self, iterator))
        with self.distribute_strategy.scope():
            if self.optimizer is not None and not self.optimizer.built:
                self.optimizer.build(self.trainable_variables)

    @contextlib.contextmanager
    def _sampled(self, samples):
        """Context of evaluations by so many draws; Keras keeps the traced one of a single draw."""
        if samples == self._samples:
            yield
            return
        kept, self.test_function, self._samples = self.test_function, None, samples
        try:
            yield
        finally:
            self.test_function, self._samples = kept, 1


def _bound(method, model, args, kwargs):
    """Returns the arguments of one of Keras' loops by name.

    Keras drops weights that come without labels: they also stand for these where nobody reads them.
    """
    bound = inspect.signature(method).bind(model, *args, **kwargs)
    names = ("x", "y", "sample_weight")
    y = _standing_in(model, *(bound.arguments.get(name) for name in names))
    if y is not None:
        bound.arguments["y"] = y
    validation = bound.arguments.get("validation_data")
    if isinstance(validation, tuple) and len(validation) == 3:
        x, _, weights = validation
        bound.arguments["validation_data"] = (x, _standing_in(model, *validation), weights)
    return bound


def _standing_in(model, x, y, weights):
    """Returns the labels, or what is to stand for them."""
    unread = model.classes is None or isinstance(x, dict)
    return weights if y is None and unread else y
