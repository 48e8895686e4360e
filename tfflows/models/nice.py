"""NICE: additive couplings of all pixels, and one diagonal scale (arXiv:1410.8516)."""

import math

import keras

from tfflows import bijectors, networks
from tfflows.models import named


@keras.saving.register_keras_serializable("tfflows")
class NICE(named.NamedFlow):
    """Non-linear independent components estimation.

    ```
    x -> data_range -> vector -> even then odd entries -> depth x (coupling, reversal) -> scale -> z
    coupling:  z2 = x2 + MLP(x1), volume preserving; x1 the first half
    scale:     z = x exp(s), the only change of volume besides the pixel scale
    ```

    The structure of the authors' code, on which the paper agrees for MNIST (depth 4, 5 hidden
    layers of 1000 units, logistic base): their order 'tile' first, and the whole vector reversed
    after each coupling. Differences: the last layer of each MLP starts at zero, so that a fresh
    model is the identity, and the others as Keras starts them (the authors: all uniform on
    [-0.01, 0.01]); the scale starts from the first batch (the authors: s = 0).

    Shapes:
      x: `[*batch, *event_shape]`; z: `[*batch, D]`, D the size of the event.

    Args:
      event_shape: `(dim,)` or `(height, width, channels)`.
      depth: Number of couplings.
      width: Units of each hidden layer.
      hidden_layers: Hidden layers of each MLP.
      base: "logistic" or "normal", the distribution of the latents.
      data_range: `(low, high)`, the scale that `[0, bins)` is mapped to; not used without bins. The
        authors have (0, 1) for MNIST and (-1, 1) for CIFAR-10.
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

    def __init__(
        self,
        event_shape,
        *,
        depth=4,
        width=1000,
        hidden_layers=5,
        base="logistic",
        data_range=(0.0, 1.0),
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
        bijectors.checks.floating(dtype)
        named.check_condition_shape(condition_shape)
        for argument in ("depth", "width", "hidden_layers"):
            bijectors.checks.integer(arguments[argument], argument)
        _check_range(data_range)
        layers = [*named.rescale(event_shape, bins, *data_range), bijectors.Reshape(event_shape)]
        dims, network_dtype = layers[-1].latent_shape, named.network_dtype(precision, dtype)
        inner = [bijectors.Permute(dims, "even_odd")]
        for _ in range(depth):
            inner.append(
                _coupling(dims, width, hidden_layers, condition_shape, dtype, network_dtype)
            )
            inner.append(bijectors.Permute(dims, "reverse"))
        layers.append(bijectors.Composite(inner, recompute=recompute, name="couplings"))
        layers.append(bijectors.DiagonalScale(dims, dtype=dtype))
        super().__init__(arguments, layers, base)


def _check_range(data_range):
    numbers = data_range if isinstance(data_range, list | tuple) else ()
    if len(numbers) != 2 or not all(isinstance(n, int | float) for n in numbers):
        numbers = (0, 0)
    low, high = numbers
    if not -math.inf < low < high < math.inf:
        raise ValueError(
            "Expected data_range to be two finite numbers, the lower first. "
            f"Received: data_range={data_range!r}"
        )


def _coupling(dims, width, hidden_layers, condition_shape, dtype, network_dtype):
    kept = (dims[0] + 1) // 2
    mlp = networks.MLP(dims[0] - kept, hidden=(width,) * hidden_layers, dtype=network_dtype)
    mlp = named.build(mlp, (kept,), condition_shape)
    return bijectors.SplitCoupling(dims, mlp, "additive", size=kept, dtype=dtype)
