"""Checks of arguments leave everything as it was."""

import random

import keras
import pytest

from tfflows.networks import arguments


def test_checks_draw_no_seed():
    """Weights of a seed stay what they were, whatever is looked at before."""
    state = random.getstate()
    arguments.check_known(keras.initializers.get, kernel_initializer="he_normal")
    assert random.getstate() == state
    with pytest.raises(ValueError, match="Received: kernel_initializer='none of them'"):
        arguments.check_known(keras.initializers.get, kernel_initializer="none of them")
    assert random.getstate() == state
