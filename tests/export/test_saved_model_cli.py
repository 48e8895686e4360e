"""TensorFlow's own command runs an export, as docs/serving.md says."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import tfflows
from tests.models import flows

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(sys.executable).with_name("saved_model_cli")


@pytest.mark.skipif(not PROGRAM.exists(), reason="no saved_model_cli beside this Python")
def test_the_documented_command(tmp_path):
    flow = flows.trained("realnvp")
    path = tfflows.export_saved_model(flow, tmp_path / "served")
    text = (ROOT / "docs" / "serving.md").read_text()
    (inputs,) = re.findall(r"saved_model_cli run .*?--input_exprs '(.*?)'", text, re.DOTALL)
    command = [sys.executable, PROGRAM, "run", "--dir", path, "--tag_set", "serve"]
    command += ["--signature_def", "sample", "--input_exprs", inputs, "--outdir", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    expected = [flow.sample(1, temperature, seed=k)[0] for k, temperature in ((1, 0.7), (2, 1.0))]
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), expected, rtol=1e-4, atol=1e-4)
