"""Trains a Glow (arXiv:1807.03039).

python -m trainers.glow --dataset=digits --workdir=runs/glow
"""

from absl import flags

import tfflows
from trainers import trainer
from trainers.recipe import Recipe

DEFAULTS = {
    "images": {
        "levels": 2,
        "depth": 8,
        "width": 64,
        "transform": "sigmoid",
        "permutation": "plu",
        "learn_prior": True,
        "epochs": 50,
        "learning_rate": 1e-3,
        "warmup_steps": 100,
        "clip_norm": 100.0,
        "ema_momentum": 0.99,
    },
    "digits": {
        "augment": "affine",
        "steps_per_epoch": 100,
    },
}
SMOKE = {"depth": 1, "width": 8, "ema_momentum": 0.5}


def define_flags(flag_values):
    """Defines the model's flags; `tfflows.Glow` describes them."""
    flags.DEFINE_integer(
        "levels", None, "Number of levels, L.", lower_bound=1, flag_values=flag_values
    )
    flags.DEFINE_integer("depth", None, "Steps a level, K.", lower_bound=1, flag_values=flag_values)
    flags.DEFINE_integer(
        "width", None, "Channels of the networks.", lower_bound=1, flag_values=flag_values
    )
    flags.DEFINE_enum(
        "transform",
        None,
        ["additive", "sigmoid", "exp", "bounded"],
        "Law of the couplings.",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "permutation",
        None,
        ["plu", "full", "shuffle", "reverse"],
        "1x1 convolutions of that parameterization, or fixed permutations.",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "learn_prior",
        None,
        "Whether the last latents' scales are learned.",
        flag_values=flag_values,
    )


RECIPE = Recipe(tfflows.Glow, define_flags, DEFAULTS, SMOKE)

if __name__ == "__main__":
    trainer.main(RECIPE)
