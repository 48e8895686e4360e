"""What comes out: medians, ratios of the same round, and where and of what they were taken."""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
_PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "tf-keras", "numpy")


def ratios(timings, pairs):
    """Returns the ratios of the steps of each round, for the pairs whose both were measured.

    Args:
      timings: {name: Timing}.
      pairs: Pairs of names.

    Returns:
      List of dicts: ratio "a / b"; median, least and most over the rounds; and "of least", the
      ratio of the fastest steps, which others' load on the machine moves least.
    """
    rows = []
    for over, under in pairs:
        if over in timings and under in timings:
            steps = zip(timings[over].steps, timings[under].steps, strict=True)
            values = [a / b for a, b in steps]
            of_least = round(min(timings[over].steps) / min(timings[under].steps), 3)
            row = {"ratio": f"{over} / {under}", **_spread(values, 1.0, 3), "of least": of_least}
            rows.append(row)
    return rows


def steps(timings):
    """Returns a row for each contender: medians in milliseconds, and what came before."""
    return [
        {
            "contender": name,
            **{f"{k} ms": v for k, v in _spread(timing.steps, 1000.0, 2).items()},
            "build s": round(timing.build, 2),
            "first step s": round(timing.first, 2),
            "last value": round(timing.value, 3),
        }
        for name, timing in timings.items()
    ]


def table(rows):
    """Returns dicts of the same keys as a table in Markdown."""
    if not rows:
        return ""
    cells = [[*rows[0]], *([_shown(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        f"| {' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True))} |" for line in cells
    ]
    rule = f"| {' | '.join(['-' * widths[0], *('-' * (w - 1) + ':' for w in widths[1:])])} |"
    return "\n".join([lines[0], rule, *lines[1:]])


def environment(**others):
    """Returns what the numbers depend on besides the settings: versions, machine, commit."""
    versions = {name: _version(name) for name in _PACKAGES}
    return {
        "command": " ".join(["python -m", _module(), *map(_without_folder, sys.argv[1:])]),
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        **versions,
        **others,
    }


def write(path, **content):
    """Writes the results as JSON; dataclasses become dicts."""
    content = {k: dataclasses.asdict(v) if _is_data(v) else v for k, v in content.items()}
    pathlib.Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _spread(values, scale, digits):
    median, least, most = statistics.median(values), min(values), max(values)
    named = {"median": median, "least": least, "most": most}
    return {name: round(value * scale, digits) for name, value in named.items()}


def _shown(value):
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _is_data(value):
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _without_folder(argument):
    """A flag whose value is an absolute path with its last part only: folders say nothing here."""
    return re.sub(r"=/.*/", "=", argument)


def _module():
    return ".".join(pathlib.Path(sys.argv[0]).with_suffix("").parts[-2:])


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _commit():
    """The commit, with a mark if the files differ from it; None outside of a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return ran.stdout.strip()
