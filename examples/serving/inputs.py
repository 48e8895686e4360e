"""Arrays for a signature: read from files or drawn, and checked against what the server says."""

import zipfile
from typing import NamedTuple

import numpy as np

# By TensorFlow's names. A dtype that is not here is left as it is called, and never matches.
DTYPES = {
    "DT_FLOAT": "float32",
    "DT_DOUBLE": "float64",
    "DT_INT32": "int32",
    "DT_INT64": "int64",
    "DT_UINT8": "uint8",
    "DT_BOOL": "bool",
}


class ClientError(Exception):
    """What is wrong with a request or its answer, in a sentence for the user."""


class Tensor(NamedTuple):
    """An input or output: its dtype's name, and its shape with -1 for any; None for any rank."""

    dtype: str
    shape: tuple | None


class Signature(NamedTuple):
    """What a signature takes and gives: each a dict of `Tensor`s by name."""

    inputs: dict
    outputs: dict


def read(items):
    """Returns the arrays of the flags `--input`, by name.

    Args:
      items: `NAME=FILE.npy`, `NAME=FILE.npz` for the array of that name in it, or `FILE.npz` for
        all of its arrays.
    """
    arrays = {}
    for item in items:
        name, _, path = item.rpartition("=")
        for key, array in _load(name, path, item).items():
            if key in arrays:
                raise ClientError(f"Expected each input once. Received: {key} again, in {item}")
            arrays[key] = array
    return arrays


def _load(name, path, item):
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            found = {name: loaded}
        else:
            with loaded:
                found = {key: loaded[key] for key in loaded.files if name in ("", key)}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ClientError(
            f"Expected a .npy or .npz file of numbers. Received: input={item!r}: {error}"
        ) from error
    if "" in found:
        raise ClientError(f"Expected NAME=FILE for a file of one array. Received: input={item!r}")
    if not found:
        raise ClientError(f"Expected an array {name} in the file. Received: input={item!r}")
    return found


def drawn(count, temperature, seed):
    """Returns the inputs of samples: seeds `[seed, 0]`, `[seed, 1]`, ..., and a temperature.

    The first is `flow.sample(1, temperature, seed=seed)`; samples of two seeds have none in common.
    """
    seeds = np.stack([np.full(count, seed), np.arange(count)], axis=1)
    return {
        "seed": seeds.astype(np.int32),
        "temperature": np.full(count, temperature, np.float32),
    }


def checked(arrays, name, signatures):
    """Returns arrays as a signature takes them.

    Integers become wider integers and floats wider floats; what would lose digits, or make one of
    the other, is refused.

    Args:
      arrays: dict of arrays by input.
      name: the signature's.
      signatures: the model's, dict of `Signature`s by name.

    Raises:
      ClientError: the names, a dtype, a shape or the numbers of rows do not fit.
    """
    expected = signatures[name].inputs
    if set(arrays) != set(expected):
        raise ClientError(
            f"Expected the inputs {_listed(expected)} of {name}. Received: {_listed(arrays)}"
        )
    for key, tensor in expected.items():
        _check_shape(key, arrays[key], tensor.shape)
    values = {}
    for key, tensor in expected.items():
        hint = f"--signature={name}_integers takes integers"
        if arrays[key].dtype.kind not in "iu" or f"{name}_integers" not in signatures:
            hint = f"array.astype({tensor.dtype!r}) converts it"
        values[key] = _widened(key, arrays[key], tensor.dtype, hint)
    rows = {key: len(value) for key, value in values.items()}
    if len(set(rows.values())) > 1 or 0 in rows.values():
        shown = ", ".join(f"{key} with {count}" for key, count in rows.items())
        raise ClientError(f"Expected rows, as many in every input. Received: {shown}")
    return values


def _check_shape(key, array, shape):
    if shape is None:
        return
    fits = array.ndim == len(shape) > 0
    if not fits or any(e not in (-1, n) for n, e in zip(array.shape[1:], shape[1:], strict=True)):
        dims = ", ".join(["rows", *("any" if n == -1 else str(n) for n in shape[1:])])
        raise ClientError(
            f"Expected {key} of shape [{dims}]. Received: {key} of shape {list(array.shape)}"
        )


def _widened(key, array, dtype, hint):
    kinds = [np.dtype(d).kind.replace("u", "i") for d in (array.dtype, dtype) if _is_known(d)]
    if len(set(kinds)) == 1 and len(kinds) == 2 and np.can_cast(array.dtype, dtype):
        return np.asarray(array, dtype)
    raise ClientError(
        f"Expected {key} of dtype {dtype}. Received: {key} of dtype {array.dtype.name} ({hint})"
    )


def _is_known(dtype):
    return dtype in DTYPES.values() or isinstance(dtype, np.dtype)


def _listed(names):
    return ", ".join(sorted(names)) or "none"
