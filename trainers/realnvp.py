"""Trains a RealNVP (arXiv:1605.08803), on images or 2-D densities.

python -m trainers.realnvp --dataset=digits --workdir=runs/realnvp
python -m trainers.realnvp --dataset=two_moons --workdir=runs/two_moons
"""

from absl import flags

import tfflows
from trainers import trainer
from trainers.recipe import Recipe

DEFAULTS = {
    "images": {
        "levels": 2,
        "depth": 3,
        "width": 32,
        "blocks": 2,
        "batch_norm": True,
        "epochs": 50,
        "warmup_steps": 100,
        "clip_norm": 100.0,
        "ema_momentum": 0.99,
        "weight_decay": 5e-5,
    },
    "digits": {
        "augment": "affine",
        "steps_per_epoch": 100,
    },
    "points": {
        "levels": 1,
        "depth": 8,
        "width": 64,
        "blocks": 2,
        "batch_norm": False,
        "batch_size": 256,
        "epochs": 20,
        "steps_per_epoch": 200,
        "optimizer": "adam",
        "warmup_steps": 100,
        "clip_norm": 10.0,
        "ema_momentum": 0.99,
    },
}
SMOKE = {"depth": 1, "width": 4, "blocks": 1, "ema_momentum": 0.5}


def define_flags(flag_values):
    """Defines the model's flags; `tfflows.RealNVP` describes them."""
    flags.DEFINE_integer(
        "levels", None, "Number of scales of an image.", lower_bound=1, flag_values=flag_values
    )
    flags.DEFINE_integer(
        "depth", None, "Couplings of a kind, in a level.", lower_bound=1, flag_values=flag_values
    )
    flags.DEFINE_integer(
        "width", None, "Channels of the networks, or units.", lower_bound=1, flag_values=flag_values
    )
    flags.DEFINE_integer(
        "blocks",
        None,
        "Residual blocks, or hidden layers, of a network.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "batch_norm",
        None,
        "Whether networks and couplings are batch normalized.",
        flag_values=flag_values,
    )


RECIPE = Recipe(tfflows.RealNVP, define_flags, DEFAULTS, SMOKE)

if __name__ == "__main__":
    trainer.main(RECIPE)
