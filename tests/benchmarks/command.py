"""Runs the benchmarks in this process, as their commands would, on models of next to nothing."""

from absl import flags

SMALL = ("--levels=1", "--depth=1", "--width=4", "--size=8", "--batch=2")


def parsed(program, *arguments):
    """Returns the flags of a program as its command line gives them."""
    values = flags.FlagValues()
    program.define(values)
    values(["benchmark", *arguments])
    return values


def run(program, *arguments):
    """Runs a program; returns its results and what it printed."""
    lines = []
    results = program.run(parsed(program, *SMALL, *arguments), progress=lines.append)
    return results, "\n".join(lines)


def tables(text):
    """Returns the tables of a text in Markdown, each a list of dicts of strings."""
    blocks = [[line for line in block.split("\n") if line] for block in text.split("\n\n")]
    rows = [[_cells(line) for line in block] for block in blocks if block and block[0][0] == "|"]
    return [[dict(zip(head, line, strict=True)) for line in lines] for head, _, *lines in rows]


def _cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]
