"""Says in one line what a file of the user's raised, and in which line of it."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latentgrid.errors import UserError, one_line
from latentgrid.grid import components, plugins


@contextmanager
def blaming(kind: str, name: str) -> Iterator[None]:
    """Turn whatever the code of a plugin's component raises into a UserError that names its file.

    Errors of this package's own components stay, with their traceback.

    Raises:
        UserError: something was raised; the text names file and line.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if (kind, name) not in components.of_plugins():
            raise
        said = f"{type(error).__name__}: {one_line(error)}"
        raise UserError(f"{place_of(components.file_of(kind, name), error)}: {said}") from error


def place_of(file: Path, error: BaseException) -> str:
    """Return a file as messages name it, with its last line that an error passed, if any."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    return f"{plugins.shown(file)}, line {lines[-1]}" if lines else plugins.shown(file)
