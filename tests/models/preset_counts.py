"""Parameters and latents of the presets, counted by hand from the papers."""

# NICE. An MLP of h hidden layers of w units maps one half of the D values to the other: its kernels
# have D/2 w + (h - 1) w^2 + w D/2 weights, its biases h w + D/2. A model has the sum of these over
# the couplings, and D scales.
#
#   mnist    D =  784, w = 1000, 4 couplings with h = 5
#   tfd      D = 2304, w = 2000, 8 couplings with 14 hidden layers together
#   svhn     D = 3072, w = 2000, 4 couplings with h = 3
#   cifar10  D = 3072, w = 2400, 8 couplings with 14 hidden layers together
#
# So with n couplings and H hidden layers in all: n D w + (H - n) w^2 + H w + n D/2 + D.
NICE = {
    "mnist": 4 * 784 * 1000 + 16 * 1000**2 + 20 * 1000 + 4 * 392 + 784,
    "tfd": 8 * 2304 * 2000 + 6 * 2000**2 + 14 * 2000 + 8 * 1152 + 2304,
    "svhn": 4 * 3072 * 2000 + 8 * 2000**2 + 12 * 2000 + 4 * 1536 + 3072,
    "cifar10": 8 * 3072 * 2400 + 6 * 2400**2 + 14 * 2400 + 8 * 1536 + 3072,
}


def resnet(c, w, n, mask):
    """Parameters of the network of a RealNVP coupling that sees c channels and changes as many.

    Of a batch normalization there is the shift alone, of a weight-normalized convolution the
    directions, the bias but for a block's first, and the magnitudes for a block's second, the skips
    and the last.
    """
    first = c + 9 * (2 * c + mask) * w + w  # BN; 3x3 of x, -x and the mask, with bias
    block = w + 9 * w**2 + w + 9 * w**2 + 2 * w  # BN, 3x3, BN, 3x3 with bias and magnitude
    skips = (n + 1) * (w**2 + 2 * w)  # 1x1, one more than blocks
    last = w + w * 2 * c + 2 * 2 * c  # BN; 1x1 to shift and scale
    return first + n * block + skips + last


def realnvp(couplings, n):
    """Networks and a scalar `scale` for each of `(number, channels, width, mask)`."""
    return sum(count * (resnet(c, w, n, mask) + 1) for count, c, w, mask in couplings)


# RealNVP. A scale of C channels has 3 checkerboard couplings that see C channels by width w, and,
# squeezed to 4 C channels, 3 couplings that see 2 C of them by 2 w; the last scale has 4 of the
# first kind only. From a scale to the next C and w double. Normalizing outputs trains nothing.
REALNVP = {
    "cifar10": realnvp([(3, 3, 64, 1), (3, 6, 128, 0), (4, 6, 128, 1)], 8),
    "imagenet32": realnvp(
        [
            *[(3, 3, 32, 1), (3, 6, 64, 0), (3, 6, 64, 1), (3, 12, 128, 0)],
            *[(3, 12, 128, 1), (3, 24, 256, 0), (4, 24, 256, 1)],
        ],
        4,
    ),
    "imagenet64": realnvp(
        [
            *[(3, 3, 32, 1), (3, 6, 64, 0), (3, 6, 64, 1), (3, 12, 128, 0)],
            *[(3, 12, 128, 1), (3, 24, 256, 0), (3, 24, 256, 1), (3, 48, 512, 0), (4, 48, 512, 1)],
        ],
        2,
    ),
}
REALNVP["cifar10_small"] = realnvp([(3, 3, 16, 1), (3, 6, 32, 0), (4, 6, 32, 1)], 2)
REALNVP["mnist_small"] = realnvp([(3, 1, 16, 1), (3, 2, 32, 0), (4, 2, 32, 1)], 2)
REALNVP["lsun"] = REALNVP["celeba"] = REALNVP["imagenet64"]


def step(c, outputs, w=512):
    """Parameters of a step of Glow on c channels, whose network has so many outputs.

    Every 3x3 convolution sees a channel more, which is 1 on the padding. Only the last has a bias;
    it has a scale for each output, too.
    """
    act_norm, matrix = 2 * c, c**2
    first = 9 * (c // 2 + 1) * w + 2 * w  # 3x3, actnorm
    second = w**2 + 2 * w  # 1x1, actnorm
    last = 9 * (w + 1) * outputs + 2 * outputs
    return act_norm + matrix + first + second + last


def classified(classes, c):
    """What a class-conditional Glow has besides: dense layers with biases and scales.

    One gives means and log-scales of the c channels of the end for a class, one the classes' logits
    for their means over the positions.
    """
    return classes * 2 * c + 2 * 2 * c + c * classes + 2 * classes


def glow(depth, channels, *, additive=False, w=512):
    """All of Glow whose levels have so many channels after their squeezes."""
    steps = sum(depth * step(c, c // 2 if additive else c, w) for c in channels)
    # Mean and log-scale of the half that leaves, by a 3x3 convolution of the half that stays.
    splits = sum(9 * (c // 2 + 1) * c + 2 * c for c in channels[:-1])
    # The same of all channels of the end by one of zeros: as many as there are here. In the
    # authors' code there are twice as many, with 9 * c * 2 c weights more, which never move.
    c = channels[-1]
    return steps + splits + 9 * (c + 1) * 2 * c + 2 * 2 * c


# Glow. A squeeze makes four channels of one, and half of them leave: 12, 24, 48, ...
GLOW = {
    "cifar10": glow(32, [12, 24, 48]),
    "imagenet32": glow(48, [12, 24, 48]),
    "imagenet64": glow(48, [12, 24, 48, 96]),
    "lsun": glow(48, [12, 24, 48]),
    "cifar10_5bit": glow(32, [12, 24, 48]),
    "imagenet32_5bit": glow(48, [12, 24, 48]),
    "imagenet64_5bit": glow(48, [12, 24, 48, 96]),
    "celeba_hq256": glow(32, [12, 24, 48, 96, 192, 384], additive=True),
    "lsun96": glow(64, [12, 24, 48, 96, 192], additive=True),
    "lsun128": glow(64, [12, 24, 48, 96, 192], additive=True),
    "cifar10_class_conditional": glow(32, [12, 24, 48], additive=True) + classified(10, 48),
    "imagenet32_class_conditional": glow(48, [12, 24, 48], additive=True) + classified(1000, 48),
    # Of ours the 1x1 convolutions are of factors: L and U, each stored as a square, half of which
    # is used, and a diagonal in place of one matrix.
    "cifar10_small": glow(8, [12, 24, 48], w=64) + 8 * sum(c**2 + c for c in [12, 24, 48]),
    "mnist_small": glow(8, [4, 8], w=64) + 8 * sum(c**2 + c for c in [4, 8]),
}
COUNTS = {"NICE": NICE, "RealNVP": REALNVP, "Glow": GLOW}
# The same in figures, so that a slip in a formula cannot hide one in the model.
FIGURES = {
    ("NICE", "mnist"): 19_158_352,
    ("NICE", "tfd"): 60_903_520,
    ("NICE", "svhn"): 56_609_216,
    ("NICE", "cifar10"): 93_591_360,
    ("RealNVP", "cifar10"): 19_609_545,
    ("RealNVP", "imagenet32"): 46_220_359,
    ("RealNVP", "imagenet64"): 96_363_237,
    ("Glow", "cifar10"): 44_562_132,
    ("Glow", "cifar10_small"): 802_836,
    ("Glow", "imagenet32"): 66_820_116,
    ("Glow", "imagenet64"): 112_211_652,
    ("Glow", "celeba_hq256"): 172_445_412,
    ("Glow", "lsun128"): 199_769_316,
}
# What leaves each level. RealNVP halves the sides between levels, Glow at the start of each.
LATENTS = {
    ("RealNVP", "cifar10"): [(16, 16, 6), (16, 16, 6)],
    ("RealNVP", "imagenet32"): [(16, 16, 6), (8, 8, 12), (4, 4, 24), (4, 4, 24)],
    ("RealNVP", "imagenet64"): [(32, 32, 6), (16, 16, 12), (8, 8, 24), (4, 4, 48), (4, 4, 48)],
    ("Glow", "cifar10"): [(16, 16, 6), (8, 8, 12), (4, 4, 48)],
    ("Glow", "imagenet32"): [(16, 16, 6), (8, 8, 12), (4, 4, 48)],
    ("Glow", "imagenet64"): [(32, 32, 6), (16, 16, 12), (8, 8, 24), (4, 4, 96)],
    ("Glow", "lsun"): [(32, 32, 6), (16, 16, 12), (8, 8, 48)],
    ("Glow", "celeba_hq256"): [
        *[(128, 128, 6), (64, 64, 12), (32, 32, 24), (16, 16, 48), (8, 8, 96), (4, 4, 384)],
    ],
    ("Glow", "lsun96"): [(48, 48, 6), (24, 24, 12), (12, 12, 24), (6, 6, 48), (3, 3, 192)],
    ("Glow", "lsun128"): [(64, 64, 6), (32, 32, 12), (16, 16, 24), (8, 8, 48), (4, 4, 192)],
}
for model in ("RealNVP", "Glow"):
    LATENTS[model, "cifar10_small"] = LATENTS[model, "cifar10"]
LATENTS["RealNVP", "mnist_small"] = [(14, 14, 2), (14, 14, 2)]
LATENTS["Glow", "mnist_small"] = [(14, 14, 2), (7, 7, 8)]
for twin in ("lsun", "celeba"):
    LATENTS["RealNVP", twin] = LATENTS["RealNVP", "imagenet64"]
for twin in ("cifar10", "imagenet32", "imagenet64"):
    LATENTS["Glow", f"{twin}_5bit"] = LATENTS["Glow", twin]
for twin in ("cifar10", "imagenet32"):
    LATENTS["Glow", f"{twin}_class_conditional"] = LATENTS["Glow", twin]
