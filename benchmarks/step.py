"""Times contenders in turn, step by step, and prints medians and ratios of the same round.

python -m benchmarks.step                                      # a Glow against its networks
python -m benchmarks.step --model=nice --contenders=train,floor
python -m benchmarks.step --contenders=train,tfb_train,normflows_train \
    --normflows_python=<a Python with torch and normflows> --json=step.json
"""

import contextlib
import dataclasses
import functools
import statistics

from trainers import quiet  # before TensorFlow, whose start-up remarks it holds back

# isort: split
from absl import flags

from benchmarks import contenders, parts, program, report, rounds, settings


def define(flag_values=flags.FLAGS):
    """Defines the program's flags."""
    settings.define(flag_values)
    text = f"What to time, of {', '.join(contenders.CONTENDERS)}."
    flags.DEFINE_list("contenders", contenders.DEFAULT, text, flag_values=flag_values)
    flags.DEFINE_integer("rounds", 9, "Rounds.", lower_bound=1, flag_values=flag_values)
    text = "Share of the cores; rounds in which other processes take more are run again."
    flags.DEFINE_float("max_others", 1.0, text, 0.0, 1.0, flag_values=flag_values)
    text = "A Python with torch and normflows, for normflows_train."
    flags.DEFINE_string("normflows_python", None, text, flag_values=flag_values)


def run(flag_values=flags.FLAGS, progress=program.say):
    """Measures what the flags say, prints the tables, and returns and writes the results.

    Raises:
      ValueError: if a contender is unknown or cannot run with these flags.
    """
    chosen = settings.resolve(flag_values)
    contenders.check(flag_values.contenders, chosen)
    with contextlib.ExitStack() as stack:
        made = parts.Parts(stack, flag_values.normflows_python)
        makers = {name: _maker(name, chosen, made) for name in flag_values.contenders}
        timings, others = rounds.measure(
            makers, flag_values.rounds, progress, flag_values.max_others
        )
        versions = made.versions
    results = {
        "settings": chosen,
        "environment": report.environment(**versions),
        "steps": report.steps(timings),
        "ratios": report.ratios(timings, contenders.PAIRS),
        "others": others,
        "timings": {name: dataclasses.asdict(timing) for name, timing in timings.items()},
    }
    share = statistics.median(others)
    progress(f"\n{chosen}; {len(others)} rounds, {share:.0%} of the cores used by others\n")
    progress(report.table(results["steps"]))
    progress(f"\n{report.table(results['ratios'])}")
    if flag_values.json:
        report.write(flag_values.json, **results)
    return results


def _maker(name, chosen, made):
    contender = contenders.CONTENDERS[name]
    changed = dataclasses.replace(chosen, **contender.changes)
    return functools.partial(contender.make, changed, made)


if __name__ == "__main__":
    quiet.hush_python()  # that several models' functions are traced is no news here
    program.main(define, run)
