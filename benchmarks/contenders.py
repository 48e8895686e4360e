"""The contenders: each a name, what it is, and how its step is made."""

import typing

from benchmarks import floor, parts, program, rounds, tfp_glow


class Contender(typing.NamedTuple):
    """Something whose step is timed.

    Attributes:
      make: Builds it from `(Settings, Parts)` and returns its step (see `rounds.measure`).
      changes: Settings of its own, whatever the flags say.
    """

    make: typing.Callable
    changes: dict = {}


def _train(settings, made):
    return rounds.in_process(parts.training(made.trained_flow(settings), parts.images(settings)))


def _floor(settings, made, **options):
    pairs = made.networks(settings)
    model = floor.Floor([network for network, _ in pairs], **options)
    parts.compile_by_adam(model, settings)
    return rounds.in_process(parts.training(model, floor.inputs(pairs)))


def _floor_weights_only(settings, made):
    return _floor(settings, made, input_gradients=False)


def _floor_in_turn(settings, made):
    return _floor(settings, made, in_turn=True)


def _nets_forward(settings, made):
    return rounds.in_process(floor.forward(made.networks(settings)))


def _log_prob(settings, made):
    flow, data = made.flow(settings), parts.images(settings)
    return rounds.in_process(lambda: float(flow.log_prob(data)[0]))


def _sample(settings, made):
    flow = made.flow(settings)
    return rounds.in_process(lambda: float(flow.sample(settings.batch, seed=0)[0, 0, 0, 0]))


def _tfb_train(settings, made):
    return rounds.in_process(tfp_glow.training(settings))


def _normflows_train(settings, made):
    return made.worker(settings).step


_BFLOAT16 = {"precision": "mixed_bfloat16"}

CONTENDERS = {
    "train": Contender(_train),
    "floor": Contender(_floor),
    "log_prob": Contender(_log_prob),
    "nets_forward": Contender(_nets_forward),
    "sample": Contender(_sample),
    "floor_weights_only": Contender(_floor_weights_only),
    "floor_in_turn": Contender(_floor_in_turn),
    "train_bfloat16": Contender(_train, _BFLOAT16),
    "floor_bfloat16": Contender(_floor, _BFLOAT16),
    "log_prob_bfloat16": Contender(_log_prob, _BFLOAT16),
    "nets_forward_bfloat16": Contender(_nets_forward, _BFLOAT16),
    "sample_bfloat16": Contender(_sample, _BFLOAT16),
    "train_recompute": Contender(_train, {"recompute": True}),
    "train_recompute_bfloat16": Contender(_train, {"recompute": True, **_BFLOAT16}),
    "train_jit": Contender(_train, {"jit": True}),
    "floor_jit": Contender(_floor, {"jit": True}),
    "tfb_train": Contender(_tfb_train),
    "normflows_train": Contender(_normflows_train),
}
DEFAULT = ["train", "floor", "log_prob", "nets_forward", "sample"]
# Of the ratios, those that say something; each is shown where both have run.
PAIRS = [
    ("train", "floor"),
    ("train", "floor_weights_only"),
    ("train", "floor_in_turn"),
    ("floor", "floor_weights_only"),
    ("floor_in_turn", "floor"),
    ("log_prob", "nets_forward"),
    ("sample", "log_prob"),
    ("tfb_train", "train"),
    ("train", "normflows_train"),
    ("train_bfloat16", "train"),
    ("train_bfloat16", "floor_bfloat16"),
    ("floor_bfloat16", "floor"),
    ("log_prob_bfloat16", "nets_forward_bfloat16"),
    ("sample_bfloat16", "log_prob_bfloat16"),
    ("train_recompute", "train"),
    ("train_recompute_bfloat16", "train_bfloat16"),
    ("train_jit", "train"),
    ("train_jit", "floor_jit"),
]

_GLOW_ONLY = {"tfb_train", "normflows_train"}


def check(names, settings):
    """Refuses names that are unknown, given twice, or not for this model."""
    program.check_names("contenders", names, CONTENDERS)
    if not names:
        raise ValueError("Expected at least one contender. Received: contenders=[]")
    if settings.model != "glow" and _GLOW_ONLY & set(names):
        raise ValueError(
            f"Expected glow for {', '.join(sorted(_GLOW_ONLY))}. Received: model={settings.model!r}"
        )
