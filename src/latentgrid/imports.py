"""Which source files a step depends on, and a digest of what their code means.

The digest does not change with comments, docstrings, formatting, or the place of a module, so that
moving or describing code makes nothing again, and every change of what it does makes again what it
made. How a step becomes a process and how its results are stamped (`STARTS`) decides nothing and is
left out.
"""

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import grimp

PACKAGE = "latentgrid"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
DEPTH = 20  # so many imports after one another tell modules of equal text apart
STARTS = (f"{PACKAGE}.step", f"{PACKAGE}.made")


@dataclass(frozen=True)
class Code:
    """The code that a step runs.

    Attributes:
        digest: SHA-256 of what it means.
        modules: a digest of what each of its modules means by itself.
        sources: the SHA-256 of each of its modules' files.
    """

    digest: str
    modules: dict[str, str]
    sources: dict[str, str]


@cache
def code_of(*modules: str) -> Code:
    """Return the code of the named modules and of all that they import, directly or not.

    Raises:
        SyntaxError: a file is not valid Python.
    """
    found = sorted(_upstream(modules))
    means = {module: _meaning(module) for module in found}
    imported = {module: list(_imported(module)) for module in found}
    linked = means
    for _ in range(DEPTH):
        linked = {
            module: _sha256([means[module], *(linked[name] for name in imported[module])])
            for module in found
        }
    # The named modules by their order; all others by what they are, wherever they lie.
    digest = _sha256([[linked[module] for module in modules], sorted(set(linked.values()))])
    sources = {module: hashlib.sha256(_source(module)).hexdigest() for module in found}
    return Code(digest, means, sources)


@cache
def source_file(module: str) -> str:
    """Return the file of a module of this package, seen from the root of the project."""
    path = _root().joinpath(*module.split(".")[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return f"src/{file.relative_to(_root().parent).as_posix()}"


def _root() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


@cache
def _graph() -> grimp.ImportGraph:
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    for module in STARTS:
        graph.remove_module(module)
    return graph


def _upstream(modules: tuple[str, ...]) -> set[str]:
    found = set(modules)
    for module in modules:
        found |= _graph().find_upstream_modules(module)
    packages = {module.rpartition(".")[0] for module in found} - {""}
    return found | packages


@cache
def _source(module: str) -> bytes:
    return _root().parent.joinpath(*Path(source_file(module)).parts[1:]).read_bytes()


@cache
def _syntax(module: str) -> ast.Module:
    """Return what a module's file says, without docstrings."""
    tree = ast.parse(_source(module), filename=source_file(module))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return tree


@cache
def _meaning(module: str) -> str:
    """Return a digest of what a module means but for where it finds the others of this package."""
    return _sha256(_plain(_syntax(module)))


def _plain(node: Any) -> Any:
    """Return a syntax tree as lists, without what differs between versions of Python."""
    if isinstance(node, ast.ImportFrom) and _is_ours(node):
        return ["ImportFrom", [_plain(name) for name in node.names]]
    if isinstance(node, ast.alias) and node.name.startswith(f"{PACKAGE}."):
        return ["alias", node.name.rpartition(".")[2], node.asname]
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if name != "kind")
        return [type(node).__name__, *([n, _plain(v)] for n, v in fields if v not in (None, []))]
    if isinstance(node, list):
        return [_plain(part) for part in node]
    return repr(node)


def _imported(module: str) -> Iterator[str]:
    """Yield the modules of this package that a module imports, in the order of its text."""
    for node in ast.walk(_syntax(module)):
        if isinstance(node, ast.ImportFrom) and _is_ours(node):
            base = _base(module, node)
            for name in node.names:
                inner = f"{base}.{name.name}"
                found = inner if inner in _graph().modules else base
                if found in _graph().modules:
                    yield found
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in _graph().modules)


def _is_ours(node: ast.ImportFrom) -> bool:
    return node.level > 0 or f"{node.module}.".startswith(f"{PACKAGE}.")


def _base(module: str, node: ast.ImportFrom) -> str:
    """Return the module that a `from … import` names."""
    if not node.level:
        return str(node.module)
    package = module if source_file(module).endswith("/__init__.py") else module.rpartition(".")[0]
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
