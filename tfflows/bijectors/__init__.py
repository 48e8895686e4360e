"""The mathematics of flows: TFP bijectors with value and log-det from one evaluation."""

from tfflows.bijectors import checks, transforms
from tfflows.bijectors.act_norm import ActNorm
from tfflows.bijectors.batch_norm import BatchNorm
from tfflows.bijectors.bijector import Bijector
from tfflows.bijectors.composite import Composite
from tfflows.bijectors.coupling import Coupling, MaskedCoupling, SplitCoupling
from tfflows.bijectors.invertible_conv import InvertibleConv
from tfflows.bijectors.multi_scale import MultiScale
from tfflows.bijectors.partitions import Halves, Mask, channel_mask, checkerboard_mask
from tfflows.bijectors.permute import Permute
from tfflows.bijectors.preprocessing import Logit, Rescale
from tfflows.bijectors.scaling import DiagonalScale
from tfflows.bijectors.squeeze import Reshape, Squeeze
from tfflows.bijectors.transforms import (
    Additive,
    Affine,
    AffineBounded,
    AffineExp,
    AffineSigmoid,
    AffineTanh,
    Gaussian,
    Transform,
)
from tfflows.bijectors.wrappers import FromTFP, Invert

__all__ = [
    "ActNorm",
    "Additive",
    "Affine",
    "AffineBounded",
    "AffineExp",
    "AffineSigmoid",
    "AffineTanh",
    "BatchNorm",
    "Bijector",
    "Composite",
    "Coupling",
    "DiagonalScale",
    "FromTFP",
    "Gaussian",
    "Halves",
    "Invert",
    "InvertibleConv",
    "Logit",
    "Mask",
    "MaskedCoupling",
    "MultiScale",
    "Permute",
    "Rescale",
    "Reshape",
    "SplitCoupling",
    "Squeeze",
    "Transform",
    "channel_mask",
    "checkerboard_mask",
    "checks",
    "transforms",
]
