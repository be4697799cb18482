"""Runs that left the grid: put aside, never deleted, and taken back when the grid has them again.

What no grid of today asks for may be hours of another one's training, and saved nowhere else.
"""

from collections.abc import Iterable
from itertools import count
from pathlib import Path

from latentgrid.errors import UserError
from latentgrid.links import first_link, leads_away
from latentgrid.locks import is_held
from latentgrid.paths import Layout


def put_aside(layout: Layout, planned: Iterable[str]) -> list[tuple[Path, Path]]:
    """Move the runs, done or unfinished, that are not planned out of the way.

    Of a link only the link itself is removed.

    Returns:
        For each from where and to where; a link has no such place and stands there twice.

    Raises:
        UserError: a workflow makes these results, or a planned run lies behind a link; then
            nothing was moved.
    """
    if is_held(layout.lock):
        raise UserError(f"{layout.results} is being made by a snakemake; prune when it is done")
    runs = [layout.run(name) for name in planned]
    kept = {run.folder for run in runs} | {run.state for run in runs}
    for folder in sorted({layout.runs, layout.state, layout.aside, *kept}):
        if link := first_link(folder, layout.results):
            raise leads_away(link)
    left = {*layout.runs.glob("*/*/seed=*"), *layout.state.glob("*")} - kept
    moved = []
    for folder in sorted({first_link(folder, layout.results) or folder for folder in left}):
        if folder.is_symlink():
            folder.unlink()
            moved.append((folder, folder))
        else:
            moved.append((folder, _moved(folder, layout.aside / _below(layout, folder))))
    for settings in [*layout.runs.glob("*/*"), *layout.runs.glob("*")]:
        if settings.is_dir() and not any(settings.iterdir()):
            settings.rmdir()
    return moved


def take_back(layout: Layout, planned: Iterable[str]) -> None:
    """Move planned runs that were put aside back to their places, if these are free.

    Whether they are what is planned is judged like that of any other run.
    """
    if not layout.aside.is_dir() or is_held(layout.lock):
        return
    for name in planned:
        run = layout.run(name)
        for folder in (run.folder, run.state):
            aside = layout.aside / _below(layout, folder)
            if aside.is_dir() and not folder.exists():
                _moved(aside, folder)


def _below(layout: Layout, folder: Path) -> Path:
    """Return where a folder lies among the results: `runs/…` or `state/…`."""
    return folder.relative_to(layout.results)


def _moved(folder: Path, to: Path) -> Path:
    """Move a folder; what stands at its new place is kept beside it, with a number."""
    if to.exists():
        number = next(n for n in count(1) if not to.with_name(f"{to.name}~{n}").exists())
        to.rename(to.with_name(f"{to.name}~{number}"))
    to.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(to)
    return to
