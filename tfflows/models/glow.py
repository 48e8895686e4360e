"""Glow: actnorm, invertible 1x1 convolutions and couplings on several levels (arXiv:1807.03039)."""

import keras

from tfflows import bijectors, networks
from tfflows.models import class_conditional, glow_presets, named


@keras.saving.register_keras_serializable("tfflows")
class Glow(class_conditional.ClassConditional):
    """Generative flow with invertible 1x1 convolutions.

    ```
    x -> x / bins - 1/2 -> levels -> z
    level: squeeze, depth x (actnorm, permutation, coupling), then, but for the last: standardize
           the second half of the channels by a Gaussian given the first, and factor it out
    last:  squeeze, depth x (...), then standardize by learned means and scales (`learn_prior`)
    ```

    The authors' code: scale `sigmoid(r + 2)`, which the paper writes `exp(log s)`; every latent is
    in standardized form. The coupling's first half of the channels is kept. `Glow.presets` lists
    what the authors trained, and `Glow.preset("cifar10")` makes it.

    With `classes`, the condition of all methods is an int label for each example, and y of `fit`,
    `evaluate` and the data sets given to `predict` is it too. As the authors have it (`--ycond`),
    only the last level's means and log scales depend on the class, by a term
    `ZeroDense(one_hot(label))` for each channel, and no other network sees it, unlike a condition
    of `condition_shape`, which all do.
    With `class_loss`, their `weight_y` (0.01), a linear classifier of the last level's latents is
    trained along, see `ClassConditional`: `loss` has its part, `bits_per_dim` does not, and the
    metric `class_accuracy` and `classify` tell how good it is.

    Shapes:
      x: `[*batch, *event_shape]`; z: `[*batch, D]`, D the size of the event.

    Args:
      event_shape: `(height, width, channels)`, height and width divisible by 2**levels.
      levels: L, number of levels.
      depth: K, steps a level.
      width: Channels of the couplings' convolutions.
      transform: Law of the couplings: "sigmoid" (the authors' affine), "additive", or another name
        that `Coupling` takes.
      permutation: "plu" or "full" for 1x1 convolutions of that parameterization, "shuffle" or
        "reverse" for fixed ones.
      learn_prior: Whether the last level's latents have learned means and scales.
      condition_shape: Shape `(size,)` of the condition that all networks take, or None; not
        together with `classes`.
      classes: Number of classes, at least 2, of a class-conditional model; None for none.
      class_loss: Weight of the classifier's loss, at least 0, with `classes` only; 0 for no
        classifier.
      bins: See `Flow`; None for continuous images, which then are not rescaled.
      dequantizer: See `Flow`; "variational" is a `VariationalDequantizer` of default size.
      precision: Keras dtype policy of the networks: "mixed_bfloat16" computes them in bfloat16,
        with variables, log-dets and all else in float32; None is `dtype`.
      recompute: Whether training recomputes activations from outputs, see `Composite`: memory for
        activations does not grow with depth.
      name: Name of the model.
      dtype: Dtype of events and variables.

    Raises:
      ValueError: if a shape or number does not fit, or a name is unknown.

    References: arXiv:1807.03039; code openai/glow.
    """

    presets = glow_presets.PRESETS

    def __init__(
        self,
        event_shape,
        *,
        levels=3,
        depth=32,
        width=512,
        transform="sigmoid",
        permutation="plu",
        learn_prior=True,
        condition_shape=None,
        classes=None,
        class_loss=0.0,
        bins=256,
        dequantizer=None,
        precision=None,
        recompute=False,
        name=None,
        dtype="float32",
    ):
        event_shape = named.check_event_shape(event_shape, (3,))
        bins = named.resolve_bins(bins, event_shape)
        arguments = dict(locals())
        bijectors.checks.variable_dtype(dtype)
        named.check_condition_shape(condition_shape)
        class_conditional.check_arguments(classes, class_loss, condition_shape)
        named.check_levels(event_shape, levels)
        for argument in ("depth", "width"):
            bijectors.checks.integer(arguments[argument], argument)
        parts = _Parts(arguments)
        built, shape = [], event_shape
        for index in range(levels):
            last = index == levels - 1
            end = parts.top_prior if last else parts.split_prior
            bare = last and not learn_prior and classes is None
            built.append(parts.level(shape, depth, None if bare else end, index))
            rows, columns, channels = built[-1].latent_shape
            shape = (rows, columns, channels // 2)
        layers = [*named.rescale(event_shape, bins, -0.5, 0.5), bijectors.MultiScale(built)]
        super().__init__(arguments, layers, prior=built[-1].layers[-1])


class _Parts:
    """Builds the pieces of one model, which share its arguments."""

    def __init__(self, arguments):
        permutations = {"plu", "full", "shuffle", "reverse"}
        self.permutation = arguments["permutation"]
        bijectors.checks.choice(self.permutation, "permutation", permutations)
        self.width, self.transform = arguments["width"], arguments["transform"]
        self.learn_prior, self.classes = arguments["learn_prior"], arguments["classes"]
        self.condition_shape, self.recompute = arguments["condition_shape"], arguments["recompute"]
        self.dtype = arguments["dtype"]
        self.network_dtype = named.network_dtype(arguments["precision"], self.dtype)

    def level(self, shape, depth, end, index):
        """One level: squeeze, steps, and the standardization `end` of what leaves, or None."""
        squeeze = bijectors.Squeeze(shape)
        shape = squeeze.latent_shape
        layers = [squeeze]
        for step in range(depth):
            steps = self._step(shape, seed=step + depth * index)
            layers.append(bijectors.Composite(steps, name="step"))
        layers += [] if end is None else [end(shape)]
        return bijectors.Composite(layers, recompute=self.recompute, name="level")

    def split_prior(self, shape):
        """The second half of the channels, standardized by a Gaussian conditioned on the first."""
        network = named.build(
            networks.ZeroConv2D(shape[-1], dtype=self.network_dtype),
            bijectors.Halves(shape).kept_shape,
            self.condition_shape,
        )
        return bijectors.SplitCoupling(
            shape,
            network,
            "gaussian",
            conditional=self.classes is None,
            dtype=self.dtype,
            name="split_prior",
        )

    def top_prior(self, shape):
        """All channels, standardized by learned constants, or those of a class.

        The network sees zeros only, and the class.
        """
        channels, condition_shape = 2 * shape[-1], self.condition_shape
        network = networks.ZeroConv2D(channels, dtype=self.network_dtype)
        if self.classes is not None:
            condition_shape = (self.classes,)
            network = networks.PriorNet(
                channels, use_conv=self.learn_prior, dtype=self.network_dtype
            )
        network = named.build(network, shape, condition_shape)
        return bijectors.MaskedCoupling(
            shape, network, "gaussian", 0.0, dtype=self.dtype, name="top_prior"
        )

    def _step(self, shape, seed):
        transform = bijectors.transforms.get(self.transform, self.dtype)
        partition = bijectors.Halves(shape)
        network = networks.ConvNet(
            transform.num_params * partition.changed_shape[-1],
            width=self.width,
            dtype=self.network_dtype,
        )
        named.build(network, partition.kept_shape, self.condition_shape)
        return [
            bijectors.ActNorm(shape, dtype=self.dtype),
            self._permutation(shape, seed),
            bijectors.Coupling(
                network,
                transform,
                partition,
                conditional=self.classes is None,
                dtype=self.dtype,
            ),
        ]

    def _permutation(self, shape, seed):
        if self.permutation in ("plu", "full"):
            return bijectors.InvertibleConv(
                shape, parameterization=self.permutation, dtype=self.dtype
            )
        return bijectors.Permute(shape, self.permutation, seed=seed)
