"""Plugin folders: folders of users' files that `plugins:` names, and installed packages.

A plugin folder has a folder for each kind of component (`components.KINDS`). It is imported as a
package with the folder's name: `extensions/models/mine.py` is the module `extensions.models.mine`.
The workflow and the commands choose the plugins; jobs get them by an environment variable.
"""

import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from latentgrid.errors import UserError

CHOSEN = "LATENTGRID_PLUGINS"  # the environment variable with all plugins, as JSON
GROUP = "latentgrid.plugins"  # the entry points with which a package announces its plugins
PACKAGE = "latentgrid"
PACKAGE_FOLDER = Path(__file__).parents[1]
PLUGIN_LIST = "a list of folders or files of the project, as in [extensions]"


@dataclass(frozen=True)
class Root:
    """A plugin folder.

    Attributes:
        package: the name of its package in imports.
        folder: its absolute path.
        files: the named files in it; empty if the folder itself was named.
    """

    package: str
    folder: Path
    files: tuple[Path, ...] = ()

    @property
    def top_package(self) -> str:
        """The first part of the name of its package."""
        return self.package.partition(".")[0]

    @property
    def top_folder(self) -> Path:
        """The folder of the top package."""
        depth = self.package.count(".")
        return self.folder.parents[depth - 1] if depth else self.folder


def choose(named: Iterable[str], studies: Iterable[Path] = ()) -> None:
    """Make these and the installed plugins those of this process and of the processes it starts.

    Args:
        named: plugin folders, or single files in them, relative to the working directory.
        studies: folders of studies; those with Python files are plugin folders too.

    Raises:
        UserError: one of them does not exist, or its folder cannot be imported by its name.
    """
    found = [*_named(named), *_of_studies(studies), *_installed()]
    for number, root in enumerate(found):
        for other in found[:number]:
            if root.top_package == other.top_package:
                raise UserError(
                    f"plugins: {shown(other.folder)} and {shown(root.folder)} have one name; "
                    f"rename one of the folders"
                )
    chosen = [[root.package, str(root.folder), *map(str, root.files)] for root in found]
    os.environ[CHOSEN] = json.dumps(chosen)


def roots() -> tuple[Root, ...]:
    """Return the plugin folders that were chosen."""
    return _read(os.environ.get(CHOSEN) or "[]")


@cache
def _read(chosen: str) -> tuple[Root, ...]:
    return tuple(
        Root(package, Path(folder), tuple(map(Path, files)))
        for package, folder, *files in json.loads(chosen)
    )


def _named(named: Iterable[str]) -> list[Root]:
    files: dict[Path, list[Path]] = {}
    for name in named:
        path = Path(name).absolute()
        if path.is_dir():
            files[path] = []
        elif path.is_file() and path.suffix == ".py":
            folder = path.parents[1]
            if files.setdefault(folder, [path]) and path not in files[folder]:
                files[folder].append(path)
        else:
            raise UserError(f"plugins: {name}: no such folder or file; allowed: {PLUGIN_LIST}")
    return [Root(_name_of(folder), folder, tuple(files[folder])) for folder in files]


def _of_studies(folders: Iterable[Path]) -> list[Root]:
    return [
        Root(_name_of(folder), folder)
        for folder in map(Path.absolute, folders)
        if any(folder.glob("*/*.py"))
    ]


def _name_of(folder: Path) -> str:
    """Return the name of a plugin folder as a package; a study's has _ for each -.

    Raises:
        UserError: no module can have this name, or another module has it.
    """
    is_study = (folder / "study.yaml").is_file()
    name = folder.name.replace("-", "_") if is_study else folder.name
    if not name.isidentifier():
        raise UserError(
            f"plugins: {shown(folder)}: the folder's name must be letters, digits and _, "
            f"as it is imported by it"
        )
    found = PathFinder.find_spec(name)
    elsewhere = found and found.origin and Path(found.origin).parent != folder
    if elsewhere or name in sys.stdlib_module_names:
        raise UserError(
            f"plugins: {shown(folder)}: {name} is the name of a package of Python's too; "
            f"rename the folder"
        )
    return name


@cache
def _installed() -> tuple[Root, ...]:
    """Return the installed packages that announce plugins.

    Raises:
        UserError: one of them cannot be found.
    """
    found = []
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda one: one.value):
        try:
            spec = importlib.util.find_spec(point.value)
        except ImportError:
            spec = None
        folders = list(spec.submodule_search_locations or ()) if spec else []
        if not folders:
            raise UserError(f"{GROUP}: {point.value}: no such package is installed")
        found.append(Root(point.value, Path(folders[0])))
    return tuple(found)


def source(module: str) -> Path | None:
    """Return the file of a module of this package or a plugin; None if there is none."""
    top, *rest = module.split(".")
    folder = _top_folder(top)
    if folder is None:
        return None
    place = folder.joinpath(*rest)
    files = place / "__init__.py", place.with_name(f"{place.name}.py")
    return next((file for file in files if file.is_file()), None)


def is_ours(module: str) -> bool:
    """Tell whether a module belongs to this package or a plugin, and not to a library."""
    return _top_folder(module.partition(".")[0]) is not None


def _top_folder(top: str) -> Path | None:
    """Return the folder of this package or of a plugin's top package, by its name."""
    if top == PACKAGE:
        return PACKAGE_FOLDER
    return next((root.top_folder for root in roots() if root.top_package == top), None)


def shown(path: Path) -> str:
    """Return a path as text for messages: relative to the project's folder if it is in it."""
    if path.is_relative_to(PACKAGE_FOLDER):
        return f"src/{PACKAGE}/{path.relative_to(PACKAGE_FOLDER).as_posix()}"
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def find_spec(
    name: str, path: Sequence[str] | None, target: ModuleType | None = None
) -> ModuleSpec | None:
    """Return the import spec of a module in a plugin folder; None for any other module."""
    root = next((root for root in roots() if root.top_package == name.partition(".")[0]), None)
    if root is None:
        return None
    if path is not None:
        return PathFinder.find_spec(name, path, target)
    start = root.top_folder / "__init__.py"
    if start.is_file():
        return importlib.util.spec_from_file_location(name, start)
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(root.top_folder)]
    return spec


class Finder(MetaPathFinder):
    """Finds modules in plugin folders, which need not be on Python's path."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the import spec of a module in a plugin folder; None leaves it to Python."""
        return find_spec(fullname, path, target)


def make_importable() -> None:
    """Make Python look for modules in plugin folders before it looks anywhere else."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(sys.meta_path.index(PathFinder), Finder())
