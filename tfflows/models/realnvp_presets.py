"""RealNVP's presets: the data sets of the paper's table 1 (arXiv:1605.08803)."""

from tfflows.models.presets import Preset, Presets, small

# The defaults of the authors' code, with which the paper agrees. The length is stated nowhere.
_OPTIMIZATION = {
    "batch_size": 64,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "schedule": "constant",
    "warmup_steps": 0,
    "clip_norm": 100.0,
    "weight_decay": 0.0,
    "ema_momentum": 0.0,
}
_64 = "blocks as the paper and the code's default, the README's commands have 4"


def _preset(name, size, published, source, *, dataset, augment="none", **arguments):
    return Preset(
        name=name,
        event_shape=(size, size, 3),
        arguments={**arguments, "zero_init": False, "l2": 5e-5},
        training={"dataset": dataset, "augment": augment, **_OPTIMIZATION},
        published=published,
        unit="bits/dim",
        source=f"arXiv:1605.08803, section 4.1 and table 1; {source}",
    )


_SMALL = tuple(
    small(
        f"{dataset}_small",
        event_shape,
        "a quarter of the width and of the blocks of cifar10",
        levels=2,
        width=16,
        blocks=2,
        l2=5e-5,
        training={"dataset": dataset, "epochs": 8, "ema_momentum": 0.0},  # as the authors
    )
    for dataset, event_shape in (("cifar10", (32, 32, 3)), ("mnist", (28, 28, 1)))
)

PRESETS = Presets(
    _preset(
        "cifar10",
        32,
        {"test": 3.49},
        "the code has no loader for it",
        dataset="cifar10",
        augment="flip",
        levels=2,
        width=64,
        blocks=8,
    ),
    _preset(
        "imagenet32",
        32,
        {"validation": 4.28, "train": 4.26},
        "the README's command agrees",
        dataset="downsampled_imagenet/32x32",
        levels=4,
        width=32,
        blocks=4,
    ),
    _preset(
        "imagenet64",
        64,
        {"validation": 3.98, "train": 3.75},
        _64,
        dataset="downsampled_imagenet/64x64",
        levels=5,
        width=32,
        blocks=2,
    ),
    _preset(
        "lsun",
        64,
        {
            "bedroom validation": 2.72,
            "bedroom train": 2.70,
            "tower validation": 2.81,
            "tower train": 2.78,
            "church validation": 3.08,
            "church train": 2.94,
        },
        f"{_64}; random 64x64 crops of images of 96x96, which TFDS does not have",
        dataset=None,
        augment="flip",
        levels=5,
        width=32,
        blocks=2,
    ),
    _preset(
        "celeba",
        64,
        {"validation": 3.02, "train": 2.97},
        _64,
        dataset="celeb_a",
        augment="flip",
        levels=5,
        width=32,
        blocks=2,
    ),
    *_SMALL,
)
