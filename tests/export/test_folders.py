"""Where an export goes: versions, failures that leave nothing behind, and what is refused."""

import re

import pytest
import tensorflow as tf

import tfflows
from tests.models import flows


@pytest.fixture(scope="module")
def nice():
    return flows.trained("nice")


def test_versions_count_up(nice, tmp_path):
    base = tmp_path / "made" / "here"
    assert tfflows.export_saved_model(nice, base) == base / "1"
    (base / "007").mkdir()
    (base / "12b").mkdir()
    assert tfflows.export_saved_model(nice, str(base)) == base / "8"
    assert tfflows.export_saved_model(nice, base, version=3) == base / "3"
    assert {path.name for path in base.iterdir()} == {"1", "007", "12b", "8", "3"}
    with pytest.raises(ValueError, match="Expected a version that is not in .*version=7"):
        tfflows.export_saved_model(nice, base, version=7)


def test_a_failing_export_leaves_nothing(nice, tmp_path, monkeypatch):
    def save_half(module, path, signatures):
        (tmp_path / path).mkdir()
        (tmp_path / path / "saved_model.pb").write_text("half")
        seen.extend(child.name for child in tmp_path.iterdir())
        raise OSError("disk full")

    seen = []
    monkeypatch.setattr(tf.saved_model, "save", save_half)
    with pytest.raises(OSError, match="disk full"):
        tfflows.export_saved_model(nice, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not [name for name in seen if name.isdecimal()]


def test_what_is_refused(nice, tmp_path):
    def refused(error, message, *args, **options):
        with pytest.raises(error, match=re.escape(message)):
            tfflows.export_saved_model(*args, **options)

    file = tmp_path / "file"
    file.touch()
    refused(TypeError, "Expected a tfflows.Flow. Received: flow=3", 3, tmp_path)
    refused(TypeError, "Expected base_dir to be a path. Received: base_dir=3", nice, 3)
    refused(ValueError, f"a folder. Received: base_dir='{file}'", nice, file)
    refused(ValueError, "at least 0, or None. Received: version=-1", nice, tmp_path, -1)
    refused(ValueError, "at least 0, or None. Received: version='2'", nice, tmp_path, "2")
    fresh = flows.fresh("nice")
    refused(ValueError, "have been started, by fit, initialize", fresh, tmp_path)
    for bound in (0, True, 2.5, 2**31):
        message = f"an int of at least 1 and 32 bits. Received: max_batch_size={bound!r}"
        refused(ValueError, message, nice, tmp_path, max_batch_size=bound)
    for bound in (0, float("inf"), "2", True, 10**400):
        message = f"a finite number above 0. Received: max_temperature={bound!r}"
        refused(ValueError, message, nice, tmp_path, max_temperature=bound)
    assert list(tmp_path.iterdir()) == [file]
