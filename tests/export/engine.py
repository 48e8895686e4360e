"""Runs a SavedModel's signatures in a process of its own, on TensorFlow's C API (sm_run.c)."""

import functools
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

_SOURCE = pathlib.Path(__file__).with_name("sm_run.c")


def meta_graph(path):
    """Returns the one MetaGraphDef of a SavedModel."""
    proto = saved_model_pb2.SavedModel()
    proto.ParseFromString((pathlib.Path(path) / "saved_model.pb").read_bytes())
    assert len(proto.meta_graphs) == 1
    return proto.meta_graphs[0]


@functools.cache
def program():
    """Returns the path of the compiled program; skips the test where there is no compiler."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to compile the program of TensorFlow's C API with")
    home = pathlib.Path(tf.sysconfig.get_lib())
    target = pathlib.Path(tempfile.mkdtemp()) / "sm_run"
    libraries = ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
    command = ["gcc", "-O1", "-Wall", "-Werror", "-o", target, _SOURCE, f"-I{home / 'include'}"]
    subprocess.run([*command, f"-L{home}", *libraries, f"-Wl,-rpath,{home}"], check=True)
    return target


def run(path, requests, folder):
    """Answers requests `(signature, {input: array})`, all in one fresh process.

    Returns:
      A dict of float32 arrays for each request. Raises RuntimeError with what the engine said.
    """
    signatures = meta_graph(path).signature_def
    script, answers = [], []
    for i, (name, values) in enumerate(requests):
        for key, value in values.items():
            file = folder / f"{i}_{key}.in"
            np.ascontiguousarray(value).tofile(file)
            info = signatures[name].inputs[key]
            dims = " ".join(map(str, (value.ndim, *value.shape)))
            script.append(f"in {_place(info)} {info.dtype} {file} {dims}")
        files = {key: folder / f"{i}_{key}.out" for key in signatures[name].outputs}
        for key, file in files.items():
            script.append(f"out {_place(signatures[name].outputs[key])} {file}")
        script.append("run")
        answers.append(files)
    done = subprocess.run(
        [program(), path], input="\n".join(script), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    shapes = {file: dims for file, *dims in map(str.split, done.stdout.splitlines())}
    return [
        {
            k: np.fromfile(f, np.float32).reshape([int(d) for d in shapes[str(f)]])
            for k, f in a.items()
        }
        for a in answers
    ]


def _place(info):
    operation, _, index = info.name.partition(":")
    return f"{operation} {index}"
