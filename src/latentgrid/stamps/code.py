"""Finds the source files that a step depends on, and computes a digest of what their code does.

Comments, docstrings, formatting, the order of imports and the place of a module do not change the
digest, so that nobody's results are made again when code is moved or described. Any other change
of the code does change it. The modules that start a step and stamp its results (`STARTS`) decide
no result and are left out.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

import grimp

from latentgrid.grid import plugins

PACKAGE = plugins.PACKAGE
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
DEPTH = 20  # chains of imports are followed so far, to tell modules of equal text apart
STARTS = (f"{PACKAGE}.jobs.step", f"{PACKAGE}.stamps.made")


@dataclass(frozen=True)
class Code:
    """The code that a step runs.

    Attributes:
        digest: SHA-256 of the syntax trees of all its modules.
        modules: a digest of the syntax tree of each module by itself.
        sources: the SHA-256 of each module's file.
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
    linked = {module: _linked(module, DEPTH) for module in found}
    # Named modules are told apart by their order, all others by their content, wherever they lie.
    digest = _sha256([[linked[module] for module in modules], sorted(set(linked.values()))])
    sources = {module: hashlib.sha256(_source(module)).hexdigest() for module in found}
    return Code(digest, means, sources)


@cache
def _linked(module: str, depth: int) -> str:
    """Return a digest of a module and of the modules that it imports, up to this depth."""
    if not depth:
        return _meaning(module)
    return _sha256([_meaning(module), *(_linked(name, depth - 1) for name in _imported(module))])


@cache
def _graph() -> grimp.ImportGraph:
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    for module in STARTS:
        graph.remove_module(module)
    return graph


def _upstream(modules: tuple[str, ...]) -> set[str]:
    found, wanted = set[str](), list(modules)
    while wanted:
        module = wanted.pop()
        if module in found:
            continue
        found.add(module)
        if module in _graph().modules:
            found |= _graph().find_upstream_modules(module)
        else:  # a plugin's
            wanted += [*_imported(module), *_packages_of(module)]
    packages = {module.rpartition(".")[0] for module in found if module in _graph().modules}
    return found | packages - {""}


def _packages_of(module: str) -> list[str]:
    """Return those packages around a plugin's module that have an `__init__.py`."""
    parts = module.split(".")
    packages = [".".join(parts[:length]) for length in range(1, len(parts))]
    return [package for package in packages if plugins.source(package)]


@cache
def _source(module: str) -> bytes:
    file = plugins.source(module)
    if file is None:
        raise FileNotFoundError(f"{module}: no such file")
    return file.read_bytes()


@cache
def _syntax(module: str) -> ast.Module:
    """Return the syntax tree of a module's file, without docstrings.

    The package's own file counts as empty: it offers names to users and decides no result.
    """
    if module == PACKAGE:
        return ast.Module([], [])
    tree = ast.parse(_source(module), filename=module)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return tree


@cache
def _meaning(module: str) -> str:
    """Return a digest of a module's code, without the places from which it imports our modules."""
    return _sha256(_plain(_syntax(module)))


def _plain(node: Any) -> Any:
    """Return a syntax tree as nested lists that are the same in each version of Python."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if name != "kind")
        return [type(node).__name__, *([n, _plain(v)] for n, v in fields if v not in (None, []))]
    if isinstance(node, list):
        blocks = groupby(node, _is_import)
        return [part for imports, block in blocks for part in _plain_block(imports, block)]
    return repr(node)


def _plain_block(imports: bool, nodes: Iterable[Any]) -> list[Any]:
    """Return statements of one block as lists, imports sorted and without the places of ours."""
    if not imports:
        return [_plain(node) for node in nodes]
    return sorted(([*_place(node), *name] for node in nodes for name in _names(node)), key=repr)


def _is_import(node: Any) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _place(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the module that a name is imported from, if it belongs to another package."""
    return [] if isinstance(node, ast.Import) or _is_ours(node) else [str(node.module)]


def _names(node: ast.Import | ast.ImportFrom) -> Iterator[list[str]]:
    """Yield each imported name with the name that it gets."""
    for name in node.names:
        ours = isinstance(node, ast.Import) and plugins.is_ours(name.name)
        yield [name.name.rpartition(".")[2] if ours else name.name, name.asname or ""]


@cache
def _imported(module: str) -> tuple[str, ...]:
    """Return our modules that a module imports, in the order of the imported names."""
    found = []
    for node in ast.walk(_syntax(module)):
        if isinstance(node, ast.ImportFrom) and _is_ours(node):
            base = _base(module, node)
            for name in node.names:
                inner = f"{base}.{name.name}"
                target = inner if _is_module(inner) else base
                if inner not in STARTS:
                    found.append((name.name, name.asname or "", target))
        elif isinstance(node, ast.Import):
            found += [(name.name, name.asname or "", name.name) for name in node.names]
    return tuple(target for *_, target in sorted(found) if _is_module(target))


def _is_module(name: str) -> bool:
    """Tell whether this is the name of a module that decides results."""
    if name.partition(".")[0] == PACKAGE:
        return name in _graph().modules
    return plugins.source(name) is not None


def _is_ours(node: ast.ImportFrom) -> bool:
    return node.level > 0 or plugins.is_ours(str(node.module))


def _base(module: str, node: ast.ImportFrom) -> str:
    """Return the absolute name of the module in a `from … import`."""
    if not node.level:
        return str(node.module)
    file = plugins.source(module)
    is_package = file is not None and file.name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
