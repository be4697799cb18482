"""Loading this package and plugins from their sources alone, and remembering what was loaded.

Python takes bytecode for that of a source by the source's date, in whole seconds, and its size.
After two edits within a second, or with a date set back, other code runs than was read.
"""

import hashlib
import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

PACKAGE = __name__.partition(".")[0]
PLUGINS = f"{PACKAGE}.grid.plugins"
LOADED: dict[str, str] = {}  # by the name of each module the SHA-256 of the source that was loaded
_COMPILED: dict[tuple[str, str], CodeType] = {}


class FromSource(SourceFileLoader):
    """Loads a module from its source, whatever bytecode lies beside it."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the source as it is now."""
        source = self.get_data(self.path)
        digest = hashlib.sha256(source).hexdigest()
        LOADED[fullname] = digest
        return _compiled(source, digest, self.path)


class Finder(MetaPathFinder):
    """Finds the modules of this package where Python does, and those of plugin folders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a module is loaded; None leaves it to Python."""
        if fullname.partition(".")[0] == PACKAGE:
            spec = PathFinder.find_spec(fullname, path, target)
        else:
            # None as long as it is being loaded itself.
            find_spec = getattr(sys.modules.get(PLUGINS), "find_spec", None)
            spec = find_spec(fullname, path, target) if find_spec else None
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = FromSource(spec.loader.name, spec.loader.path)
        return spec


def from_source() -> None:
    """Load what this process has not loaded yet from its source."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
    importlib.import_module(PLUGINS)


def compile_all() -> None:
    """Compile the whole package, so that forks of this process need not."""
    for path in Path(__file__).parents[1].rglob("*.py"):
        source = path.read_bytes()
        try:
            _compiled(source, hashlib.sha256(source).hexdigest(), str(path))
        except (SyntaxError, ValueError):
            continue  # whoever loads it is told


def _compiled(source: bytes, digest: str, path: str) -> CodeType:
    if (digest, path) not in _COMPILED:
        _COMPILED[digest, path] = compile(source, path, "exec", dont_inherit=True)
    return _COMPILED[digest, path]
