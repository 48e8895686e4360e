"""Reads the root BUILD without Bazel: the part of its language that it uses is also Python's."""

import ast
import pathlib
import typing

from tests.project import sources

KINDS = ("py_library", "py_binary", "py_test")


class Target(typing.NamedTuple):
    """One rule: kind, name, files relative to the root, labels and the other arguments."""

    kind: str
    name: str
    srcs: list
    deps: list
    arguments: dict


def targets():
    """Returns the targets of the root BUILD, {name: Target}."""
    found, constants = {}, _constants()
    for call in _calls(*KINDS):
        arguments = {k.arg: _value(k.value, constants) for k in call.keywords}
        name, srcs, deps = (arguments.pop(key, []) for key in ("name", "srcs", "deps"))
        if name in found:
            raise ValueError(f"Expected one target of each name. Received: name={name!r}")
        found[name] = Target(call.func.id, name, srcs, deps, arguments)
    return found


def loaded():
    """Returns {file of a load line: the names it loads}."""
    return {c.args[0].value: [a.value for a in c.args[1:]] for c in _calls("load")}


def _calls(*functions):
    """Returns the calls of these functions that stand alone in the file."""
    statements = [node.value for node in sources.tree("BUILD").body if isinstance(node, ast.Expr)]
    return [v for v in statements if isinstance(v, ast.Call) and v.func.id in functions]


def _constants():
    """Returns the values of the names that the file assigns."""
    assigned = [node for node in sources.tree("BUILD").body if isinstance(node, ast.Assign)]
    return {node.targets[0].id: _value(node.value, {}) for node in assigned}


def _value(node, constants):
    """Evaluates literals, `+`, constants of the file and glob."""
    if isinstance(node, ast.Name) and node.id in constants:
        return constants[node.id]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _value(node.left, constants) + _value(node.right, constants)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "glob":
        return _glob(
            ast.literal_eval(node.args[0]),
            {k.arg: ast.literal_eval(k.value) for k in node.keywords},
        )
    return ast.literal_eval(node)


def _glob(patterns, options):
    """Bazel's glob; like today's Bazel it refuses a pattern that matches no file."""
    found = []
    for pattern in patterns:
        matches = [str(p.relative_to(sources.ROOT)) for p in sorted(sources.ROOT.glob(pattern))]
        if not matches:
            raise ValueError(
                f"Expected a glob that matches some file. Received: pattern={pattern!r}"
            )
        found += matches
    excluded = options.get("exclude", [])
    return [path for path in found if not any(pathlib.PurePath(path).match(e) for e in excluded)]
