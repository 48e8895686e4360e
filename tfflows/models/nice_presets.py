"""NICE's presets: the four data sets of the paper (arXiv:1410.8516)."""

from tfflows.models.presets import Preset, Presets

# The paper's AdaM: learning rate 0.001, momentum 0.9, epsilon 1e-4, and a beta_2 of 0.01, which in
# the first form of Adam is the share of the new. Keras has no like of the code's optimizer: RMSProp
# by max(rms, 0.01), momentum 0.5 from the sixth epoch on, rates that fall to a tenth or less.
_OPTIMIZATION = {
    "augment": "none",
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "beta_1": 0.9,
    "beta_2": 0.99,
    "epsilon": 1e-4,
    "schedule": "constant",
    "warmup_steps": 0,
    "clip_norm": 0.0,
    "weight_decay": 0.0,
    "ema_momentum": 0.0,
    "epochs": 1500,
}


def _preset(name, event_shape, published, source, *, dataset, batch_size=200, **arguments):
    return Preset(
        name=name,
        event_shape=event_shape,
        arguments={**arguments, "zero_init": False},
        training={"dataset": dataset, "batch_size": batch_size, **_OPTIMIZATION},
        published=published,
        unit="bits/dim",
        source=f"{source}; the optimizer is the paper's Adam",
    )


PRESETS = Presets(
    _preset(
        "mnist",
        (28, 28, 1),
        {"test": 4.36},
        "arXiv:1410.8516, section 5.1 (1980.50 nats on the scale 0 to 1), and exp/nice_mnist.yaml, "
        "which agree",
        dataset="mnist",
        depth=4,
        width=1000,
        hidden_layers=5,
        base="logistic",
        order="even_odd",
        data_range=(0.0, 1.0),
    ),
    _preset(
        "tfd",
        (48, 48, 1),
        {"test": 4.55},
        "exp/nice_tfd.yaml; the figure (5514.71 nats on the scale 0 to 1) is of the paper's model, "
        "4 couplings of 4 layers of 5000 units and a normal base; TFDS has no Toronto Faces",
        dataset=None,
        batch_size=128,
        depth=8,
        width=2000,
        hidden_layers=(3, 3, 2, 2, 1, 1, 1, 1),
        base="logistic",
        order="even_odd",
        data_range=(0.0, 1.0),
    ),
    _preset(
        "svhn",
        (32, 32, 3),
        {},
        "exp/nice_svhn.yaml, on plain pixels; the paper has 4 hidden layers, a logistic base and "
        "whitened data, so that its 11496.55 nats are no yardstick",
        dataset="svhn_cropped",
        depth=4,
        width=2000,
        hidden_layers=3,
        base="normal",
        order="channels",
        data_range=(0.0, 1.0),
    ),
    _preset(
        "cifar10",
        (32, 32, 3),
        {"test": 4.48},
        "exp/nice_cifar.yaml; the figure (5371.78 nats on the scale -1 to 1) is of the paper's "
        "model, 4 couplings of 4 layers of 2000 units and a logistic base",
        dataset="cifar10",
        depth=8,
        width=2400,
        hidden_layers=(1, 1, 3, 3, 2, 2, 1, 1),
        base="normal",
        order="channels",
        data_range=(-1.0, 1.0),
    ),
)
