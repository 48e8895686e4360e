"""Conditioners: the Keras layers and networks that give a coupling its parameters."""

from tfflows.networks.act_norm import ActNorm
from tfflows.networks.conv_net import ConvNet
from tfflows.networks.edge_bias import EdgeBiasConv2D, ZeroConv2D
from tfflows.networks.mlp import MLP
from tfflows.networks.prior_net import PriorNet
from tfflows.networks.resnet import ResNet
from tfflows.networks.weight_norm import WeightNormConv2D
from tfflows.networks.zero_dense import ZeroDense

__all__ = [
    "ActNorm",
    "ConvNet",
    "EdgeBiasConv2D",
    "MLP",
    "PriorNet",
    "ResNet",
    "WeightNormConv2D",
    "ZeroConv2D",
    "ZeroDense",
]
