"""Runs that left the grid: put aside, never deleted, and taken back when the grid has them again.

What no grid of today asks for may be hours of another one's training, and saved nowhere else.
"""

from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.files.links import first_link, link_error
from latentgrid.files.locks import is_held
from latentgrid.files.run_files import RunFiles


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
            raise link_error(link)
    left = {*layout.runs.glob("*/*/seed=*"), *layout.state.glob("*")} - kept
    moved = []
    for folder in sorted({first_link(folder, layout.results) or folder for folder in left}):
        if folder.is_symlink():
            folder.unlink()
            moved.append((folder, folder))
        else:
            moved.append((folder, _move(folder, layout.aside / _below(layout, folder))))
    for settings in [*layout.runs.glob("*/*"), *layout.runs.glob("*")]:
        if settings.is_dir() and not any(settings.iterdir()):
            settings.rmdir()
    return moved


def put_run_aside(layout: Layout, run: RunFiles) -> None:
    """Move a run that is to be trained again out of the way: its settings may come back."""
    if run.folder.is_dir() and not first_link(run.folder, layout.results):
        _move(run.folder, layout.aside / _below(layout, run.folder))


def take_back(layout: Layout, run: RunFiles, fits: Callable[[Path], bool]) -> bool:
    """Move the version of a run that fits the plan, if one was put aside, back to its place.

    Args:
        layout: of the data set.
        run: the files of the run, which does not fit or is not there.
        fits: tells whether the run in a folder fits.

    Returns:
        Whether there was one.
    """
    aside = layout.aside / _below(layout, run.folder)
    if first_link(aside, layout.results):
        return False
    versions = [aside, *aside.parent.glob(f"{aside.name}~*")]
    found = next((folder for folder in versions if folder.is_dir() and fits(folder)), None)
    if found is None:
        return False
    waiting = found.rename(found.with_name(f".{found.name}"))
    put_run_aside(layout, run)
    _move(waiting, run.folder)
    return True


def _below(layout: Layout, folder: Path) -> Path:
    """Return where a folder lies among the results: `runs/…` or `state/…`."""
    return folder.relative_to(layout.results)


def _move(folder: Path, to: Path) -> Path:
    """Move a folder; what stands at its new place is kept beside it, with a number."""
    if to.exists():
        number = next(n for n in count(1) if not to.with_name(f"{to.name}~{n}").exists())
        to.rename(to.with_name(f"{to.name}~{number}"))
    to.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(to)
    return to
