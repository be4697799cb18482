"""Data sets, one per file: a file has `SIZE` and `load(folder, mirror)`, which returns `Images`.

Those that a reader reads (`data/readers`) are looked up here too.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from latentgrid.data import Images
from latentgrid.data.contract import Size, check_data, check_size, require_memory
from latentgrid.errors import UserError, one_line
from latentgrid.grid import catalogue, components, datasets, plugins
from latentgrid.grid.blame import blaming, place_of
from latentgrid.grid.datasets import KEY, Source

__all__ = ["Size", "load", "size"]


def size(dataset: Source | str) -> Size:
    """Return the size of a data set, without fetching it.

    Args:
        dataset: a data set, or its `Source.text`, such as its name.

    Raises:
        UserError: there is no such data set, its file cannot be imported or raises an error, or no
            data set can have its size; the text names the file or `dataset:`.
    """
    source = _source(dataset)
    with _named(source):
        if not source.reader:
            return check_size(_part(source, "SIZE"))
        with blaming(*source.component):
            found = _reader(source).size()
        return check_size(found)


def load(dataset: Source | str, folder: Path, mirror: str | None) -> Images:
    """Fetch a data set; downloaded files stay in `folder`.

    Raises:
        UserError: it cannot be fetched, or `contract.check_data` refuses it; the text names
            `mirror`, `dataset:` or the source's file.
    """
    source = _source(dataset)
    with _named(source), blaming(*source.component):
        load_images = _reader(source).load if source.reader else _part(source, "load")
    known = size(source)
    with _named(source):
        require_memory(known)
    with _named(source) if source.reader else nullcontext(), blaming(*source.component):
        found = load_images(folder, mirror)
    with _named(source):
        return check_data(found, known)


def _source(dataset: Source | str) -> Source:
    return datasets.of_text(dataset) if isinstance(dataset, str) else dataset


def _reader(source: Source) -> Any:
    """Return a source's reader with its options."""
    return getattr(_module(source), catalogue.reader_class(source.reader).name)(**source.options)


def _part(source: Source, name: str) -> Any:
    """Return the object called `name` in the file of a data set."""
    module = _module(source)
    if not hasattr(module, name):
        raise UserError(f"needs SIZE and load(folder, mirror), and has no {name}")
    return getattr(module, name)


def _module(source: Source) -> ModuleType:
    module = components.module_of(*source.component)
    try:
        return importlib.import_module(module)
    except Exception as error:  # whatever a file of the user's raises is said in one line
        place = place_of(components.file_of(*source.component), error)
        said = f"cannot be imported: {type(error).__name__}: {one_line(error)}"
        raise UserError(f"{place}: {said}") from error


@contextmanager
def _named(source: Source) -> Iterator[None]:
    """Begin the text of a UserError with the source's file, or with the key of its options."""
    try:
        yield
    except UserError as error:
        place = KEY if source.reader else plugins.shown(components.file_of(*source.component))
        if str(error).startswith(place):
            raise
        raise UserError(f"{place}: {error}") from None
