"""TFP's own Glow, `tfb.Glow`, with networks of the same size, trained by a `tf.function`."""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from benchmarks import parts

tfb, tfd = tfp.bijectors, tfp.distributions


def density(settings):
    """Returns the distribution of images that `tfb.Glow` and a normal base make.

    Its networks, by default, are ours without the edge channel, actnorm and the learned scale of
    the output: 3x3, 1x1, 3x3, with biases. The exit networks are single 3x3 convolutions.
    """
    glow = tfb.Glow(
        output_shape=settings.event_shape,
        num_glow_blocks=settings.levels,
        num_steps_per_block=settings.depth,
        coupling_bijector_fn=functools.partial(tfb.GlowDefaultNetwork, num_hidden=settings.width),
        exit_bijector_fn=tfb.GlowDefaultExitNetwork,
    )
    latent_shape = glow.inverse_event_shape(settings.event_shape)
    return glow(tfd.Sample(tfd.Normal(0.0, 1.0), latent_shape))


class Training:
    """Training of `tfb.Glow` by maximum likelihood, on images dequantized and scaled as ours.

    Adam is the fused one of TensorFlow, `ResourceApplyAdam`, faster than Keras' own.
    """

    def __init__(self, settings):
        self.distribution = density(settings)
        self.variables = self.distribution.trainable_variables
        self.moments = [(_zeros(v), _zeros(v)) for v in self.variables]
        self.iterations = tf.Variable(0.0)
        self.step = tf.function(self._step, jit_compile=settings.jit)

    def _step(self, images):
        noise = tf.random.uniform(tf.shape(images))
        x = (tf.cast(images, tf.float32) + noise) / 256.0 - 0.5
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(self.distribution.log_prob(x))
        gradients = tape.gradient(loss, self.variables)
        count = self.iterations.assign_add(1.0)
        for variable, gradient, (m, v) in zip(self.variables, gradients, self.moments, strict=True):
            _apply_adam(variable, gradient, m, v, count)
        return loss


def _zeros(variable):
    return tf.Variable(tf.zeros_like(variable), trainable=False)


def _apply_adam(variable, gradient, m, v, count):
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=m.handle,
        v=v.handle,
        beta1_power=tf.pow(0.9, count),
        beta2_power=tf.pow(0.999, count),
        lr=parts.LEARNING_RATE,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-7,
        grad=gradient,
    )


def training(settings):
    """Returns a function that takes one training step and returns its loss."""
    made, data = Training(settings), parts.images(settings)
    return lambda: float(made.step(data))
