"""Symbolic links among results: nothing is written, and nothing deleted, behind one.

`results/`, `data/` and a data set's folder in them may lie on another disk, behind a link. Below
these a link has its owner's reasons, which no step can know.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from latentgrid.errors import UserError
from latentgrid.paths import Layout


def refuse_links(layout: Layout) -> None:
    """Raise a UserError if anything below the results of a data set is a link."""
    for place, folders, files in os.walk(layout.results):
        for path in (Path(place, name) for name in (*folders, *files)):
            if path.is_symlink():
                raise _leads_away(path)


def delete(folders: Iterable[Path], kept: Iterable[Path], within: Path) -> list[Path]:
    """Delete folders of runs, of a link only the link itself, and return what was deleted.

    Args:
        folders: what is to go, at any depth below `within`.
        kept: folders that stay.
        within: what holds all of them; whether itself it is a link does not matter.

    Raises:
        UserError: a folder to be kept is a link or lies behind one; then nothing was deleted.
    """
    for folder in sorted(kept):
        if link := _first_link(folder, within):
            raise _leads_away(link)
    gone = {_first_link(folder, within) or folder for folder in folders}
    for path in sorted(gone):
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path)
    return sorted(gone)


def _first_link(path: Path, below: Path) -> Path | None:
    """Return the link closest to `below` on the way from there to `path`."""
    parts = path.relative_to(below).parts
    ways = (below.joinpath(*parts[: n + 1]) for n in range(len(parts)))
    return next((way for way in ways if way.is_symlink()), None)


def _leads_away(link: Path) -> UserError:
    return UserError(
        f"{link} is a link to {link.readlink()}, where nothing may be written or deleted; put "
        "the files in its place, or remove the link (only results/, data/ and a data set's folder "
        "in them may be links)"
    )
