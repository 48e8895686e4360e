"""The rules of CONTRIBUTING.md that a parser can check; each test lists what breaks its rule."""

import ast
import importlib

from tests.project import sources

OURS = sources.python_files("tfflows", "trainers", "benchmarks", "examples")
EVERY = [*OURS, *sources.python_files("tests")]
PACKAGES = [path for path in OURS if path.name == "__init__.py" and path.parts[0] == "tfflows"]
LONGEST_FILE, LONGEST_FUNCTION = 250, 40


def nodes(paths, *kinds):
    """Yields (path:line, node) of every node of these kinds."""
    for path in paths:
        for node in ast.walk(sources.tree(path)):
            if isinstance(node, kinds):
                yield f"{path}:{node.lineno}", node


def lines_of_code(function):
    """The lines of a function without its docstring: that is the specification and may be long."""
    first = function.body[0]
    text = isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str)
    docstring = first.end_lineno - first.lineno + 1 if text else 0
    return function.end_lineno - function.lineno + 1 - docstring


def test_files_are_short():
    assert not [str(p) for p in EVERY if len(sources.read(p).splitlines()) > LONGEST_FILE]


def test_files_say_what_they_hold():
    assert not [str(path) for path in EVERY if not ast.get_docstring(sources.tree(path))]


def test_functions_are_short():
    functions = nodes(OURS, ast.FunctionDef)
    assert not [place for place, f in functions if lines_of_code(f) > LONGEST_FUNCTION]


def test_errors_are_raised_not_asserted():
    assert not [place for place, _ in nodes(OURS, ast.Assert)]


def test_no_error_is_swallowed():
    handlers = list(nodes(EVERY, ast.ExceptHandler))
    assert not [place for place, handler in handlers if handler.type is None], "bare except"
    assert not [p for p, h in handlers if [type(n) for n in h.body] == [ast.Pass]], "except: pass"


def test_public_booleans_are_keyword_only():
    wrong = []
    for path in OURS:
        for owner in ast.walk(sources.tree(path)):
            if isinstance(owner, ast.Module | ast.ClassDef):
                functions = [node for node in owner.body if isinstance(node, ast.FunctionDef)]
                wrong += [f"{path}:{f.lineno}" for f in functions if _has_positional_flag(f)]
    assert not wrong


def _has_positional_flag(function):
    if function.name.startswith("_") and function.name != "__init__":
        return False
    arguments = [*function.args.posonlyargs, *function.args.args]
    defaults = function.args.defaults
    named = zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True)
    # Keras and TFP hand `training` on by position in places.
    flags = [a.arg for a, d in named if isinstance(getattr(d, "value", None), bool)]
    return set(flags) - {"training"} != set()


def public():
    """Yields (package name, package, its public names)."""
    for path in PACKAGES:
        name = ".".join(path.parent.parts)
        module = importlib.import_module(name)
        yield name, module, getattr(module, "__all__", [])


def test_public_names_are_listed_once_and_exist():
    for name, module, names in public():
        assert names, f"{name} has no __all__"
        assert len(names) == len(set(names)), name
        assert not [n for n in names if not hasattr(module, n)], name


def test_public_classes_and_functions_are_documented():
    values = [(f"{name}.{n}", getattr(m, n)) for name, m, names in public() for n in names]
    assert not [name for name, value in values if callable(value) and not value.__doc__]
