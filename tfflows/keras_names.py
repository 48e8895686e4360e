"""Our Keras classes by the names that files have for them, before their rooms are imported."""

import importlib

import keras

_CLASSES = {
    "metrics": ("BitsPerDim",),
    "models": ("NICE", "RealNVP", "Glow", "VariationalDequantizer"),
    "networks": (
        "ActNorm",
        "ConvNet",
        "EdgeBiasConv2D",
        "MLP",
        "PriorNet",
        "ResNet",
        "WeightNormConv2D",
        "ZeroConv2D",
        "ZeroDense",
    ),
}


def register():
    """Lets Keras load files of ours: at the first name it meets, the room is imported."""
    known = keras.saving.get_custom_objects()
    for room, names in _CLASSES.items():
        for name in names:
            known.setdefault(f"tfflows>{name}", _stand_in(room, f"tfflows>{name}"))


def _stand_in(room, registered):
    """An object with the one method of a class that Keras calls when it loads."""

    class StandIn:
        @staticmethod
        def from_config(config):
            importlib.import_module(f"tfflows.{room}")  # which registers the class itself
            return keras.saving.get_custom_objects()[registered].from_config(config)

    return StandIn
