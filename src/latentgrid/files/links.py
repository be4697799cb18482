"""Finds symbolic links among results: nothing is written or deleted behind one.

`results/`, `data/` and a data set's folder in them may be links, for example to another disk. Any
link below these is refused, as no step can know what it is for.
"""

import os
from pathlib import Path

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout


def refuse_links(layout: Layout) -> None:
    """Raise a UserError if anything below the results of a data set is a link."""
    for place, folders, files in os.walk(layout.results):
        for path in (Path(place, name) for name in (*folders, *files)):
            if path.is_symlink():
                raise link_error(path)


def first_link(path: Path, below: Path) -> Path | None:
    """Return the first link on the way from the folder `below` down to `path`, or None."""
    parts = path.relative_to(below).parts
    ways = (below.joinpath(*parts[: n + 1]) for n in range(len(parts)))
    return next((way for way in ways if way.is_symlink()), None)


def link_error(link: Path) -> UserError:
    """Return the error for a link in a place where links are refused."""
    return UserError(
        f"{link} is a link to {link.readlink()}, where nothing may be written or deleted; put "
        "the files in its place, or remove the link (only results/, data/ and a data set's folder "
        "in them may be links)"
    )
