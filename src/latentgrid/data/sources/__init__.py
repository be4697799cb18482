"""Data sets, one per file: a file has `SIZE` and `load(folder, mirror)`, which returns `Images`."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from latentgrid.data import Images
from latentgrid.data.contract import Size, check_data, check_size
from latentgrid.errors import UserError, one_line
from latentgrid.grid import components, plugins

__all__ = ["Size", "load", "size"]


def size(dataset: str) -> Size:
    """Return the size of a data set, without fetching it.

    Raises:
        UserError: its file cannot be imported, or no data set can have its SIZE; the text names the
            file.
    """
    with _named(dataset):
        return check_size(_part(dataset, "SIZE"))


def load(dataset: str, folder: Path, mirror: str | None) -> Images:
    """Fetch a data set; downloaded files stay in `folder`.

    Raises:
        UserError: it cannot be fetched, or `contract.check_data` refuses it; the text names
            `mirror` or the source's file.
    """
    with _named(dataset):
        load_images = _part(dataset, "load")
    known = size(dataset)
    found = load_images(folder, mirror)
    with _named(dataset):
        return check_data(found, known)


def _part(dataset: str, name: str) -> Any:
    """Return the object called `name` in the file of a data set."""
    module = components.module_of("datasets", dataset)
    try:
        source = importlib.import_module(module)
    except Exception as error:  # whatever a file of the user's raises is said in one line
        raise UserError(f"cannot be imported: {type(error).__name__} {one_line(error)}") from error
    if not hasattr(source, name):
        raise UserError(f"needs SIZE and load(folder, mirror), and has no {name}")
    return getattr(source, name)


@contextmanager
def _named(dataset: str) -> Iterator[None]:
    """Begin the text of a UserError with the source's file."""
    try:
        yield
    except UserError as error:
        file = plugins.shown(components.file_of("datasets", dataset))
        raise UserError(f"{file}: {error}") from None
