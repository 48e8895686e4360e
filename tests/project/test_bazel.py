"""Asks a real Bazel to read BUILD, offline: stand-ins replace rules_python and the packages."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from tests.project import build_file, sources

BAZEL = os.environ.get("BAZEL") or shutil.which("bazel")
RULES = """
def _rule(name, **kwargs):
    native.filegroup(
        name = name,
        srcs = kwargs["srcs"] + kwargs.get("deps", []),
        data = kwargs.get("data", []),
        testonly = kwargs.get("testonly", False),
    )

def py_library(**kwargs):
    _rule(**kwargs)

def py_binary(**kwargs):
    _rule(**kwargs)

def py_test(**kwargs):
    _rule(testonly = True, **kwargs)
"""


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def workspace(tmp_path):
    """A copy of our files in a workspace of the form that Bazel 2.1 knows, beside the stand-ins."""
    for path in sources.files(
        *("*.py", "*.md", "*.txt", "*.config", "*.yml", "py.typed"),
        *("BUILD", "MODULE.bazel", "Makefile", "LICENSE"),
    ):
        write(tmp_path / "main" / path, sources.read(path))
    write(tmp_path / "rules" / "python" / "defs.bzl", RULES)
    write(tmp_path / "rules" / "python" / "BUILD")
    labels = {label for t in build_file.targets().values() for label in t.deps if label[0] == "@"}
    for package in (label.removeprefix("@pip//") for label in labels):
        text = f'filegroup(name = "{package}", visibility = ["//visibility:public"])\n'
        write(tmp_path / "pip" / package / "BUILD", text)
    for repository in ("rules", "pip"):
        write(tmp_path / repository / "WORKSPACE")
    local = 'local_repository(name = "{}", path = "../{}")\n'
    write(
        tmp_path / "main" / "WORKSPACE",
        local.format("rules_python", "rules") + local.format("pip", "pip"),
    )
    return tmp_path / "main"


@pytest.mark.deep
@pytest.mark.skipif(BAZEL is None, reason="no bazel: set BAZEL to a binary, or run `make bazel`")
def test_bazel_reads_build(workspace):
    root = workspace.parent / "output"
    command = [
        str(pathlib.Path(BAZEL).resolve()),
        f"--output_user_root={root}",
        "--batch",
        "query",
        "--noshow_progress",
    ]
    expression = "kind(rule, //:*) union deps(//:tfflows)"
    ran = subprocess.run([*command, expression], cwd=workspace, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert not re.search("ERROR|WARNING: .*BUILD", ran.stderr), ran.stderr
    labels = set(ran.stdout.split())
    assert {f"//:{name}" for name in build_file.targets()} <= labels
    assert "@pip//tensorflow:tensorflow" in labels
