"""Trains a RealNVP (arXiv:1605.08803), on images or 2-D densities.

python -m trainers.realnvp --dataset=digits --workdir=runs/realnvp
    # test 2.304 bits/dim
python -m trainers.realnvp --dataset=two_moons --workdir=runs/two_moons
    # test 0.743 bits/dim of the density
python -m trainers.realnvp --dataset=digits --dequantizer=variational --workdir=runs/variational
    # test 2.252 bits/dim after as many steps
"""

import tfflows
from trainers import flags, trainer
from trainers.recipe import Recipe

DEFAULTS = {
    "images": {
        "levels": 2,
        "depth": 3,
        "width": 32,
        "blocks": 2,
        "batch_norm": True,
        "epochs": 50,
        "optimizer": "adam",
        "warmup_steps": 100,
        "clip_norm": 100.0,
        "ema_momentum": 0.99,
        "weight_decay": 5e-5,
    },
    "digits": {
        "augment": "affine",
        "epochs": 6,
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
    flags.count(flag_values, "levels", "Number of scales of an image.")
    flags.count(flag_values, "depth", "Couplings of a kind in a level, or of a vector.")
    flags.count(flag_values, "width", "Channels of the first level's networks, or units.")
    flags.count(flag_values, "blocks", "Residual blocks, or hidden layers, of a network.")
    text = "Whether networks and couplings are batch normalized."
    flags.switch(flag_values, "batch_norm", text)
    text = "Whether the couplings start as the identity, or as the authors' do."
    flags.switch(flag_values, "zero_init", text)
    text = "Factor of the squares of the networks' and checkerboards' scales in the training loss."
    flags.number(flag_values, "l2", text)


RECIPE = Recipe(tfflows.RealNVP, define_flags, DEFAULTS, SMOKE)

if __name__ == "__main__":
    trainer.main(RECIPE)
