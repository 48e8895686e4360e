"""The examples of several workers: the script runs, and all make the TF_CONFIG they should."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import textwrap

import pytest

from trainers import strategies

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples"


def run(command, stubs=None, folder=None, **variables):
    """Runs a command with stubs, text by name, in place of programs."""
    environment = {**os.environ, "PYTHON": sys.executable, **variables}
    for name, text in (stubs or {}).items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
        environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def free_port(count):
    """Returns a port that so many are free from, as far as one can know."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return str(min(port, 60_000 - count))


# What stands in for Python: says its TF_CONFIG and its words.
SAYS = '#!/bin/sh\nprintf "%s|%s\\n" "$TF_CONFIG" "$*"\n'


def test_the_script_trains(tmp_path):
    flags = ("--smoke", "--dataset=two_moons", "--num_points=200", "--verbose=0")
    command = ["examples/multi_worker.sh", "2", "nice", f"--workdir={tmp_path}/run", *flags]
    process = run(command, PORT=free_port(2))
    assert (process.returncode, process.stderr) == (0, "")
    assert "test bits/dim" in process.stdout
    assert json.loads((tmp_path / "run" / "results.json").read_text())["epochs"] == 2


def test_the_script_gives_each_its_place(tmp_path):
    (tmp_path / "python").write_text(SAYS)
    (tmp_path / "python").chmod(0o755)
    command = ["examples/multi_worker.sh", "3", "glow", "--smoke"]
    process = run(command, PYTHON=str(tmp_path / "python"), PORT="2000")
    assert process.returncode == 0
    said = sorted(line.split("|") for line in process.stdout.splitlines())
    addresses = ["127.0.0.1:2000", "127.0.0.1:2001", "127.0.0.1:2002"]
    assert [strategies.check_cluster(text) for text, _ in said] == [
        (addresses, i) for i in range(3)
    ]
    assert {words for _, words in said} == {"-m trainers.glow --strategy=multi_worker --smoke"}


@pytest.mark.parametrize("words", [[], ["0", "glow"], ["two", "glow"], ["2"]])
def test_the_script_refuses(words):
    process = run(["examples/multi_worker.sh", *words])
    assert process.returncode == 2 and process.stderr.startswith("Expected: ")


def test_the_script_ends_with_the_status_of_a_worker(tmp_path):
    text = '#!/bin/sh\ncase "$TF_CONFIG" in *"index\\": 1"*) exit 7;; esac\n'
    (tmp_path / "python").write_text(text)
    (tmp_path / "python").chmod(0o755)
    process = run(["examples/multi_worker.sh", "2", "glow"], PYTHON=str(tmp_path / "python"))
    assert process.returncode == 7


def test_kubernetes(tmp_path):
    text = (FOLDER / "multi_worker_kubernetes.yaml").read_text()
    script = textwrap.dedent(re.search(r"args:\n +- \|\n((?: {14}.*\n)+)", text)[1])
    workers = re.search(r'name: WORKERS\n +value: "(\d+)"', text)[1]
    assert f"completions: {workers}\n" in text and f"parallelism: {workers}\n" in text
    variables = {"WORKERS": workers, "JOB_COMPLETION_INDEX": "1"}
    process = run(["sh", "-c", script], {"python3": SAYS}, tmp_path, **variables)
    config, words = process.stdout.strip().split("|")
    assert strategies.check_cluster(config) == (["glow-0.glow:2222", "glow-1.glow:2222"], 1)
    assert words.startswith("-m trainers.glow --strategy=multi_worker ")


@pytest.mark.parametrize("status", [0, 1, 143])
def test_slurm(tmp_path, status):
    stubs = {
        "python3": SAYS,
        "scontrol": '#!/bin/sh\ncase "$1" in show) printf "n7\\nn9\\n";; *) echo "$*";; esac\n',
        "srun": f'#!/bin/sh\nshift; for i in 0 1; do SLURM_PROCID=$i "$@"; done; exit {status}\n',
    }
    variables = {"SLURM_JOB_NODELIST": "n[7,9]", "SLURM_JOB_ID": "5"}
    process = run(["examples/multi_worker_slurm.sh"], stubs, tmp_path, **variables)
    assert process.returncode == status
    first, second, *rest = process.stdout.splitlines()
    configs = [line.split("|")[0] for line in (first, second)]
    assert [strategies.check_cluster(c) for c in configs] == [
        (["n7:2222", "n9:2222"], index) for index in range(2)
    ]
    assert rest == (["requeue 5"] if status == 143 else [])
