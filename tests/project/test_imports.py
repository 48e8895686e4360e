"""`import tfflows` alone: rooms come at their first use, and files of ours load all the same."""

import ast
import subprocess
import sys

import tfflows
from tests.models import flows
from tests.project import sources
from tfflows import keras_names


def fresh(code, *arguments):
    """Runs code in a process of its own and returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=sources.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_rooms_are_imported_at_their_first_use():
    code = """
import sys, tfflows
rooms = ("bijectors", "networks", "models", "data", "metrics", "export")
print(*[room for room in rooms if f"tfflows.{room}" in sys.modules], "|")
print(tfflows.Glow.__name__, tfflows.metrics.__name__, "tfflows.models" in sys.modules)
print(hasattr(tfflows, "nothing"), "Glow" in dir(tfflows))
"""
    assert fresh(code) == ["|", "Glow", "tfflows.metrics", "True", "False", "True"]


def test_a_file_loads_after_the_import_alone(tmp_path):
    flow = flows.trained("glow", classes=2, dequantizer="variational")
    flow.save(tmp_path / "glow.keras")
    code = """
import sys, keras, tfflows
print(*(type(keras.models.load_model(path)).__name__ for path in sys.argv[1:]))
"""
    assert fresh(code, tmp_path / "glow.keras") == ["Glow"]


def test_every_class_that_keras_knows_has_a_stand_in():
    listed = {f"{room}.{name}" for room, names in keras_names._CLASSES.items() for name in names}
    registered = set()
    for path in sources.python_files("tfflows"):
        for node in ast.walk(sources.tree(path)):
            if isinstance(node, ast.ClassDef) and any(
                "register_keras_serializable" in ast.unparse(d) for d in node.decorator_list
            ):
                room = path.parts[1].removesuffix(".py")
                registered.add(f"{room}.{node.name}")
    assert listed == registered and registered


def test_names_are_those_of_the_rooms():
    for name, room in tfflows._ROOM_OF.items():
        assert getattr(tfflows, name) is getattr(getattr(tfflows, room), name)
    assert {*tfflows._ROOMS, *tfflows._ROOM_OF, "__version__"} == set(tfflows.__all__)
