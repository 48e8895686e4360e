"""The server's files: what its protos make of them, and that they and the README agree."""

import inspect
import json
import pathlib
import re
import shlex
import shutil
import subprocess

import numpy as np
import pytest
from absl import flags
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

import tfflows
from examples.serving import client, grpc_client, rest_client
from tests.examples import config_protos, stand_in

FOLDER = pathlib.Path(client.__file__).parent
COMPOSE, README = ((FOLDER / name).read_text() for name in ("docker-compose.yml", "README.md"))
# The README's commands, one a line.
COMMANDS = [
    line
    for block in re.findall(r"```\n(.*?)```", README, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
]


def parsed(name, message):
    return text_format.Parse((FOLDER / name).read_text(), message)


def batching():
    return parsed("batching.config", config_protos.message("BatchingParameters"))


def compose_flags():
    return re.findall(r"^ +- (--\S+)$", COMPOSE, re.MULTILINE)


def test_models():
    proto = parsed("models.config", model_server_config_pb2.ModelServerConfig())
    (model,) = proto.model_config_list.config
    assert model.base_path == f"/models/{model.name}" and model.model_platform == "tensorflow"
    versions = list(model.model_version_policy.specific.versions)
    assert versions == [1] and dict(model.version_labels) == {"stable": 1}
    assert f"--export_dir=served/{model.name} " in README
    assert {f"--model={model.name}"} == set(re.findall(r"--model=\w+", README))


def test_batches_are_of_sizes_that_are_warm_and_allowed():
    parameters = batching()
    sizes, largest = list(parameters.allowed_batch_sizes), parameters.max_batch_size.value
    assert sizes == sorted(set(sizes)) and sizes[-1] == largest
    bound = inspect.signature(tfflows.export_saved_model).parameters["max_batch_size"].default
    assert largest <= bound and f"{bound:,}" in (FOLDER / "batching.config").read_text()
    assert f"--warmup={','.join(map(str, sizes))}\n" in README
    values = flags.FlagValues()
    rest_client.define(values)
    assert values["batch_size"].default == largest
    for name in ("batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"):
        assert getattr(parameters, name).value > 0


def test_monitoring():
    config = parsed("monitoring.config", config_protos.message("MonitoringConfig"))
    assert config.prometheus_config.enable
    path = config.prometheus_config.path
    assert f"metrics_path: {path}\n" in (FOLDER / "prometheus.yml").read_text()
    assert f"localhost:8501{path}" in README


def test_a_wrong_field_would_be_seen():
    for name in ("BatchingParameters", "MonitoringConfig"):
        with pytest.raises(text_format.ParseError, match="no field named"):
            text_format.Parse("max_batch: 1", config_protos.message(name))
    with pytest.raises(text_format.ParseError):  # wrapped, so not a plain number
        text_format.Parse("max_batch_size: 64", config_protos.message("BatchingParameters"))


def test_compose_mounts_what_is_there():
    assert not re.search(r"^version:", COMPOSE, re.MULTILINE) and "\t" not in COMPOSE
    images = re.findall(r"image: (\S+)", COMPOSE)
    assert len(images) == 2 and all(re.search(r":v?\d+\.\d+\.\d+$", image) for image in images)
    mounts = dict(re.findall(r"- (\.\S*):(/\S+):ro", COMPOSE))
    assert mounts.pop("../../served") == "/models" and mounts.pop(".") == "/config"
    assert mounts and all((FOLDER / path).is_file() for path in mounts)
    files = [flag.split("=/config/")[1] for flag in compose_flags() if "/config/" in flag]
    assert len(files) == 3 and all((FOLDER / name).is_file() for name in files)
    ports = re.findall(r'- "([\d.:]+)"', COMPOSE)
    assert ports == [f"127.0.0.1:{port}:{port}" for port in (8500, 8501, 9090)]


def test_docker_run_is_what_compose_does():
    (command,) = (line for line in COMMANDS if line.startswith("docker run"))
    words = shlex.split(command)
    image = words.index(re.search(r"image: (tensorflow\S+)", COMPOSE)[1])
    assert sorted(words[image + 1 :]) == sorted(compose_flags())


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_health_check_asks_for_the_model(served):
    script = json.loads(re.search(r'- ("exec 3.*")$', COMPOSE, re.MULTILINE)[1])
    assert "/8501 " in script and "/demo " in script
    script = script.replace("/8501 ", f"/{served[1]['rest']} ")

    def healthy(name):
        code = script.replace("/demo ", f"/{name} ")
        return subprocess.run(["bash", "-c", code], timeout=30, capture_output=True).returncode == 0

    assert healthy("flow") and not healthy("other")


def test_the_clients_commands_parse():
    count = 0
    for kind, module in (("rest", rest_client), ("grpc", grpc_client)):
        for command in (line for line in COMMANDS if f"examples.serving.{kind}_client" in line):
            values = flags.FlagValues()
            module.define(values)
            assert values(shlex.split(command)[2:])[1:] == []
            count += 1
    assert count == 4


@pytest.mark.parametrize("ask", ["rest"], indirect=True)
def test_the_commands_take_each_others_files(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = [line for line in COMMANDS if "examples.serving.rest_client" in line]
    answers = [ask(*shlex.split(c.replace("=demo", "=flow"))[3:]) for c in commands]
    samples, latents, decoded = answers
    assert samples["x"].shape == (100, 4, 4, 1) and latents["z"].shape == (100, 16)
    np.testing.assert_allclose(decoded["x"], samples["x"], rtol=1e-3, atol=1e-3)


def test_curls_are_answered(model):
    asked = [shlex.split(line) for line in COMMANDS if line.startswith("curl")]
    assert len(asked) == 3
    for words in asked:
        path = words[-1].removeprefix("localhost:8501").replace("/demo", "/flow")
        body = words[words.index("-d") + 1] if "-d" in words else None
        answer = stand_in.rest_answer(model, path, body)
        assert answer
    (row,) = answer["outputs"]
    assert len(row) == 4
