"""One file a data set; each has its `SIZE` and `load(folder, mirror)`, which gives `Images`."""

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
    """Return what the named data set holds, without fetching it.

    Raises:
        UserError: its file cannot be imported, or its SIZE cannot be true; the text names it.
    """
    with _named(dataset):
        return check_size(_part(dataset, "SIZE"))


def load(dataset: str, folder: Path, mirror: str | None) -> Images:
    """Fetch the named data set, keeping what it downloads in `folder`.

    Raises:
        UserError: it cannot be had, or is not what `contract.checked` asks for; the text names
            `mirror` or the source's file.
    """
    with _named(dataset):
        load_images = _part(dataset, "load")
    known = size(dataset)
    found = load_images(folder, mirror)
    with _named(dataset):
        return check_data(found, known)


def _part(dataset: str, name: str) -> Any:
    """Return what a source's file defines under a name."""
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
    """Put the source's file before what is wrong with it."""
    try:
        yield
    except UserError as error:
        file = plugins.shown(components.file_of("datasets", dataset))
        raise UserError(f"{file}: {error}") from None
