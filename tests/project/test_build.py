"""Holds BUILD to the files and the real imports, and the imports to the layering."""

import pathlib

import pytest

from tests.project import build_file, sources

# What each room may import of ours. Bijectors and networks meet in models only.
ROOMS = {
    "bijectors": set(),
    "networks": set(),
    "data": set(),
    "metrics": set(),
    "models": {"bijectors", "networks", "metrics"},
    "export": {"models", "metrics", "bijectors"},
    "tfflows": {"bijectors", "networks", "data", "metrics", "models", "export"},
    "trainer": {"tfflows", "bijectors", "networks", "data", "metrics", "models", "export"},
    "explorer": {"trainer"},
    "benchmark": {"tfflows", "models", "trainer"},
    # What a newcomer copies stands alone.
    "serving_client": set(),
    "rest_client": {"serving_client"},
    "grpc_client": {"serving_client"},
}
# What each room may import of others.
PACKAGES = {
    # Keras for the state of a conditioner that is evaluated a second time; layers are only called.
    "bijectors": {"numpy", "tensorflow", "tensorflow_probability", "keras"},
    "networks": {"numpy", "tensorflow", "keras"},
    "metrics": {"numpy", "tensorflow", "keras"},
    "models": {"numpy", "tensorflow", "tensorflow_probability", "keras"},
    "export": {
        "numpy",
        "tensorflow",
        "tensorflow_probability",
        "google",  # protobuf, which TensorFlow's protos are made of
        "tensorflow_serving",
        "tf2onnx",
    },
    "data": {"numpy", "tensorflow", "sklearn", "tensorflow_datasets"},
    "tfflows": {"keras"},
    "serving_client": {"absl", "numpy"},
    "rest_client": {"absl", "numpy"},
    # TensorFlow, as the messages of tensorflow_serving are made of its own.
    "grpc_client": {"absl", "grpc", "tensorflow", "tensorflow_serving"},
}
# The only file of the package that may import TFDS; absl has none.
TFDS_FILE = pathlib.Path("tfflows/data/images.py")

# The label of a package where it is not `@pip//<name it is imported by>`.
LABELS = {
    "PIL": "@pip//pillow",
    "absl": "@pip//absl_py",
    "google": "@pip//protobuf",
    "grpc": "@pip//grpcio",
    "sklearn": "@pip//scikit_learn",
    "tensorflow_serving": "@pip//tensorflow_serving_api",
}
# What a package needs at run time and neither it nor we import by a declared name.
COMPANIONS = {
    "tensorflow_probability": {"@pip//tf_keras"},
    "tensorflow_datasets": {"@pip//importlib_resources"},
}
# What a target needs without importing it: tf.summary is empty without the tensorboard package.
UNIMPORTED = {"trainer": {"@pip//tensorboard"}}
RUNNER = pathlib.Path("tests/main.py")

TARGETS = build_file.targets()


def owners():
    return {
        pathlib.Path(s): t.name for t in TARGETS.values() if t.kind != "py_test" for s in t.srcs
    }


def needed(target):
    """Returns the labels that a target's files import."""
    labels = set(UNIMPORTED.get(target.name, ()))
    own = {pathlib.Path(source) for source in target.srcs}
    for path in own:
        ours, others = sources.imports(path)
        labels |= {f":{owners().get(file, file)}" for file in ours - own}
        for package in others:
            labels |= {LABELS.get(package, f"@pip//{package}")} | COMPANIONS.get(package, set())
    return labels


def reachable(name):
    """Returns the labels that a target gets, through others too."""
    labels = {*TARGETS[name].deps}
    return labels.union(*(reachable(label[1:]) for label in labels if label.startswith(":")))


def test_every_file_of_ours_belongs_to_exactly_one_target():
    programs = [t for t in TARGETS.values() if t.kind != "py_test"]
    # A file for an interpreter of its own is data.
    data = [path for t in programs for path in t.arguments.get("data", ())]
    listed = [s for t in programs for s in t.srcs] + [p for p in data if p.endswith(".py")]
    rooms = ("tfflows", "trainers", "benchmarks", "examples")
    expected = [str(path) for path in sources.python_files(*rooms)]
    tests = [path for path in listed if path.startswith("tests/")]
    assert sorted(listed) == sorted(expected + tests)


def test_every_test_file_belongs_to_a_target():
    listed = {source for target in TARGETS.values() for source in target.srcs}
    assert {str(path) for path in sources.python_files("tests")} <= listed


@pytest.mark.parametrize("name", [t.name for t in TARGETS.values() if t.kind != "py_test"])
def test_deps_are_the_imports(name):
    target = TARGETS[name]
    assert len(target.deps) == len(set(target.deps))
    assert {*target.deps} == needed(target)


@pytest.mark.parametrize("name", [t.name for t in TARGETS.values() if t.kind == "py_test"])
def test_deps_of_tests_bring_what_they_import(name):
    assert needed(TARGETS[name]) <= reachable(name)


def test_no_target_depends_on_itself_through_others():
    done = set()

    def visit(name, path):
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for label in TARGETS[name].deps:
                if label.startswith(":"):
                    visit(label[1:], [*path, name])
            done.add(name)

    for name in TARGETS:
        visit(name, [])


def test_every_library_is_a_room_with_a_place_in_the_layering():
    libraries = {name for name, t in TARGETS.items() if t.kind == "py_library"}
    assert {
        name for name in libraries if not TARGETS[name].arguments.get("testonly")
    } <= ROOMS.keys()


@pytest.mark.parametrize("room", [name for name in ROOMS if name in TARGETS])
def test_rooms_import_only_what_lies_below(room):
    imported = {label[1:] for label in needed(TARGETS[room]) if label.startswith(":")}
    assert imported <= ROOMS[room]


@pytest.mark.parametrize("room", [name for name in PACKAGES if name in TARGETS])
def test_rooms_import_only_their_packages(room):
    for source in TARGETS[room].srcs:
        packages = sources.imports(pathlib.Path(source))[1]
        assert packages <= PACKAGES[room], source


def test_only_one_file_of_the_package_imports_tfds():
    importing = {
        p for p in sources.python_files("tfflows") if "tensorflow_datasets" in sources.imports(p)[1]
    }
    assert importing <= {TFDS_FILE}


def test_the_package_never_imports_the_trainers_or_tests():
    files = sources.python_files("tfflows")
    above = {str(p): {f.parts[0] for f in sources.imports(p)[0]} - {"tfflows"} for p in files}
    assert not {path: folders for path, folders in above.items() if folders}


def test_rules_are_loaded_and_used():
    used = {target.kind for target in TARGETS.values()}
    assert build_file.loaded() == {"@rules_python//python:defs.bzl": sorted(used)}


def test_binaries_and_tests_name_their_main():
    for target in TARGETS.values():
        if target.kind != "py_library":
            assert target.arguments["main"] in target.srcs, target.name


def test_every_test_target_runs_the_files_it_lists():
    for target in (t for t in TARGETS.values() if t.kind == "py_test"):
        folders = {str(pathlib.Path(s).parent) for s in target.srcs} - {str(RUNNER.parent)}
        assert target.arguments["args"] == sorted(folders), target.name
