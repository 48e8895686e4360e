"""Trains a NICE (arXiv:1410.8516), on images or 2-D densities.

python -m trainers.nice --dataset=digits --workdir=runs/nice
    # test 2.624 bits/dim
python -m trainers.nice --dataset=digits --dequantizer=variational --workdir=runs/nice_variational
    # test 2.599 bits/dim after as many steps
"""

import tfflows
from trainers import flags, trainer
from trainers.recipe import Recipe

DEFAULTS = {
    "images": {
        "depth": 4,
        "width": 1000,
        "hidden_layers": 5,
        "base": "logistic",
        "epochs": 50,
        "optimizer": "adam",
        "warmup_steps": 100,
        "clip_norm": 100.0,
        "ema_momentum": 0.99,
    },
    "digits": {
        "depth": 8,
        "width": 128,
        "hidden_layers": 2,
        "augment": "affine",
        "learning_rate": 2e-3,
        "epochs": 18,
        "steps_per_epoch": 100,
    },
    "points": {
        "depth": 8,
        "width": 64,
        "hidden_layers": 2,
        "base": "normal",
        "batch_size": 256,
        "epochs": 20,
        "steps_per_epoch": 200,
        "optimizer": "adam",
        "warmup_steps": 100,
        "ema_momentum": 0.99,
    },
}
SMOKE = {"depth": 2, "width": 16, "hidden_layers": 1, "ema_momentum": 0.5}


def define_flags(flag_values):
    """Defines the model's flags; `tfflows.NICE` describes them."""
    flags.count(flag_values, "depth", "Number of couplings.")
    flags.count(flag_values, "width", "Units of a hidden layer.")
    text = "Hidden layers of an MLP; or several numbers, one for each coupling's."
    flags.numbers(flag_values, "hidden_layers", text, kind=int)
    flags.choice(flag_values, "base", ["logistic", "normal"], "Distribution of the latents.")
    flags.numbers(flag_values, "data_range", "Two numbers that the gray values go from and to.")
    flags.choice(flag_values, "order", ["even_odd", "channels", "rows"], "Order of the vector.")
    flags.number(flag_values, "dropout", "Share of hidden units dropped in training.", most=0.99)
    text = "Whether the MLPs start at zero and the scale from data, or all as the authors' do."
    flags.switch(flag_values, "zero_init", text)


RECIPE = Recipe(tfflows.NICE, define_flags, DEFAULTS, SMOKE)

if __name__ == "__main__":
    trainer.main(RECIPE)
