"""`python -m trainers.explore`, as a command."""

import functools
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.explorer import runs
from tests.trainers import command


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explore") / "digits"
    runs.digits(folder)
    return folder


def test_it_serves_until_it_is_interrupted(run):
    arguments = [sys.executable, "-m", "trainers.explore", f"--workdir={run}", "--port=0"]
    with command.interruptible():
        process = subprocess.Popen(
            arguments,
            cwd=command.ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        line = process.stdout.readline()
        url = re.fullmatch(rf"Exploring {run}: (http://127\.0\.0\.1:\d+/) \(Ctrl-C ends\)\n", line)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url[1]}api/about", timeout=60) as response:
            assert json.load(response)["run"] == "digits"
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, printed, errors) == (0, "", "")


def test_what_the_user_gets_wrong_is_one_line(run, tmp_path):
    refused = functools.partial(command.refused, "explore")
    refused("Expected workdir to have a run", f"--workdir={tmp_path}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(f"port={port}: Address already in use", f"--workdir={run}", f"--port={port}")
    refused("host='not-here.invalid'", f"--workdir={run}", "--host=not-here.invalid")
