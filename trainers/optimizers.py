"""Optimizers with warm-up, cosine decay and clipping, from the settings."""

import keras
import tensorflow as tf


def make(settings, total_steps):
    """Returns the optimizer of a run of `total_steps` steps."""
    kind = keras.optimizers.Adam if settings.optimizer == "adam" else keras.optimizers.Adamax
    averaging = {"use_ema": True, "ema_momentum": settings.ema_momentum}
    constants = {name: getattr(settings, name) for name in ("beta_1", "beta_2", "epsilon")}
    constants = {name: value for name, value in constants.items() if value is not None}
    rate = schedule(settings, total_steps)
    if settings.optimizer == "glow_adamax":
        rate = Debiased(rate, constants.get("beta_2", 0.999))
    return kind(
        rate,
        **constants,
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


@keras.saving.register_keras_serializable("tfflows.trainers")
class Debiased(keras.optimizers.schedules.LearningRateSchedule):
    """A rate times `sqrt(1 - beta_2^t)`, t = 1 at the first step: Adam's correction of its squares.

    The authors of Glow have the factor in their Adamax, too, whose largest gradients need none.

    Args:
      rate: number or schedule.
      beta_2: number below 1.
    """

    def __init__(self, rate, beta_2):
        super().__init__()
        self.rate, self.beta_2 = rate, beta_2

    def __call__(self, step):
        rate = self.rate(step) if callable(self.rate) else self.rate
        return rate * tf.sqrt(1 - tf.pow(self.beta_2, tf.cast(step, tf.float32) + 1))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"rate": keras.saving.serialize_keras_object(self.rate), "beta_2": self.beta_2}

    @classmethod
    def from_config(cls, config):
        """Returns the schedule of a configuration."""
        return cls(**{**config, "rate": keras.saving.deserialize_keras_object(config["rate"])})


# The names in the files of runs from before flows had the gradient of all replicas clipped.
keras.saving.get_custom_objects().update(
    {
        "tfflows.trainers>Adam": keras.optimizers.Adam,
        "tfflows.trainers>Adamax": keras.optimizers.Adamax,
    }
)
