"""The dequantizer that the flags ask for."""

import tfflows


def make(settings, event_shape, bins):
    """Returns a new `tfflows.VariationalDequantizer`, or None for uniform noise.

    Raises:
      ValueError: a size is given where there is nothing to have it, or the data is no integers.
    """
    sizes = {name: getattr(settings, f"dequantizer_{name}") for name in ("depth", "width")}
    sizes = {name: size for name, size in sizes.items() if size is not None}
    if settings.dequantizer == "uniform":
        if sizes:
            name, size = next(iter(sizes.items()))
            raise ValueError(
                "Expected dequantizer='variational' where its size is given. "
                f"Received: dequantizer='uniform', dequantizer_{name}={size!r}"
            )
        return None
    if bins is None:
        raise ValueError(
            "Expected a dataset of integers for dequantizer='variational'. "
            f"Received: dataset={settings.dataset!r}"
        )
    precision = settings.arguments["precision"]
    return tfflows.VariationalDequantizer(event_shape, bins, dtype=precision, **sizes)
