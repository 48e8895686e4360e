"""Measures the peak memory of a training step by depth, each depth in a process of its own.

python -m benchmarks.memory --depths=8,64 --modes=plain,recompute
python -m benchmarks.memory --depths=8,16,32 --modes=plain        # grows as backprop must

What is measured: resident bytes just before a step, after three others, and the highest during it
(the kernel's high-water mark, reset before). Their difference, `step`, is what the step needs on
top of what stays: activations, gradients and the workspace of operations. Not in it are the
weights and Adam's two moments, which exist before; they are computed, `weights` and twice that.
Gradients, as large as the weights, are all there only at the end of the step, when activations
have gone; so the activations' peak lies between `step - weights` and `step`. The defaults, narrow
networks on large batches, make the weights, and what is computed from them alone, too small to
matter: at a batch of 128 that is a third of a megabyte a coupling, which recompute shows.

TensorFlow's CPU allocator keeps what it once had, and so would hide the steps after the first: the
processes run with the system's (TF_ONEDNN_USE_SYSTEM_ALLOCATOR), told to return every block above
64 KB at once and to keep no pools by thread. The median is of several steps: operations run in an
order that differs a little each time.
"""

import dataclasses

from absl import flags

from benchmarks import children, program, report, settings

MODES = {"plain": False, "recompute": True}
# MALLOC: to glibc's. Blocks above 64 KB are mapped on their own, and unmapped when they are freed.
ENVIRONMENT = {
    "TF_ONEDNN_USE_SYSTEM_ALLOCATOR": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
_MB = 1e6


def define(flag_values=flags.FLAGS):
    """Defines the program's flags."""
    settings.define(flag_values, levels=1, width=32, batch=512)
    flags.DEFINE_list("depths", ["8", "64"], "Depths.", flag_values=flag_values)
    text = "plain backpropagation, and recompute, which keeps no activations."
    flags.DEFINE_list("modes", [*MODES], f"Modes: {text}", flag_values=flag_values)
    flags.DEFINE_integer("steps", 3, "Steps.", lower_bound=1, flag_values=flag_values)


def run(flag_values=flags.FLAGS, progress=program.say):
    """Measures what the flags say, prints the tables, and returns and writes the results."""
    chosen = settings.resolve(flag_values)
    program.check_names("modes", flag_values.modes, MODES)
    measured = {}
    for mode in flag_values.modes:
        for depth in _depths(flag_values.depths):
            changed = dataclasses.replace(chosen, depth=depth, recompute=MODES[mode])
            question = {"settings": dataclasses.asdict(changed), "steps": flag_values.steps}
            measured[mode, depth] = children.ask("memory_child", question, ENVIRONMENT)
            progress(f"{changed}: {measured[mode, depth]['peak'] / _MB:.1f} MB a step")
    results = {
        "settings": chosen,
        "environment": report.environment(),
        "memory": [_row(mode, depth, bytes_) for (mode, depth), bytes_ in measured.items()],
        "ratios": _ratios(measured),
    }
    progress(f"\n{chosen}\n")
    progress(report.table(results["memory"]))
    progress(f"\n{report.table(results['ratios'])}")
    if flag_values.json:
        report.write(flag_values.json, **results)
    return results


def _depths(texts):
    if not texts or not all(text.isdecimal() and int(text) for text in texts):
        raise ValueError(f"Expected depths, ints of at least 1. Received: depths={texts!r}")
    return [int(text) for text in texts]


def _row(mode, depth, measured):
    names = {"peak": "step", "least": "least", "most": "most", "before": "before"}
    shown = {f"{names[key]} MB": round(measured[key] / _MB, 1) for key in names}
    weights = measured["weights"] / _MB
    return {"mode": mode, "depth": depth, **shown, "weights MB": round(weights, 2)}


def _ratios(measured):
    """Each depth's step by that of the first depth of its mode."""
    first, rows = {}, []
    for (mode, depth), bytes_ in measured.items():
        if mode in first:
            ratio = bytes_["peak"] / first[mode][1]["peak"]
            name = f"{mode}: depth {depth} / {first[mode][0]}"
            rows.append({"ratio": name, "of depths": depth / first[mode][0], "of steps": ratio})
        first.setdefault(mode, (depth, bytes_))
    return [{**row, "of steps": round(row["of steps"], 3)} for row in rows]


if __name__ == "__main__":
    program.main(define, run)
