"""NICE: additive couplings of all pixels, and one diagonal scale (arXiv:1410.8516)."""

import math

import keras
import numpy as np

from tfflows import bijectors, networks
from tfflows.models import named, nice_presets


@keras.saving.register_keras_serializable("tfflows")
class NICE(named.NamedFlow):
    """Non-linear independent components estimation.

    ```
    x -> data_range -> vector -> order -> depth x (coupling, reversal) -> scale -> z
    coupling:  z2 = x2 + MLP(x1), volume preserving; x1 the first half
    scale:     z = x exp(s), the only change of volume besides the pixel scale
    ```

    The structure of the authors' code: the whole vector is reversed after each coupling. A fresh
    model is the identity up to the scale, which starts from the first batch, unless `zero_init` is
    False. `NICE.presets` lists what the authors trained, and `NICE.preset("mnist")` makes it.

    Shapes:
      x: `[*batch, *event_shape]`; z: `[*batch, D]`, D the size of the event.

    Args:
      event_shape: `(dim,)` or `(height, width, channels)`.
      depth: Number of couplings.
      width: Units of each hidden layer.
      hidden_layers: Hidden layers of each MLP, or a sequence with the number of each coupling's.
      base: "logistic" or "normal", the distribution of the latents.
      data_range: `(low, high)`, the scale that `[0, bins)` is mapped to; not used without bins. The
        authors have (0, 1) for MNIST and (-1, 1) for CIFAR-10.
      order: Of the vector: "even_odd", entries 0, 2, ... before 1, 3, ... (the authors' 'tile', of
        MNIST); "channels", one channel after the other, as their CIFAR-10 and SVHN come; or "rows",
        as the event lies in memory.
      zero_init: Whether the last layer of each MLP starts at zero, the others as Keras starts them,
        and the scale from the first batch. False is the authors' start: kernels uniform on
        [-0.01, 0.01], biases 0, s = 0.
      dropout: Share of the MLPs' hidden units that training drops, from 0 to below 1.
      condition_shape: Shape `(size,)` of the condition that the MLPs take, or None.
      bins: See `Flow`; "auto" is 256 for images and None for vectors.
      dequantizer: See `Flow`; "variational" is a `VariationalDequantizer` of default size.
      precision: Keras dtype policy of the networks: "mixed_bfloat16" computes them in bfloat16,
        with variables, log-dets and all else in float32; None is `dtype`.
      recompute: Whether training recomputes activations from outputs, see `Composite`: memory for
        activations does not grow with depth.
      name: Name of the model.
      dtype: Dtype of events and variables.

    Raises:
      ValueError: if a shape or number does not fit.

    References: arXiv:1410.8516; code laurent-dinh/nice.
    """

    presets = nice_presets.PRESETS

    def __init__(
        self,
        event_shape,
        *,
        depth=4,
        width=1000,
        hidden_layers=5,
        base="logistic",
        data_range=(0.0, 1.0),
        order="even_odd",
        zero_init=True,
        dropout=0.0,
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
        for argument in ("depth", "width"):
            bijectors.checks.integer(arguments[argument], argument)
        _check_range(data_range)
        layers = [*named.rescale(event_shape, bins, *data_range), bijectors.Reshape(event_shape)]
        dims, network_dtype = layers[-1].latent_shape, named.network_dtype(precision, dtype)
        inner = _ordering(order, event_shape, dims)
        for hidden in _hidden_layers(hidden_layers, depth):
            mlp = _mlp(dims, (width,) * hidden, zero_init, dropout, network_dtype)
            mlp = named.build(mlp, (dims[0] - mlp.units,), condition_shape)
            size = dims[0] - mlp.units
            inner.append(bijectors.SplitCoupling(dims, mlp, "additive", size=size, dtype=dtype))
            inner.append(bijectors.Permute(dims, "reverse"))
        layers.append(bijectors.Composite(inner, recompute=recompute, name="couplings"))
        layers.append(bijectors.DiagonalScale(dims, from_data=zero_init, dtype=dtype))
        super().__init__(arguments, layers, base)


def _check_range(data_range):
    given = data_range if isinstance(data_range, list | tuple) else ()
    low, high = map(bijectors.checks.real, given) if len(given) == 2 else (0.0, 0.0)
    if not 0 < high - low < math.inf:
        raise ValueError(
            "Expected data_range to be two finite numbers, the lower first. "
            f"Received: data_range={data_range!r}"
        )


def _hidden_layers(hidden_layers, depth):
    """The number of hidden layers of each coupling's MLP."""
    if not isinstance(hidden_layers, list | tuple):
        return [bijectors.checks.integer(hidden_layers, "hidden_layers")] * depth
    if len(hidden_layers) != depth:
        raise ValueError(
            f"Expected hidden_layers to be an int, or one for each of depth={depth} couplings. "
            f"Received: hidden_layers={hidden_layers!r}"
        )
    return [bijectors.checks.integer(number, "hidden_layers") for number in hidden_layers]


def _ordering(order, event_shape, dims):
    """The permutation of the flattened event, in a list; an empty one for none."""
    bijectors.checks.choice(order, "order", {"even_odd", "channels", "rows"})
    if order == "rows":
        return []
    if order == "channels":
        order = np.moveaxis(np.arange(dims[0]).reshape(event_shape), -1, 0).reshape(-1)
    return [bijectors.Permute(dims, order)]


def _mlp(dims, hidden, zero_init, dropout, dtype):
    """The conditioner of the second part of a vector on the first."""
    kept = (dims[0] + 1) // 2
    start = "glorot_uniform" if zero_init else keras.initializers.RandomUniform(-0.01, 0.01)
    options = {"zero_init": zero_init, "dropout": dropout, "dtype": dtype}
    return networks.MLP(dims[0] - kept, hidden, kernel_initializer=start, **options)
