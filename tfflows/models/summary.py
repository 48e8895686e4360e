"""The table that `Flow.summary` prints."""

import math

from tfflows import bijectors

_COLUMNS = ("Layer (data to latent)", "Latent shape", "Trainable", "Fixed")


def summarize(flow, line_length=None):
    """Yields the lines of a table: every layer with its latent-side shape and its parameters."""
    rows = list(_rows(flow))
    widths = [max(len(row[i]) for row in [_COLUMNS, *rows]) for i in range(len(_COLUMNS))]
    if line_length is not None:
        widths[0] += max(0, line_length - sum(widths) - 2 * (len(widths) - 1))
    yield f'Model: "{flow.name}" ({type(flow).__name__})'
    yield _line(_COLUMNS, widths)
    yield "  ".join("-" * width for width in widths)
    for row in rows:
        yield _line(row, widths)
    yield f"Event shape: {flow.event_shape}, bins: {flow.bins}, base: {_base_name(flow)}"
    trainable, fixed = _count(flow.trainable_variables), _count(flow.non_trainable_variables)
    yield f"Parameters: {trainable + fixed:,} ({trainable:,} trainable, {fixed:,} fixed)"


def _rows(flow):
    if flow._bijector is None:
        yield _row(flow.distribution, 0, flow.event_shape)
    else:
        yield from _walk(flow._bijector, 0)
    if flow.dequantizer is not None:
        yield _row(flow.dequantizer, 0, flow.event_shape)
    classifier = getattr(flow, "_classifier", None)
    if classifier is not None:
        yield _row(classifier, 0, (flow.classes,))


def _walk(bijector, depth):
    """A row for each bijector, with the parts of composites indented below them."""
    yield _row(bijector, depth, bijector.latent_shape)
    parts = ()
    if isinstance(bijector, bijectors.Composite):
        parts = bijector.layers
    elif isinstance(bijector, bijectors.MultiScale):
        parts = bijector.levels
    for part in parts:
        yield from _walk(part, depth + 1)


def _row(module, depth, shape):
    label = f"{'  ' * depth}{module.name} ({type(module).__name__})"
    trainable, every = _count(module.trainable_variables), _count(module.variables)
    return label, str(tuple(shape)), f"{trainable:,}", f"{every - trainable:,}"


def _line(row, widths):
    cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
    return "  ".join(
        cells + [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
    )


def _base_name(flow):
    return getattr(flow._base, "name", flow.distribution.name)


def _count(variables):
    return sum(math.prod(variable.shape) for variable in variables)
