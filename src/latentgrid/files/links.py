"""Symbolic links among results: nothing is written, and nothing deleted, behind one.

`results/`, `data/` and a data set's folder in them may lie on another disk, behind a link. Below
these a link has its owner's reasons, which no step can know.
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
    """Return the link closest to `below` on the way from there to `path`."""
    parts = path.relative_to(below).parts
    ways = (below.joinpath(*parts[: n + 1]) for n in range(len(parts)))
    return next((way for way in ways if way.is_symlink()), None)


def link_error(link: Path) -> UserError:
    """Return the error of a link where there may be none."""
    return UserError(
        f"{link} is a link to {link.readlink()}, where nothing may be written or deleted; put "
        "the files in its place, or remove the link (only results/, data/ and a data set's folder "
        "in them may be links)"
    )
