"""Runs contenders in turn, one step each a round, so that all see the same moods of the machine."""

import dataclasses
import gc
import time

from benchmarks import load

_PAUSE = 0.02  # seconds in which the threads of the contender before stop looking for work


@dataclasses.dataclass
class Timing:
    """What was measured of a contender: seconds, and the value of its last step."""

    build: float
    first: float
    steps: list
    value: float = float("nan")


def in_process(function):
    """Returns a step that is timed here; `function` returns a number that it read to the host."""

    def step():
        start = time.perf_counter()
        value = function()
        return time.perf_counter() - start, value

    return step


def measure(makers, rounds, report=print, max_others=1.0):
    """Builds every contender, warms it up by two steps, and runs the rounds.

    Every second round is in reverse order, so that no contender always follows the same other.

    Args:
      makers: {name: function that builds a step}; a step returns (seconds, value).
      rounds: Number of steps of each.
      report: Called with lines about the progress.
      max_others: Share of the cores; a round in which other processes took more is run again, but
        for each round not more than three times on average.

    Returns:
      ({name: Timing}, the share that other processes took in each round).
    """
    steps, timings = {}, {}
    for name, make in makers.items():
        start = time.perf_counter()
        steps[name] = make()
        build = time.perf_counter() - start
        timings[name] = Timing(build, steps[name]()[0], [])
        report(f"{name}: built in {build:.1f} s, first step {timings[name].first:.1f} s")
    _round(steps, 0)
    gc.collect()
    gc.disable()
    try:
        taken, shares = _undisturbed(steps, rounds, max_others)
    finally:
        gc.enable()
    for name, timing in timings.items():
        timing.steps = [results[name][0] for results in taken]
        timing.value = taken[-1][name][1]
    return timings, shares


def _undisturbed(steps, rounds, max_others):
    """Returns what the rounds took, and others' shares, with a limited number of second tries."""
    taken, shares = [], []
    others = load.Others()
    for left in reversed(range(3 * rounds)):
        needed = rounds - len(taken)
        if not needed:
            break
        others.share()
        results = _round(steps, left)
        share = others.share()
        if share <= max_others or left < needed:
            taken.append(results)
            shares.append(share)
    return taken, shares


def _round(steps, index):
    """Runs one step of each; returns {name: (seconds, value)}."""
    taken = {}
    for name in list(steps)[:: -1 if index % 2 else 1]:
        time.sleep(_PAUSE)
        taken[name] = steps[name]()
    return taken
