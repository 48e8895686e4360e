"""The version, kept in one place: setup.py and `tfflows.__version__` read it from here."""

__version__ = "0.1.0"
