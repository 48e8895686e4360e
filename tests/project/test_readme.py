"""The README's quick start runs as it is printed."""

import re

from tests.project import sources


def test_quick_start(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", sources.read("README.md"), re.DOTALL)
    assert len(code.strip().splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert (tmp_path / "glow.keras").exists()
    assert names["images"].shape == (16, 8, 8, 1)
    assert "bits_per_dim" in capsys.readouterr().out
