"""Data: images and 2-D densities as tf.data pipelines, and the Gaussian that a flow has to beat."""

from tfflows.data.augmentation import AUGMENTATIONS
from tfflows.data.baseline import gaussian_bits_per_dim
from tfflows.data.loader import load, load_epochs
from tfflows.data.pipeline import Data
from tfflows.data.splits import SPLITS
from tfflows.data.synthetic import DENSITIES, sample
from tfflows.data.unreadable import Unreadable, find_unreadable

__all__ = [
    "AUGMENTATIONS",
    "DENSITIES",
    "SPLITS",
    "Data",
    "Unreadable",
    "find_unreadable",
    "gaussian_bits_per_dim",
    "load",
    "load_epochs",
    "sample",
]
