"""A serving engine without Python: a process of TensorFlow's C API (sm_run.c) for a SavedModel."""

import functools
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

_SOURCE = pathlib.Path(__file__).with_name("sm_run.c")
_LIBRARIES = ("-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", "-lpthread", "-lm")


def meta_graph(path):
    """Returns the one MetaGraphDef of a SavedModel."""
    proto = saved_model_pb2.SavedModel()
    proto.ParseFromString((pathlib.Path(path) / "saved_model.pb").read_bytes())
    (meta,) = proto.meta_graphs
    return meta


@functools.cache
def program():
    """Returns the path of the compiled program.

    Raises:
      ValueError: there is no gcc, or it fails.
    """
    if shutil.which("gcc") is None:
        raise ValueError("Expected gcc, to compile the program of TensorFlow's C API with.")
    home = pathlib.Path(tf.sysconfig.get_lib())
    target = pathlib.Path(tempfile.mkdtemp()) / "sm_run"
    command = ["gcc", "-O1", "-Wall", "-Werror", "-o", target, _SOURCE, f"-I{home / 'include'}"]
    command += [f"-L{home}", *_LIBRARIES, f"-Wl,-rpath,{home}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"Expected that gcc compiles {_SOURCE.name}. Received: {done.stderr}")
    return target


def run(path, requests, folder):
    """Answers requests `(signature, {input: array})`, all in one fresh process.

    Args:
      path: folder of the SavedModel.
      requests: list of the requests.
      folder: a folder for the tensors' files.

    Returns:
      A dict of float32 arrays for each request.

    Raises:
      RuntimeError: with what the engine said.
    """
    script, answers = _script(path, requests, folder, "run")
    with _process(path, script) as process:
        printed = _finished(process)
    shapes = {file: dims for file, *dims in map(str.split, printed.splitlines())}
    return [
        {
            k: np.fromfile(f, np.float32).reshape([int(d) for d in shapes[str(f)]])
            for k, f in a.items()
        }
        for a in answers
    ]


def load(path, requests, folder, *, seconds, every, threads):
    """Sends requests in turn, over and over, and yields what was seen every so many seconds.

    Args:
      path, requests, folder: as in `run`.
      seconds: how long.
      every: seconds between two reports.
      threads: clients at once, each of which waits for its answer.

    Yields:
      Dicts: seconds since the start; requests answered since the last dict; p50_ms and p99_ms,
      their latency; rss_kib, the memory of the engine's process. The first is of 0 seconds and of
      each request's first answer, which takes longer.

    Raises:
      RuntimeError: with what the engine said.
    """
    script, _ = _script(path, requests, folder, "keep")
    script.append(f"load {seconds} {every} {threads}")
    with _process(path, script) as process:
        for line in process.stdout:
            passed, answered, p50, p99, rss = line.split()
            yield {
                "seconds": float(passed),
                "requests": int(answered),
                "p50_ms": float(p50),
                "p99_ms": float(p99),
                "rss_kib": int(rss),
            }
        _finished(process)


def _script(path, requests, folder, last):
    """The program's words for requests, whose inputs are written to files; the outputs' files."""
    signatures = meta_graph(path).signature_def
    script, answers = [], []
    for i, (name, values) in enumerate(requests):
        for key, value in values.items():
            file = folder / f"{i}_{key}.in"
            np.ascontiguousarray(value).tofile(file)
            info = signatures[name].inputs[key]
            dims = " ".join(map(str, (value.ndim, *value.shape)))
            number = tf.as_dtype(value.dtype).as_datatype_enum
            script.append(f"in {_place(info)} {number} {file} {dims}")
        files = {key: folder / f"{i}_{key}.out" for key in signatures[name].outputs}
        for key, file in files.items():
            script.append(f"out {_place(signatures[name].outputs[key])} {file}")
        script.append(last)
        answers.append(files)
    return script, answers


def _process(path, script):
    """The engine's process, with its script as a file: pipes that nobody reads would block."""
    words = tempfile.TemporaryFile("w+")
    words.write("\n".join(script))
    words.seek(0)
    with words:
        return subprocess.Popen(
            [program(), path],
            stdin=words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _finished(process):
    printed, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors)
    return printed


def _place(info):
    operation, _, index = info.name.partition(":")
    return f"{operation} {index}"
