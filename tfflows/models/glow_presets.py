"""Glow's presets: the quantitative and qualitative runs of the paper (arXiv:1807.03039)."""

import math

from tfflows.models.presets import Preset, Presets, small

_PAPER = "arXiv:1807.03039, table 2, and the README's command"
_FIVE_BITS = "arXiv:1807.03039, table 3; the settings of 8 bits, as the README has no command for 5"
_QUALITATIVE = "arXiv:1807.03039, section 6, and the README's command"


def _optimization(size, gpus):
    """What the authors' train.py does on so many GPUs where the command does not say otherwise.

    Its Adamax has Adam's factor sqrt(1 - beta_2^t), and beta_2 forgets in an epoch of 50,000 images
    ("glow_adamax"; the paper says Adam). In the first ten such epochs the rate rises from zero. It
    counts images as if they were 32x32: a larger one is as many as it has times the pixels. Its
    loss is in bits per dimension, ours in nats, by which a gradient is D ln 2 times as large: so is
    epsilon here. It keeps averages of the weights, but evaluates the weights themselves.
    """
    share = (32 / size) ** 2
    per_step = 64 * gpus
    return {
        "batch_size": round(per_step * share),
        "init_batch_size": int(256 * share),
        "augment": "none",
        "optimizer": "glow_adamax",
        "learning_rate": 1e-3,
        "beta_1": 0.9,
        "beta_2": 1 - 1 / math.ceil(50_000 / per_step),
        "epsilon": 1e-8 * 3 * size**2 * math.log(2),
        "schedule": "constant",
        "warmup_steps": math.ceil(10 * 50_000 / per_step),
        "clip_norm": 0.0,
        "weight_decay": 0.0,
        "ema_momentum": 0.0,
    }


def _bits(bits):
    return {} if bits == 8 else {"bits": bits}


def _preset(name, size, published, source, *, levels, depth, gpus=8, bits=8, training, **arguments):
    architecture = {
        "levels": levels,
        "depth": depth,
        "width": 512,
        "transform": "sigmoid",
        "permutation": "full",
        "learn_prior": True,
        "bins": 2**bits,
    }
    return Preset(
        name=name,
        event_shape=(size, size, 3),
        arguments={**architecture, **arguments},
        training={**_optimization(size, gpus), **_bits(bits), **training},
        published=published,
        unit="bits/dim",
        source=source,
    )


# Random shifts by a tenth of the side, without flips: the code's default for CIFAR-10.
_CIFAR10 = {"dataset": "cifar10", "augment": "shift"}
_IMAGENET32 = {"dataset": "downsampled_imagenet/32x32"}
_IMAGENET64 = {"dataset": "downsampled_imagenet/64x64"}
_NONE = {"dataset": None}

_QUANTITATIVE = (
    _preset("cifar10", 32, {"test": 3.35}, _PAPER, levels=3, depth=32, training=_CIFAR10),
    _preset(
        "imagenet32", 32, {"validation": 4.09}, _PAPER, levels=3, depth=48, training=_IMAGENET32
    ),
    _preset(
        "imagenet64", 64, {"validation": 3.81}, _PAPER, levels=4, depth=48, training=_IMAGENET64
    ),
    _preset(
        "lsun",
        64,
        {"bedroom validation": 2.38, "tower validation": 2.46, "church validation": 2.67},
        f"{_PAPER}, whose 3 levels it has (the paper: 4); random 64x64 crops of images of 96x96, "
        "which TFDS does not have",
        levels=3,
        depth=48,
        training=_NONE,
    ),
)
_OF_FIVE_BITS = (
    _preset(
        "cifar10_5bit",
        32,
        {"test": 1.67},
        _FIVE_BITS,
        levels=3,
        depth=32,
        bits=5,
        training=_CIFAR10,
    ),
    _preset(
        "imagenet32_5bit",
        32,
        {"validation": 1.99},
        _FIVE_BITS,
        levels=3,
        depth=48,
        bits=5,
        training=_IMAGENET32,
    ),
    _preset(
        "imagenet64_5bit",
        64,
        {"validation": 1.76},
        _FIVE_BITS,
        levels=4,
        depth=48,
        bits=5,
        training=_IMAGENET64,
    ),
    _preset(
        "celeba_hq256",
        256,
        {"validation": 1.03},
        f"{_QUALITATIVE}; figure of table 3; TFDS prepares the data from files made by hand",
        levels=6,
        depth=32,
        gpus=40,
        bits=5,
        transform="additive",
        training={"dataset": "celeb_a_hq/256"},
    ),
)
_LSUN = tuple(
    _preset(
        f"lsun{size}",
        size,
        {},
        f"{_QUALITATIVE}{note}; TFDS does not have LSUN in this size",
        levels=5,
        depth=64,
        gpus=40,
        bits=5,
        transform="additive",
        training={**_NONE, **training},
    )
    # By the code's rule the batch would be 280, but it only reads sizes that are powers of 2.
    for size, training, note in (
        (96, {"batch_size": 320}, ", the batch by the paper"),
        (128, {}, ""),
    )
)

_CLASS_CONDITIONAL = (
    _preset(
        "cifar10_class_conditional",
        32,
        {},
        _QUALITATIVE,
        levels=3,
        depth=32,
        bits=5,
        transform="additive",
        classes=10,
        class_loss=0.01,
        training={**_CIFAR10, "class_conditional": True},
    ),
    _preset(
        "imagenet32_class_conditional",
        32,
        {},
        f"{_QUALITATIVE}; TFDS' 32x32 images with labels in place of the authors' central crops",
        levels=3,
        depth=48,
        bits=5,
        transform="additive",
        classes=1000,
        class_loss=0.01,
        training={"dataset": "imagenet_resized/32x32", "class_conditional": True},
    ),
)

_SMALL = (
    small(
        "cifar10_small",
        (32, 32, 3),
        "an eighth of the width and a quarter of the depth of cifar10",
        levels=3,
        depth=8,
        width=64,
        training={"dataset": "cifar10", "epochs": 12},
    ),
    small(
        "mnist_small",
        (28, 28, 1),
        "as cifar10_small with two levels, into which 28x28 divides",
        levels=2,
        depth=8,
        width=64,
        training={"dataset": "mnist", "epochs": 12},
    ),
)

PRESETS = Presets(*_QUANTITATIVE, *_OF_FIVE_BITS, *_LSUN, *_CLASS_CONDITIONAL, *_SMALL)
