"""Flows conditioned on class labels: where the labels come from, and the classifier beside them."""

import math

import keras
import tensorflow as tf

from tfflows import bijectors, networks
from tfflows.models import batches, inputs, named


class ClassConditional(named.NamedFlow):
    """A named flow whose top latents may have a prior for each class, and a classifier of them.

    ```
    loss = mean(-log p(x | y) + class_loss D CE(y, logits))
    logits = ZeroDense(mean of t over height and width)
    ```

    t the top latents before the prior standardizes them, an image; D the size of an event; CE the
    cross entropy in nats. In bits per dimension the loss is the authors' bits_x + weight_y bits_y.

    Args:
      arguments: The subclass's arguments by name, with `classes` and `class_loss`.
      layers: As in `NamedFlow`.
      prior: Bijector that standardizes the top latents, the last part of the latent, given the
        one-hot label as its condition; used with `class_loss` only.
    """

    def __init__(self, arguments, layers, prior):
        super().__init__(arguments, layers)
        self._prior = prior
        self._classifier = None
        if self.class_loss:
            self._classifier = networks.ZeroDense(self.classes, name="classifier", dtype=self.dtype)
            self._classifier.build((None, prior.event_shape[-1]))
            self._class_accuracy = keras.metrics.SparseCategoricalAccuracy("class_accuracy")

    def classify(self, x):
        """Returns the logits of the classes, `[*batch, classes]`, of a flow with `class_loss`."""
        if self._classifier is None:
            raise ValueError(
                "Expected a flow with a classifier, that is with class_loss above 0. "
                f"Received: class_loss={self.class_loss!r}"
            )
        x = inputs.checked(self, x)
        return self._classify(x, x.shape.rank)

    # Keras. A step of a flow with a classifier gets `{"x", "labels"}`, and gives the logits too.

    def call(self, data, training=False):
        if not (isinstance(data, dict) and "labels" in data):
            return super().call(data, training=training)
        given = {"x": data["x"], "condition": data["labels"]}
        x, condition, count = self._prepared(given)
        training = training and self.trainable
        value, log_q = self._continuous(x, self._seed(training), training)
        z, log_prob = self._latent_and_density(value, condition, training)
        log_prob = (log_prob - log_q)[:count]
        if not training and self._samples > 1:  # of which the classifier sees one
            log_prob = super().call(given)
        return log_prob, self._logits(z, condition)[:count]

    def train_step(self, data):
        return super().train_step(self._step_data(data))

    def test_step(self, data):
        return super().test_step(self._step_data(data))

    def predict_step(self, data):
        return super().predict_step(batches.with_labels(self, data))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Returns the loss that the class states: a replica's share."""
        if self._classifier is not None:
            log_prob, logits = y_pred
            entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
            y_pred = log_prob - self.class_loss * math.prod(self.event_shape) * entropy
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates bits per dimension, of x given y, and the classifier's accuracy."""
        if self._classifier is not None:
            y_pred, logits = y_pred
            self._class_accuracy.update_state(y, logits, sample_weight)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    # Inside.

    def _step_data(self, data):
        name = "condition" if self._classifier is None else "labels"
        return batches.with_labels(self, data, name)

    def _logits(self, z, condition):
        """Undoes the prior, which sees a class, but what it undoes does not."""
        shape = self._prior.event_shape
        outer = tf.shape(z)[:-1]
        top = tf.reshape(z[..., -math.prod(shape) :], tf.concat([outer, shape], axis=0))
        top = self._prior.forward_and_log_det(top, condition=condition)[0]
        return self._classifier(tf.reduce_mean(top, axis=[-3, -2]))

    @tf.function(reduce_retracing=True)
    def _classify(self, x, rank):
        x = self._continuous(x)[0]
        outer = tf.shape(x)[: rank - len(self.event_shape)]
        condition = tf.zeros(tf.concat([outer, [self.classes]], axis=0), x.dtype)  # any will do
        return self._logits(self._latent_and_density(x, condition, training=False)[0], condition)


def check_arguments(classes, class_loss, condition_shape):
    """Refuses arguments of a class-conditional flow that are out of range or do not go together."""
    if classes is not None:
        bijectors.checks.integer(classes, "classes", 2)
        if condition_shape is not None:
            raise ValueError(
                "Expected condition_shape=None with classes: a flow takes one condition. "
                f"Received: condition_shape={condition_shape!r}"
            )
    if not 0 <= bijectors.checks.real(class_loss) < math.inf:
        raise ValueError(
            "Expected class_loss to be a finite number of at least 0. "
            f"Received: class_loss={class_loss!r}"
        )
    if class_loss and classes is None:
        raise ValueError(
            f"Expected class_loss=0 without classes. Received: class_loss={class_loss!r}"
        )
