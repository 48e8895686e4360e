"""Installs tfflows. The ranges below are what the suite is run against; `make lock` writes down the exact versions."""

import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).resolve().parent
VERSION = re.search(r'__version__ = "(.+?)"', (ROOT / "tfflows" / "version.py").read_text())[1]

# The suite is run with Python 3.11, tensorflow 2.21, keras 3.15, tensorflow-probability 0.25, tensorflow-datasets 4.9
# and NumPy 2.4 (requirements_lock.txt). The upper bounds stop at the next release that can break us; the lower ones say
# what is known to fail: before tensorflow 2.20 the protobuf that tensorflow asks for is too old for tensorflow-datasets.
INSTALL_REQUIRES = [
    "tensorflow>=2.20,<2.22",  # tensors, gradients, tf.data, SavedModel
    "keras>=3.12,<4",  # layers, the training loop, optimizers, .keras files
    "tensorflow-probability[tf]>=0.25,<0.26",  # bijectors and distributions; [tf] brings the tf_keras it imports
    "numpy>=1.26,<3",  # host-side arrays
    "scikit-learn>=1.4,<2",  # the handwritten digits, the data set that needs no network
]

EXTRAS = {
    # Image sets by their TFDS name. importlib_resources is imported by TFDS while it builds a set, but not declared there.
    "tfds": ["tensorflow-datasets>=4.9.10,<5", "importlib_resources>=6"],
    # `python -m trainers.glow` and its kin: flags, pictures, TensorBoard. tf.summary needs the tensorboard package,
    # which tensorflow stopped bringing along in 2.21.
    "trainers": ["absl-py>=2.1,<3", "matplotlib>=3.8,<4", "tensorboard>=2.20,<2.22"],
    # The test suite: pytest on both cores, the linter, and SciPy as an independent reference.
    "test": ["pytest>=8,<10", "pytest-xdist>=3.5,<4", "ruff>=0.8", "scipy>=1.11,<2"],
}
EXTRAS["dev"] = EXTRAS["tfds"] + EXTRAS["trainers"] + EXTRAS["test"]

setuptools.setup(
    name="tfflows",
    version=VERSION,
    description="Normalizing flows for TensorFlow and Keras 3: NICE, RealNVP, Glow and the bijectors they are made of",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords=["normalizing flows", "tensorflow", "keras", "generative models", "density estimation"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=setuptools.find_packages(include=["tfflows", "tfflows.*", "trainers", "trainers.*"]),
    package_data={"tfflows": ["py.typed"]},
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS,
)
