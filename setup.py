"""Installs tfflows. requirements_lock.txt (`make lock`) has the versions it is tested with."""

import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).resolve().parent
VERSION = re.search(r'__version__ = "(.+?)"', (ROOT / "tfflows" / "version.py").read_text())[1]

# The suite is run with Python 3.11, tensorflow 2.21, keras 3.15, tensorflow-probability 0.25,
# tensorflow-datasets 4.9 and NumPy 2.4. Upper bounds stop before the next release that may break
# us; lower ones are what pip can resolve and no older than needed. With tensorflow 2.18 and 2.19,
# tensorflow-datasets fails at import: the protobuf they ask for is too old for it.
INSTALL_REQUIRES = [
    "tensorflow>=2.20,<2.22",  # tensors, gradients, tf.data, SavedModel
    "keras>=3.12,<4",  # layers, the training loop, optimizers, .keras files
    # Bijectors and distributions; [tf] brings the tf_keras that it imports.
    "tensorflow-probability[tf]>=0.25,<0.26",
    "numpy>=1.26,<3",  # arrays on the host
    "protobuf>=5",  # reads what a SavedModel says of itself, without running it
    "scikit-learn>=1.4,<2",  # the handwritten digits: the default data set, no network needed
]

EXTRAS = {
    # Image sets by TFDS name. TFDS imports importlib_resources to build one, but does not say so.
    "tfds": ["tensorflow-datasets>=4.9.10,<5", "importlib_resources>=6"],
    # `python -m trainers.glow` and its kin: flags, pictures, TensorBoard. tf.summary needs the
    # tensorboard package, which tensorflow itself no longer brings along since 2.21.
    "trainers": [
        *("absl-py>=2.1,<3", "matplotlib>=3.8,<4", "tensorboard>=2.20,<2.22"),
        # The page of `trainers.explore`: its server, and the files of pictures dropped on it.
        *("werkzeug>=3,<4", "pillow>=10,<14"),
    ],
    # The protos of warm-up requests (`tfflows.write_warmup`), and with grpcio, which they bring, a
    # client (`examples/serving/grpc_client.py`).
    "serving": ["tensorflow-serving-api>=2.19,<2.22", "grpcio>=1.60,<2"],
    # The converter of `tfflows.to_onnx`. It needs the onnx package, at run time too.
    "onnx": ["tf2onnx>=1.16,<2", "onnx>=1.17,<2"],
    # What `python -m benchmarks.step` compares with, by --normflows_python; an environment of its
    # own will do, since the worker imports nothing else. Not in dev: PyTorch is large.
    "benchmark": [
        "torch==2.13.*",  # also wheels for CPUs only, from PyTorch's own index
        "normflows==1.7.*",  # another library of flows, with a Glow
    ],
    "test": [
        # pytest on both cores, the linter, and SciPy as an independent reference.
        *("pytest>=8,<10", "pytest-xdist>=3.5,<4", "ruff>=0.8,<1", "scipy>=1.11,<2"),
        # Draws the arguments of tests/properties.
        "hypothesis>=6,<7",
        # The runtimes that portable exports are run on.
        *("onnxruntime>=1.20,<2", "ai-edge-litert>=1.0,<3"),
        # Drives the page of `trainers.explore` in a Chromium, where there is one.
        "selenium>=4.20,<5",
    ],
}
EXTRAS["dev"] = [
    r for name in ("tfds", "trainers", "serving", "onnx", "test") for r in EXTRAS[name]
]

setuptools.setup(
    name="tfflows",
    version=VERSION,
    description="Normalizing flows for TensorFlow and Keras 3: NICE, RealNVP and Glow",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords=["normalizing flows", "tensorflow", "keras", "density estimation"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=setuptools.find_packages(include=["tfflows", "tfflows.*", "trainers", "trainers.*"]),
    package_data={"tfflows": ["py.typed"], "trainers.explorer": ["static/*"]},
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS,
)
