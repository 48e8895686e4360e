"""Couplings: one part of the event passes unchanged and decides how the other is transformed."""

import inspect

import tensorflow as tf

from tfflows.bijectors import partitions, reversible, transforms
from tfflows.bijectors.bijector import Bijector


class Coupling(Bijector):
    """Transforms one part of an event by parameters computed from the other.

    ```
    forward:  (k, c) = split(z)    x = merge(k, T(c; h))       log_det =  sum log |T'(c; h)|
    inverse:  (k, c) = split(x)    z = merge(k, T^-1(c; h))    log_det =  sum log |(T^-1)'(c; h)|
              with h = conditioner(k) or conditioner(k, condition=condition) in both
    ```

    The conditioner is evaluated once in each direction, on a batch of rank 1 whatever the batch
    shape of the input.

    Shapes:
      event and latent: the partition's `event_shape`.
      h: `[*batch, *changed_shape[:-1], num_params * changed_shape[-1]]`.
      condition: `[*batch, ...]`, whatever the conditioner takes.

    Args:
      conditioner: Callable from the kept part to h: a Keras model, a `tf.Module`, a function. An
        unbuilt Keras layer is built here, by one call on zeros. Where it takes `training`, it is
        told; where it has `initialize`, the flow's data-dependent start reaches it. Variables that
        a plain function closes over are its owner's to train.
      transform: A `Transform` or the name of one: additive, exp, sigmoid, tanh, bounded, gaussian.
      partition: `Halves` or `Mask`.
      conditional: Whether the conditioner is given the condition, where there is one.
      dtype: Dtype of the event.
      name: Name of the operations.

    Raises:
      TypeError: if the conditioner cannot be called, or `partition` is none.
      ValueError: if the transform's name is unknown, or when the conditioner's output does not fit.

    References: NICE (arXiv:1410.8516), RealNVP (arXiv:1605.08803).
    """

    _structure_of = ("conditioner", "transform", "partition", "conditional")

    def __init__(
        self,
        conditioner,
        transform,
        partition,
        *,
        conditional=True,
        dtype=tf.float32,
        parameters=None,
        name="coupling",
    ):
        parameters = dict(locals()) if parameters is None else parameters
        if not callable(conditioner):
            raise TypeError(
                f"Expected a callable conditioner. Received: conditioner={conditioner!r}"
            )
        self.partition = partitions.checked(partition)
        self.transform = transforms.get(transform, dtype)
        super().__init__(
            partition.event_shape,
            dtype=dtype,
            is_constant_jacobian=self.transform.is_constant_jacobian,
            parameters=parameters,
            name=name,
        )
        self.conditioner, self.conditional = conditioner, conditional
        self._takes_training = _takes(conditioner, "training")
        if not getattr(conditioner, "built", True):
            conditioner(tf.zeros([1, *partition.kept_shape], self.dtype))
        # A Keras layer is no tf.Module: TFP finds its variables only through this list.
        self._conditioner_variables = [
            v.value for v in getattr(conditioner, "variables", ()) if _is_keras(v)
        ]
        self._states = tuple(reversible.states(conditioner))

    def _forward_and_log_det(self, z, condition=None, training=False):
        kept, changed = self.partition.split(z)
        params = self._params(self.conditioner, kept, condition, training)
        changed, log_det = self.transform.forward(changed, params)
        return self.partition.merge(kept, changed), self.partition.sum(log_det)

    def _inverse_and_log_det(self, x, condition=None, training=False):
        kept, changed = self.partition.split(x)
        params = self._params(self.conditioner, kept, condition, training)
        changed, log_det = self.transform.inverse(changed, params)
        return self.partition.merge(kept, changed), self.partition.sum(log_det)

    def _initialize(self, x, condition=None):
        kept, changed = self.partition.split(x)
        start = getattr(self.conditioner, "initialize", None)
        params = self._params(start or self.conditioner, kept, condition, False, told=start is None)
        return self.partition.merge(kept, self.transform.inverse(changed, params)[0])

    def _inverse_and_residual(self, x, condition, training):
        states = tuple(tf.identity(v.value) for v in self._states) if training else ()
        return (*self._inverse_and_log_det(x, condition=condition, training=training), states)

    def _backward(self, z, residual, dz, dlog_det, condition, training):
        """As in the base class, with one evaluation of the conditioner: z has what it sees."""
        kept, changed = self.partition.split(z)
        given = reversible.floating(condition) if self.conditional else []
        variables = list(self.trainable_variables)
        states = self._states if training else ()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([kept, *given, *variables])
            with reversible.replayed(states, residual):
                params = self._params(self.conditioner, kept, condition, training)
            with tape.stop_recording():
                changed = self.transform.forward(changed, params)[0]
            tape.watch(changed)
            again, log_det = self.transform.inverse(changed, params)
            results = self.partition.merge(kept, again), self.partition.sum(log_det)
        sources = [kept, changed, *given, *variables]
        dkept, dchanged, *others = reversible.gradients(tape, results, sources, dz, dlog_det)
        dx = self.partition.merge(self.partition.only_kept(dkept), dchanged)
        dcondition = others[0] if given else None
        return self.partition.merge(kept, changed), dx, dcondition, others[len(given) :]

    def _params(self, function, kept, condition, training, told=True):
        """Evaluates a conditioner with the batch dimensions of its input folded into one."""
        kwargs = {"training": training} if told and self._takes_training else {}
        batch_rank = kept.shape.rank - len(self.event_shape)
        batch = tf.shape(kept)[:batch_rank]
        if condition is not None and self.conditional:
            condition = tf.convert_to_tensor(condition)
            kwargs["condition"] = _fold(condition, batch_rank)
        params = tf.convert_to_tensor(function(_fold(kept, batch_rank), **kwargs))
        self._check_params(params)
        if batch_rank != 1:
            params = tf.reshape(params, tf.concat([batch, params.shape[1:]], axis=0))
        return self.partition.only_changed(tf.cast(params, kept.dtype))

    def _check_params(self, params):
        *outer, channels = self.partition.changed_shape
        expected = [*outer, self.transform.num_params * channels]
        if params.shape.rank != len(expected) + 1 or not params.shape[1:].is_compatible_with(
            expected
        ):
            raise ValueError(
                f"Expected the conditioner of {self.name} to return the shape "
                f"[batch, {', '.join(map(str, expected))}]. Received: shape={params.shape}"
            )


class SplitCoupling(Coupling):
    """`Coupling` of two parts of the last axis: channels of an image, entries of a vector.

    Args:
      event_shape: Shape of the event.
      conditioner: See `Coupling`; sees `[batch, *event_shape[:-1], size]`.
      transform: See `Coupling`.
      swap: Whether the second part is kept and the first transformed.
      size: Length of the first part; half of the last axis, which must be even, if None.
      conditional: See `Coupling`.
      dtype: Dtype of the event.
      name: Name of the operations.
    """

    _structure_of = Coupling._structure_of

    def __init__(
        self,
        event_shape,
        conditioner,
        transform="sigmoid",
        *,
        swap=False,
        size=None,
        conditional=True,
        dtype=tf.float32,
        name="split_coupling",
    ):
        parameters = dict(locals())
        super().__init__(
            conditioner,
            transform,
            partitions.Halves(event_shape, swap=swap, size=size),
            conditional=conditional,
            dtype=dtype,
            parameters=parameters,
            name=name,
        )
        self.swap, self.size = swap, size


class MaskedCoupling(Coupling):
    """`Coupling` by a mask. The conditioner sees the event with zeros in the changed places.

    A mask of zeros only makes a map with learned constants, since the conditioner sees zeros
    everywhere: with `gaussian`, Glow's learned top prior.

    Args:
      event_shape: Shape of the event.
      conditioner: See `Coupling`; sees `[batch, *event_shape]`, returns parameters for every place.
      transform: See `Coupling`.
      mask: Array that broadcasts to the event: 1 where it is kept, 0 where it is changed.
      conditional: See `Coupling`.
      dtype: Dtype of the event.
      name: Name of the operations.
    """

    _structure_of = Coupling._structure_of

    def __init__(
        self,
        event_shape,
        conditioner,
        transform,
        mask,
        *,
        conditional=True,
        dtype=tf.float32,
        name="masked_coupling",
    ):
        parameters = dict(locals())
        super().__init__(
            conditioner,
            transform,
            partitions.Mask(event_shape, mask),
            conditional=conditional,
            dtype=dtype,
            parameters=parameters,
            name=name,
        )
        self.mask = mask


def _fold(value, batch_rank):
    if value.shape.rank is None or value.shape.rank < batch_rank:
        raise ValueError(
            f"Expected a condition with the {batch_rank} batch dimensions of the input. "
            f"Received: condition.shape={value.shape}"
        )
    return value if batch_rank == 1 else tf.reshape(value, [-1, *value.shape[batch_rank:]])


def _takes(function, argument):
    signature = inspect.signature(getattr(function, "call", function))
    return argument in signature.parameters


def _is_keras(variable):
    return not isinstance(variable, tf.Variable)
