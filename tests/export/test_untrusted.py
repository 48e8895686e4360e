"""Loading a file of ours runs no code that is pickled in it, and one with such code is refused."""

import json
import subprocess
import sys
import zipfile

import keras
import pytest

import tfflows
from tests.models import flows

# Reports what unpickles or unmarshals in a process, imports apart, and what starts a program.
_WATCH = """
import sys
import tensorflow as tf
import tfflows.models
SEEN = []
def watch(event, arguments):
    if event in ("pickle.find_class", "os.system", "subprocess.Popen"):
        SEEN.append(event)
    if event in ("marshal.loads", "marshal.load"):
        caller = sys._getframe(1).f_code.co_filename
        if "importlib" not in caller:
            SEEN.append(f"{event} by {caller}")
sys.addaudithook(watch)
"""


def watched(code, *arguments):
    """Runs code under the watch, and returns what was seen."""
    code = f"{_WATCH}\n{code}\nprint(SEEN)"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module", params=("plain", "variational"))
def files(request, tmp_path_factory):
    """A trained flow's `.keras` file and its export."""
    folder = tmp_path_factory.mktemp("files")
    flow = (flows.trained if request.param == "plain" else flows.variational)("nice")
    flow.compile(optimizer="adam")
    flow.calibrate(flows.images(20))
    flow.save(folder / "flow.keras")
    return folder / "flow.keras", tfflows.export_saved_model(flow, folder / "export")


def test_the_watch_sees_pickles():
    seen = watched("import pickle; pickle.loads(pickle.dumps(tf.constant))")
    assert seen == "['pickle.find_class']"
    seen = watched("import marshal; marshal.loads(marshal.dumps(watch.__code__))")
    assert seen == "['marshal.loads by <string>']"


def test_loading_unpickles_nothing(files):
    code = """
import keras, tfflows
flow = keras.models.load_model(sys.argv[1])
flow.sample(2, seed=0)
tfflows.load_distribution(sys.argv[2]).sample(2, seed=(0, 1))
tf.saved_model.load(sys.argv[2] + "/1")
tfflows.check_servable(sys.argv[2] + "/1")
"""
    assert watched(code, files[0], files[1].parent) == "[]"


def test_files_hold_no_pickles(files):
    for member in zipfile.ZipFile(files[0]).namelist():
        assert member.endswith((".json", ".h5")), member
    names = {path.name for path in files[1].rglob("*") if path.is_file()}
    assert names == {
        "saved_model.pb",
        "fingerprint.pb",
        "variables.index",
        "variables.data-00000-of-00001",
    }


def _lambda():
    with pytest.warns(UserWarning, match="unsafe"):
        return keras.saving.serialize_keras_object(lambda *arguments: open("taken", "w"))


def _lambda_layer():
    return keras.saving.serialize_keras_object(
        keras.layers.Lambda(lambda *arguments: open("taken", "w"))
    )


@pytest.mark.parametrize("place", ["dequantizer", "compile_config"])
@pytest.mark.parametrize("code", [_lambda, _lambda_layer])
def test_code_in_a_file_is_refused(files, place, code, tmp_path):
    """Wherever an object is made of a file's words, Keras' safe mode is on."""
    path = tmp_path / "stranger.keras"
    with zipfile.ZipFile(files[0]) as source, zipfile.ZipFile(path, "w") as target:
        for member in source.namelist():
            content = source.read(member)
            if member == "config.json":
                config = json.loads(content)
                if place == "compile_config":
                    config["compile_config"]["loss"] = code()
                else:
                    config["config"]["dequantizer"] = code()
                content = json.dumps(config)
            target.writestr(member, content)
    with pytest.raises(ValueError, match="arbitrary code execution"):
        keras.models.load_model(path)
