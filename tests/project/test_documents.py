"""Documents tell the truth: links lead somewhere, commands exist, versions and ranges agree."""

import os
import re
import subprocess
import sys

from packaging.requirements import Requirement

import tfflows
from tests.project import sources

DOCUMENTS = sources.files("*.md")
TEXTS = sources.files(
    *("*.py", "*.c", "*.md", "*.toml", "*.txt", "*.yml", "*.config"),
    *("BUILD", "MODULE.bazel", "Makefile", "run"),
)
TARGETS = set(re.findall(r"^([a-z]+):", sources.read("Makefile"), re.MULTILINE))

# Folders of one machine and hosts of one network. In pieces, so that this file does not match.
PRIVATE = re.compile(
    "|".join(
        [
            r"(?<![\w.])/(?:root|work|opt|sr" + r"v)/",
            r"/home" + r"/\w",
            r"/User" + r"s/\w",
            r"py" + r"env\b",
            r"file:" + r"///",
            r"(?:pypi|pythonhosted)\." + r"org|registry\.npm" + r"js",
        ]
    )
)


def test_no_machine_path_or_registry_host():
    found = {str(path): PRIVATE.findall(sources.read(path)) for path in TEXTS}
    assert not {path: matches for path, matches in found.items() if matches}


def test_relative_links_lead_to_files():
    broken = []
    for path in DOCUMENTS:
        for link in re.findall(r"\]\(([^)\s]+)\)", sources.read(path)):
            target = sources.ROOT / path.parent / link.split("#")[0]
            if "://" not in link and not target.exists():
                broken.append(f"{path}: {link}")
    assert not broken


def test_commands_exist():
    for path in DOCUMENTS:
        text = sources.read(path)
        assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= TARGETS, path
        modules = re.findall(r"python -m ((?:trainers|examples)(?:\.\w+)+)", text)
        files = {sources.ROOT / f"{module.replace('.', '/')}.py" for module in modules}
        assert not [str(file) for file in files if not file.is_file()], path


def test_readme_names_the_two_commands():
    commands = set(re.findall(r"make ([a-z]+)", sources.read("README.md")))
    assert {"demo", "test"} <= commands


def test_every_make_target_is_phony():
    phony = re.search(r"^\.PHONY: (.*)$", sources.read("Makefile"), re.MULTILINE)[1]
    assert set(phony.split()) == TARGETS


def test_one_name_and_version():
    ask = [sys.executable, "setup.py", "--quiet", "--name", "--version"]
    ran = subprocess.run(ask, cwd=sources.ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split()[-2:] == ["tfflows", tfflows.__version__]
    assert f'version = "{tfflows.__version__}"' in sources.read("MODULE.bazel")
    assert f"## [{tfflows.__version__}]" in sources.read("CHANGELOG.md")


def test_locked_versions_lie_within_the_ranges_of_setup():
    def plain(name):
        return name.lower().replace("_", "-")

    lock = dict(line.split("==") for line in sources.read("requirements_lock.txt").split())
    locked = {plain(name): version for name, version in lock.items()}
    found = re.findall(r'"([a-zA-Z_-]+(?:\[tf\])?>=[^"]*)"', sources.read("setup.py"))
    requirements = [Requirement(text) for text in found]
    assert {"tensorflow", "keras", "tensorflow-datasets"} <= {r.name for r in requirements}
    for requirement in requirements:
        assert requirement.specifier.contains(locked[plain(requirement.name)]), requirement


def test_ci_runs_the_command_of_the_readme():
    script = sources.ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test VENV=" in script.read_text()
