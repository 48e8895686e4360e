"""The repository as the project's tests see it: its files, and what each Python file imports."""

import ast
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
_SKIPPED = {"runs", "build", "dist", "node_modules", "__pycache__"}


def files(*patterns):
    """Returns the repository's files that match a pattern: sorted, relative to its root."""
    found = {path for pattern in patterns for path in ROOT.rglob(pattern) if path.is_file()}
    return sorted(path for path in (f.relative_to(ROOT) for f in found) if not _is_skipped(path))


def _is_skipped(path):
    def hidden(part):
        return part.startswith(".") and part not in (".ci", ".gitignore")

    return any(hidden(p) or p in _SKIPPED or p.endswith(".egg-info") for p in path.parts)


def python_files(*folders):
    return [path for path in files("*.py") if path.parts[0] in folders]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def tree(path):
    return ast.parse(read(path), filename=str(path))


def imports(path):
    """Returns what a file imports anywhere in it: (our files, names of other packages)."""
    ours, others = set(), set()
    for module, names in _imported(path):
        top = module.split(".")[0]
        if _find(top) is None and not (ROOT / top).is_dir():
            others.add(top)
            continue
        for name in names or [""]:
            ours.add(_find(f"{module}.{name}") or _find(module))
    return ours - {None, path}, others - set(sys.stdlib_module_names)


def _imported(path):
    """Yields (absolute module, imported names) of every import statement of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = (
                path.parent.parts[: len(path.parent.parts) - node.level + 1] if node.level else ()
            )
            module = ".".join((*package, *filter(None, [node.module])))
            yield module, [alias.name for alias in node.names]


def _find(module):
    """Returns the file of one of our modules or packages, None if it is not ours."""
    path = pathlib.Path(*module.strip(".").split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((c for c in candidates if (ROOT / c).is_file()), None)
