"""Trains a Glow (arXiv:1807.03039).

python -m trainers.glow --dataset=digits --workdir=runs/glow
    # test 2.291 bits/dim
python -m trainers.glow --dataset=digits --dequantizer=variational --workdir=runs/glow_variational
    # test 2.243 bits/dim after as many steps
"""

import tfflows
from trainers import flags, trainer
from trainers.recipe import Recipe

DEFAULTS = {
    "images": {
        "levels": 2,
        "depth": 8,
        "width": 128,
        "transform": "sigmoid",
        "permutation": "plu",
        "learn_prior": True,
        "epochs": 50,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "warmup_steps": 100,
        "clip_norm": 100.0,
        "ema_momentum": 0.99,
    },
    "digits": {
        "width": 48,
        "augment": "affine",
        "epochs": 12,
        "steps_per_epoch": 100,
    },
}
SMOKE = {"depth": 1, "width": 8, "ema_momentum": 0.5}


def define_flags(flag_values):
    """Defines the model's flags; `tfflows.Glow` describes them."""
    flags.count(flag_values, "levels", "Number of levels, L.")
    flags.count(flag_values, "depth", "Steps a level, K.")
    flags.count(flag_values, "width", "Channels of the networks.")
    transforms = ["additive", "sigmoid", "exp", "bounded"]
    flags.choice(flag_values, "transform", transforms, "Law of the couplings.")
    text = "1x1 convolutions of a parameterization, plu or full, or fixed permutations."
    flags.choice(flag_values, "permutation", ["plu", "full", "shuffle", "reverse"], text)
    flags.switch(flag_values, "learn_prior", "Whether the last latents' scales are learned.")
    text = (
        "Weight of the classifier's loss, with --class_conditional; the authors' weight_y is 0.01."
    )
    flags.number(flag_values, "class_loss", text)


RECIPE = Recipe(tfflows.Glow, define_flags, DEFAULTS, SMOKE)

if __name__ == "__main__":
    trainer.main(RECIPE)
