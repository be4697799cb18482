"""Refuses a folder of images whose results would take the place of another folder's."""

import json
from collections.abc import Mapping
from pathlib import Path

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.grid.datasets import KEY, Source, of_text, said_of


def require_own_results(source: Source, layout: Layout) -> None:
    """Refuse a data set if its name is that of another folder's, which has data here.

    A folder that is no longer where it was may have been moved.

    Raises:
        UserError: the data here were read from another folder, which is still there.
    """
    said = said_of(layout)
    if not isinstance(said, Mapping) or source.reader not in said:
        return
    others = {*_places(of_text(json.dumps(said)))} - {*_places(source)}
    for other in sorted(others):
        if other.exists():
            raise UserError(
                f"{KEY}: {layout.results} is of the images in {other}; allowed: a name of its own, "
                f"as in {{{source.reader}: …, name: {source.name.partition(',')[0]}_2}}; or delete "
                f"{layout.data} to let these images take its place"
            )


def _places(source: Source) -> list[Path]:
    return [Path(file).expanduser().resolve() for file in source.files]
