"""Checks a user's file with the contract tests of its kind."""

import importlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from latentgrid.errors import UserError, one_line
from latentgrid.grid import catalogue, components, plugins


def check_plugin(file: Path) -> bool:
    """Run each check of a file's contract, print whether it holds, and return whether all do.

    Raises:
        UserError: the file is no component, or cannot be read.
    """
    kind, name = _component_of(file.absolute())
    print(f"{plugins.shown(file.absolute())}: {name}, one of {kind}")
    failed = 0
    checks = importlib.import_module(f"latentgrid.contracts.{kind}").CHECKS
    for check in checks:
        said = (check.__doc__ or "").partition("\n")[0]
        try:
            check(name)
        except (Exception, SystemExit) as error:  # whatever a file raises is said in one line
            failed += 1
            print(f"  failed  {said}\n          {'; '.join(_reason(error))}")
        else:
            print(f"  holds   {said}")
        sys.stdout.flush()
    print(f"{len(checks) - failed} of {len(checks)} checks hold.")
    return not failed


def _component_of(file: Path) -> tuple[str, str]:
    """Return the kind and name of the component in a file; make it a plugin if it is none yet."""
    if not file.is_file():
        raise UserError(f"{plugins.shown(file)}: no such file")
    found = _known(file)
    if not found:
        chosen = [str(path) for root in plugins.roots() for path in root.files or [root.folder]]
        plugins.choose([*chosen, str(file)])
        catalogue.read_plugins()
        found = _known(file)
    if not found:
        raise UserError(f"{plugins.shown(file)}: is none of {', '.join(components.KINDS)}")
    return found


def _known(file: Path) -> tuple[str, str] | None:
    every = ((kind, name) for kind in components.KINDS for name in components.names(kind))
    return next((one for one in every if components.file_of(*one) == file), None)


def _reason(error: BaseException) -> Iterator[str]:
    """Yield the error, and its line if it was raised in a plugin's file."""
    yield (
        one_line(error)
        if isinstance(error, UserError)
        else (f"{type(error).__name__}: {one_line(error)}")
    )
    frames = traceback.extract_tb(error.__traceback__)
    folders = [root.folder for root in plugins.roots()]
    inside = [f for f in frames if any(map(Path(f.filename).is_relative_to, folders))]
    if inside:
        yield f"{plugins.shown(Path(inside[-1].filename))}, line {inside[-1].lineno}"
