"""RealNVP: affine couplings by checkerboards and by channels, multi-scale (arXiv:1605.08803)."""

import math

import keras

from tfflows import bijectors, networks
from tfflows.models import likelihood, named, realnvp_presets


@keras.saving.register_keras_serializable("tfflows")
class RealNVP(named.NamedFlow):
    """Real-valued non-volume preserving transformations.

    ```
    images:   x -> logit(0.05 + 0.9 x / bins) -> levels -> z
    level:    depth checkerboard couplings, squeeze, depth channel couplings, unsqueeze,
              squeeze by diagonals, factor out the second half of the channels
    last:     depth + 1 checkerboard couplings
    vectors:  x -> depth couplings of alternating halves -> z
    coupling: z = (x + t) exp(scale tanh(r)) on the changed part, then batch norm of it
    ```

    It follows the authors' code where the paper differs: the law of the coupling, the logit, and
    the masks. The networks are residual with weight normalization, twice as wide at each level and
    once more at channel couplings; for vectors they are MLPs. A fresh model is the identity, unless
    `zero_init` is False. `RealNVP.presets` lists what the authors trained, and
    `RealNVP.preset("cifar10")` makes it.

    Shapes:
      x: `[*batch, *event_shape]`; z: `[*batch, D]`, D the size of the event.

    Args:
      event_shape: `(height, width, channels)`, height and width divisible by 2**(levels - 1), or
        `(dim,)`.
      levels: Number of scales of an image; not used for vectors.
      depth: Couplings of a kind in a level, or of a vector; None for 3 and 8.
      width: Channels of the networks at the first level, or units of the MLPs.
      blocks: Residual blocks, or hidden layers of the MLPs.
      batch_norm: Whether networks and couplings' outputs are batch normalized.
      zero_init: Whether each network's last layer starts at zero, and `scale` at 1. False is the
        authors' start: random networks, and `scale` 0 at checkerboards and 1 at channels.
      l2: Factor of the sum of the squares of all `magnitude` variables of the networks and of the
        checkerboards' `scale`, which training adds to the loss in nats an image; the authors have
        5e-5. It is no part of evaluations, nor of bits per dimension. For images only.
      condition_shape: Shape `(size,)` of the condition that the networks take, or None.
      bins: See `Flow`; "auto" is 256 for images and None for vectors. The logit is part of the
        model only where bins are.
      dequantizer: See `Flow`; "variational" is a `VariationalDequantizer` of default size.
      precision: Keras dtype policy of the networks: "mixed_bfloat16" computes them in bfloat16,
        with variables, log-dets and all else in float32; None is `dtype`.
      recompute: Whether training recomputes activations from outputs, see `Composite`: memory for
        activations does not grow with depth.
      name: Name of the model.
      dtype: Dtype of events and variables.

    Raises:
      ValueError: if a shape or number does not fit.

    References: arXiv:1605.08803; code tensorflow/models research/real_nvp.
    """

    presets = realnvp_presets.PRESETS

    def __init__(
        self,
        event_shape,
        *,
        levels=2,
        depth=None,
        width=64,
        blocks=8,
        batch_norm=True,
        zero_init=True,
        l2=0.0,
        condition_shape=None,
        bins="auto",
        dequantizer=None,
        precision=None,
        recompute=False,
        name=None,
        dtype="float32",
    ):
        event_shape = named.check_event_shape(event_shape, (1, 3))
        bins = named.resolve_bins(bins, event_shape)
        arguments = dict(locals())
        bijectors.checks.variable_dtype(dtype)
        named.check_condition_shape(condition_shape)
        for argument in ("width", "blocks"):
            bijectors.checks.integer(arguments[argument], argument)
        _check_l2(l2, event_shape)
        network_dtype = named.network_dtype(precision, dtype)
        parts = _Parts(
            width, blocks, batch_norm, zero_init, condition_shape, dtype, network_dtype, recompute
        )
        layers = named.rescale(event_shape, bins)
        layers += [] if bins is None else [bijectors.Logit(event_shape)]
        layers.append(parts.couplings(event_shape, levels, depth))
        super().__init__(arguments, layers)
        self._penalty = likelihood.SquaredNorm(l2, parts.penalized) if l2 else None


def _check_l2(l2, event_shape):
    if not 0 <= bijectors.checks.real(l2) < math.inf:
        raise ValueError(f"Expected l2 to be a number of at least 0. Received: l2={l2!r}")
    if l2 and len(event_shape) == 1:
        raise ValueError(
            "Expected l2 to be 0 for vectors, whose networks have none of its variables. "
            f"Received: l2={l2!r}"
        )


def _check_last_level(shape, levels):
    """Refuses a last level of a single pixel, of which no checkerboard keeps a part."""
    if math.prod(shape[:2]) == 4 ** (levels - 1):
        raise ValueError(
            "Expected the last level to have more than one pixel. "
            f"Received: event_shape={shape}, levels={levels}"
        )


class _Parts:
    """Builds the pieces of one model, which share their options."""

    def __init__(
        self,
        width,
        blocks,
        batch_norm,
        zero_init,
        condition_shape,
        dtype,
        network_dtype,
        recompute,
    ):
        self.width, self.blocks = int(width), blocks
        self.batch_norm, self.zero_init = batch_norm, zero_init
        self.condition_shape, self.dtype = condition_shape, dtype
        self.network_dtype, self.recompute = network_dtype, recompute
        self.penalized = []  # the variables that `l2` is on

    def couplings(self, shape, levels, depth):
        """All couplings of a model of vectors or images."""
        is_vector = len(shape) == 1
        if not is_vector:
            levels = named.check_levels(shape, levels, 1)
            _check_last_level(shape, levels)
        if depth is None:
            depth = 8 if is_vector else 3
        bijectors.checks.integer(depth, "depth")
        if is_vector:
            return self.vector_couplings(shape, depth)
        return bijectors.MultiScale(self.levels(shape, levels, depth))

    def levels(self, shape, levels, depth):
        """The levels of an image model, data to latent."""
        built = []
        for index in range(levels - 1):
            built.append(self._level(shape, depth, self.width * 2**index))
            height, width, channels = built[-1].latent_shape
            shape = (height, width, channels // 2)
        last = self._checkerboards(shape, depth + 1, self.width * 2 ** (levels - 1))
        return [*built, self._composite(last, "last_level")]

    def vector_couplings(self, shape, depth):
        """Couplings of a vector that keep the first and the second half in turn."""
        size = (shape[0] + 1) // 2
        layers = []
        for index in range(depth):
            partition = bijectors.Halves(shape, swap=index % 2 == 1, size=size)
            network = networks.MLP(
                2 * partition.changed_shape[-1],
                hidden=(self.width,) * self.blocks,
                zero_init=self.zero_init,
                dtype=self.network_dtype,
            )
            layers += self._coupling(partition, network)
        return self._composite(layers, "couplings")

    def _composite(self, layers, name):
        return bijectors.Composite(layers, recompute=self.recompute, name=name)

    def _level(self, shape, depth, width):
        squeeze = bijectors.Squeeze(shape)
        layers = [
            *self._checkerboards(shape, depth, width),
            squeeze,
            *self._channels(squeeze.latent_shape, depth, 2 * width),
            bijectors.Invert(squeeze),
            bijectors.Squeeze(shape, order="diagonal"),
        ]
        return self._composite(layers, "level")

    def _checkerboards(self, shape, depth, width):
        layers = []
        for index in range(depth):
            mask = bijectors.checkerboard_mask(shape, odd=index % 2 == 1)
            network = self._resnet(2 * shape[-1], width, mask=mask.tolist(), input_gain=2.0)
            layers += self._coupling(bijectors.Mask(shape, mask), network, masked=True)
        return layers

    def _channels(self, shape, depth, width):
        layers = []
        for index in range(depth):
            partition = bijectors.Halves(shape, swap=index % 2 == 1)
            network = self._resnet(shape[-1], width)
            layers += self._coupling(partition, network)
        return layers

    def _resnet(self, channels_out, width, **options):
        return networks.ResNet(
            channels_out,
            width=width,
            blocks=self.blocks,
            use_batch_norm=self.batch_norm,
            zero_init=self.zero_init,
            dtype=self.network_dtype,
            **options,
        )

    def _coupling(self, partition, network, *, masked=False):
        named.build(network, partition.kept_shape, self.condition_shape)
        # With both the network's end and the scale at zero neither would ever get a gradient.
        initial_scale = 0.0 if masked and not self.zero_init else 1.0
        transform = bijectors.AffineTanh(initial_scale, dtype=self.dtype)
        self.penalized += [v for v in network.trainable_variables if v.name == "magnitude"]
        self.penalized += [transform.scale] if masked else []
        coupling = bijectors.Coupling(network, transform, partition, dtype=self.dtype)
        if not self.batch_norm:
            return [coupling]
        return [coupling, bijectors.BatchNorm(partition.event_shape, partition, dtype=self.dtype)]
