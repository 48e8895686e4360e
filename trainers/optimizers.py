"""Optimizers with warm-up, cosine decay and clipping of the whole gradient, from the settings."""

import keras
import tensorflow as tf


def make(settings, total_steps):
    """Returns the optimizer of a run of `total_steps` steps."""
    kind = {"adam": Adam, "adamax": Adamax}[settings.optimizer]
    averaging = {"use_ema": True, "ema_momentum": settings.ema_momentum}
    return kind(
        schedule(settings, total_steps),
        global_clipnorm=settings.clip_norm or None,
        weight_decay=settings.weight_decay or None,
        **(averaging if settings.ema_momentum else {}),
    )


def schedule(settings, total_steps):
    """Returns the learning rate over the steps: linear warm-up, then cosine to zero or constant."""
    peak, warmup = settings.learning_rate, settings.warmup_steps
    constant = settings.schedule == "constant"
    if constant and not warmup:
        return peak
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else peak,
        max(1, total_steps - warmup),
        alpha=1.0 if constant else 0.0,
        warmup_target=peak if warmup else None,
        warmup_steps=warmup,
    )


class _ClipsWhole:
    """Clips the gradient of all replicas together.

    Keras clips each replica's part before it adds them up, which on several devices is another
    optimizer than on one.
    """

    def _clip_gradients(self, grads):
        replica = tf.distribute.get_replica_context()
        count = 1 if replica is None else replica.num_replicas_in_sync
        if count == 1 or not self.global_clipnorm:
            return super()._clip_gradients(grads)
        whole = replica.all_reduce(tf.distribute.ReduceOp.SUM, grads)
        return [grad / count for grad in super()._clip_gradients(whole)]  # Keras adds them up again


@keras.saving.register_keras_serializable("tfflows.trainers")
class Adam(_ClipsWhole, keras.optimizers.Adam):
    """`keras.optimizers.Adam`, the gradient clipped as a whole."""


@keras.saving.register_keras_serializable("tfflows.trainers")
class Adamax(_ClipsWhole, keras.optimizers.Adamax):
    """`keras.optimizers.Adamax`, the gradient clipped as a whole."""
