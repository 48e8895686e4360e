"""Measures what comes before training: imports, building, the start from data, the first step.

python -m benchmarks.startup --contenders=flow,tfb --json=startup.json

Everything is measured in fresh processes. Imports: tensorflow, keras and tensorflow_probability
(which loads all of its parts), and what tfflows then takes on top; medians of several processes.

A model: `build` is its constructor, `initialize` the start from one batch, `first step` the first
one inside `fit`'s train function with its tracing and compiling, `trained` all of these; `nodes`
are those of the training step's graph and its functions, before TensorFlow optimizes them.
"""

import dataclasses
import statistics

from absl import flags

from benchmarks import children, program, report, settings

CONTENDERS = ("flow", "tfb")


def define(flag_values=flags.FLAGS):
    """Defines the program's flags."""
    settings.define(flag_values, depth=32, width=512)
    text = f"Models to build and train, of {', '.join(CONTENDERS)}; none for imports only."
    flags.DEFINE_list("contenders", ["flow"], text, flag_values=flag_values)
    flags.DEFINE_integer(
        "repeats", 5, "Processes that import.", lower_bound=0, flag_values=flag_values
    )


def run(flag_values=flags.FLAGS, progress=program.say):
    """Measures what the flags say, prints the tables, and returns and writes the results."""
    chosen = settings.resolve(flag_values)
    program.check_names("contenders", flag_values.contenders, CONTENDERS)
    question = {"what": "imports"}
    imports = [children.ask("startup_child", question) for _ in range(flag_values.repeats)]
    rows = []
    for what in flag_values.contenders:
        question = {"what": what, "sizes": dataclasses.asdict(chosen)}
        rows.append(_row(what, children.ask("startup_child", question)))
    results = {
        "settings": chosen,
        "environment": report.environment(),
        "imports": _imports(imports),
        "models": rows,
    }
    progress(f"{report.table(results['imports'])}\n\n{chosen}\n\n{report.table(rows)}")
    if flag_values.json:
        report.write(flag_values.json, **results)
    return results


def _imports(processes):
    spread = {"median s": statistics.median, "least s": min, "most s": max}
    columns = {name: [seconds[name] for seconds in processes] for name in (processes or [{}])[0]}
    return [
        {"import": name, **{key: round(of(values), 3) for key, of in spread.items()}}
        for name, values in columns.items()
    ]


def _row(what, laps):
    nodes = laps.pop("nodes")
    ready = laps["build"] + laps["initialize"]
    laps = {**laps, "ready": ready, "trained": ready + laps["first step"]}
    shown = {f"{name} s": round(seconds, 2) for name, seconds in laps.items()}
    return {"contender": what, **shown, "nodes": nodes}


if __name__ == "__main__":
    program.main(define, run)
