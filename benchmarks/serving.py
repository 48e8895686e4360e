"""Loads a serving engine: requests a second, their latency, and the memory of its process.

python -m benchmarks.serving --export_dir=served/glow --minutes=10

The newest version in the folder is loaded by a process of TensorFlow's C API, without Python.
Clients as many as --threads send the requests, each the next when it has its answer: every
signature in every number of rows, in turn, after each has been answered once. A row of the table is
a tenth of the time; `growth` is the memory over that at the end of the first row.
"""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks import engine, program, report

_REPORTS = 10


def define(flag_values=flags.FLAGS):
    """Defines the program's flags."""
    text = "Folder of a model's versions, as `trainers.export` writes it."
    flags.DEFINE_string("export_dir", None, text, required=True, flag_values=flag_values)
    text = "Signatures to load; all if unset."
    flags.DEFINE_list("signatures", [], text, flag_values=flag_values)
    text = "Numbers of rows of the requests."
    flags.DEFINE_list("rows", ["1", "3", "8"], text, flag_values=flag_values)
    text = "Clients at once."
    flags.DEFINE_integer("threads", 2, text, lower_bound=1, upper_bound=16, flag_values=flag_values)
    text = "How long."
    flags.DEFINE_float("minutes", 1.0, text, lower_bound=0.001, flag_values=flag_values)
    text = "File to write the results to as JSON."
    flags.DEFINE_string("json", None, text, flag_values=flag_values)


def run(flag_values=flags.FLAGS, progress=program.say):
    """Measures what the flags say, prints the table, and returns and writes the results."""
    path = _newest(flag_values.export_dir)
    signatures = {n: s for n, s in engine.meta_graph(path).signature_def.items() if s.inputs}
    names = flag_values.signatures or sorted(set(signatures) - {"serving_default"})
    program.check_names("signatures", names, sorted(signatures))
    if not all(text.isdecimal() and int(text) for text in flag_values.rows):
        raise ValueError(f"Expected rows, ints of at least 1. Received: rows={flag_values.rows!r}")
    rows = [int(text) for text in flag_values.rows]
    requests = [(name, _values(signatures[name], count)) for name in names for count in rows]
    every = 60 * flag_values.minutes / _REPORTS
    options = {"seconds": every * _REPORTS, "every": every, "threads": flag_values.threads}
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for line in engine.load(path, requests, pathlib.Path(folder), **options):
            lines.append(line)
            progress(f"{line['seconds']:.0f} s: {line['requests']:,} requests")
    first, *lines = lines
    table = _table(lines)
    progress(
        f"first answers: {first['requests']}, half of them within {first['p50_ms']:.0f} ms, "
        f"the slowest {first['p99_ms']:.0f} ms"
    )
    progress(f"\n{', '.join(names)} of {', '.join(flag_values.rows)} rows\n\n{report.table(table)}")
    results = {"environment": report.environment(), "first": first, "load": table}
    if flag_values.json:
        report.write(flag_values.json, **results)
    return results


def _newest(folder):
    versions = [p for p in pathlib.Path(folder).glob("*") if p.name.isdecimal()]
    if not versions:
        raise ValueError(
            f"Expected export_dir to have versions of a model. Received: export_dir={folder!r}"
        )
    return max(versions, key=lambda path: int(path.name))


def _values(signature, rows):
    """Inputs that are allowed in every signature: 0 for integers, floats between 0 and 1."""
    rng = np.random.default_rng(0)
    values = {}
    for name, info in signature.inputs.items():
        shape = [rows, *(dim.size for dim in info.tensor_shape.dim[1:])]
        dtype = tf.as_dtype(info.dtype).as_numpy_dtype
        values[name] = (0.9 * rng.random(shape)).astype(dtype)
    return values


def _table(lines):
    rows, before = [], 0.0
    for line in lines:
        rows.append(
            {
                "minutes": round(line["seconds"] / 60, 2),
                "requests/s": round(line["requests"] / (line["seconds"] - before), 1),
                "median ms": round(line["p50_ms"], 2),
                "p99 ms": round(line["p99_ms"], 2),
                "memory MB": round(line["rss_kib"] * 1024 / 1e6, 1),
                "growth MB": round((line["rss_kib"] - lines[0]["rss_kib"]) * 1024 / 1e6, 1),
            }
        )
        before = line["seconds"]
    return rows


if __name__ == "__main__":
    program.main(define, run)
