"""How every network takes a condition: checked and joined to the inputs' channels here."""

import tensorflow as tf


class Conditional:
    """Mixin of a Keras layer `call(inputs, condition=None, training=None)` that takes a condition.

    The condition is a vector [batch, k], repeated over space for images, or a tensor
    [batch, ..., k] with the inputs' axes. Its k channels follow the inputs' channels. Whether a
    layer takes a condition is decided when it is built.
    """

    condition_channels = 0

    def structure(self):
        """Returns a hashable value; networks with the same one differ in their variables only.

        None for subclasses without a `get_config` of their own, which may depend on more.
        """
        if not self.built or "get_config" not in vars(type(self)):
            return None
        config = {k: v for k, v in self.get_config().items() if k != "name"}
        return (type(self), repr(sorted(config.items())), repr(self.get_build_config()))

    def initialize(self, inputs, condition=None):
        """Sets what must start from data, if anything; returns the outputs."""
        return self(inputs, condition=condition)

    def _joined_shape(self, inputs_shape, condition_shape):
        """Records the number of condition channels; returns the shape `_join` will give."""
        self.condition_channels = _condition_channels(inputs_shape, condition_shape)
        return (*inputs_shape[:-1], inputs_shape[-1] + self.condition_channels)

    def _checked(self, inputs, condition):
        """The condition in the inputs' dtype if it is what the layer was built for; or None."""
        if condition is None:
            if self.condition_channels:
                raise ValueError(
                    f"Expected a condition of {self.condition_channels} channels, which the layer "
                    "was built with. Received: condition=None"
                )
            return None
        condition = tf.cast(condition, inputs.dtype)
        if _condition_channels(inputs.shape, condition.shape) != self.condition_channels:
            raise ValueError(
                f"Expected a condition of {self.condition_channels} channels, which the layer was "
                f"built with (0: none). Received: condition.shape={tuple(condition.shape)!r}"
            )
        return condition

    def _join(self, inputs, condition):
        """Concatenates the condition to the inputs' last axis."""
        condition = self._checked(inputs, condition)
        if condition is None:
            return inputs
        if condition.shape.rank != inputs.shape.rank:
            condition = tf.tile(condition[:, None, None, :], [1, *inputs.shape[1:3], 1])
        return tf.concat([inputs, condition], -1)

    def _prepare(self, inputs, condition=None):
        """Does for `initialize` what `__call__` does for `call`: casts the inputs and builds."""
        inputs = tf.cast(inputs, self.compute_dtype)
        if not self.built:
            self.build(inputs.shape, None if condition is None else condition.shape)
        return inputs


def _condition_channels(inputs_shape, condition_shape):
    if condition_shape is None:
        return 0
    inputs_shape, condition_shape = tuple(inputs_shape), tuple(condition_shape)
    ranks = {2, len(inputs_shape)} if len(inputs_shape) == 4 else {len(inputs_shape)}
    axes = len(condition_shape) - 1
    pairs = zip(condition_shape[:axes], inputs_shape[:axes], strict=False)
    if (
        len(condition_shape) not in ranks
        or condition_shape[-1] is None
        or any(a != b for a, b in pairs if None not in (a, b))
    ):
        raise ValueError(
            "Expected a condition [batch, k], or with the inputs' axes [batch, ..., k], for inputs "
            f"of shape {inputs_shape!r}. Received: condition.shape={condition_shape!r}"
        )
    return condition_shape[-1]
