"""Says of which measures a larger value is better, by reading their files and not running them."""

from functools import cache
from pathlib import Path

from latentgrid.grid import components

CONSTANT = "LARGER_IS_BETTER"


def larger_is_better() -> frozenset[str]:
    """Return the numbers that the files of measures name in LARGER_IS_BETTER.

    Of all others, and of losses, a smaller value is better.

    Raises:
        UserError: a constant cannot be read without running the file, or is no tuple of texts.
    """
    names = components.names("measures")
    return _named_in(tuple(components.file_of("measures", name) for name in names))


@cache
def _named_in(files: tuple[Path, ...]) -> frozenset[str]:
    found: set[str] = set()
    for file in files:
        value = components.value_in(file, components.statements(file), CONSTANT)
        if value is not None:
            found.update(components.plain(file, CONSTANT, value, components.TEXTS))
    return frozenset(found)
