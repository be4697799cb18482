"""Moves runs that left the grid aside, and takes them back when the grid has them again.

They are never deleted: they may have taken hours to train, and may exist nowhere else. Pages of
models that left the grid, and figures that are drawn no longer, are deleted: they take seconds to
make, and would lie beside the new ones as if they were of the same runs.
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
    """Move the runs that are not planned, done or unfinished, aside.

    Where a run's folder is a link, the link is removed and what it leads to stays.

    Returns:
        For each moved folder its old and its new path; for a removed link its path twice.

    Raises:
        UserError: a workflow is making these results, or a planned run lies behind a link; nothing
            was moved.
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


def remove_pages(layout: Layout, models: Iterable[str]) -> list[Path]:
    """Delete the pages and configurations of other models than these; they can be made again."""
    return _remove_others(layout, layout.models, models)


def remove_figures(layout: Layout, figures: Iterable[str]) -> list[Path]:
    """Delete other figures than these, which show runs of another grid."""
    return _remove_others(layout, layout.figures, figures)


def put_run_aside(layout: Layout, run: RunFiles) -> None:
    """Move a run that is to be trained again aside, as its settings may come back."""
    _put_folder_aside(layout, run.folder)


def put_checkpoints_aside(layout: Layout, run: RunFiles) -> None:
    """Move the checkpoints of a run that is done aside.

    They are of another training of that run, a longer one say, which may come back; or a kill kept
    the run from deleting them.
    """
    if not is_held(run.lock):
        _put_folder_aside(layout, run.state)


def take_checkpoints_back(layout: Layout, run: RunFiles) -> None:
    """Move the last checkpoints of a run that were put aside back to their place, if it is free.

    Whether they are of the training that the plan asks for is known to the training alone.
    """
    found = _versions(layout, run.state)
    if found and not run.state.exists():
        _move(max(found, key=lambda folder: folder.stat().st_mtime), run.state)


def take_back(layout: Layout, run: RunFiles, fits: Callable[[Path], bool]) -> bool:
    """Move a run that was put aside and fits the plan back to its place.

    Args:
        layout: of the data set.
        run: the files of the run; what is in their place does not fit, or there is nothing.
        fits: tells whether the run in a folder fits the plan.

    Returns:
        Whether a fitting run was found.
    """
    if first_link(layout.aside / _below(layout, run.folder), layout.results):
        return False
    if not any(map(fits, _versions(layout, run.folder))):
        return False
    # Each move leaves the fitting run where the next call looks, should this one be killed.
    put_run_aside(layout, run)
    _move(next(filter(fits, _versions(layout, run.folder))), run.folder)
    return True


def _remove_others(layout: Layout, folder: Path, names: Iterable[str]) -> list[Path]:
    """Delete the files in a folder that are called otherwise, with their stamps.

    Returns:
        The deleted files without the stamps.

    Raises:
        UserError: the folder is a link; nothing was deleted.
    """
    if link := first_link(folder, layout.results):
        raise link_error(link)
    kept = {*names}
    left = [
        path
        for path in sorted(folder.glob("*"))
        if path.is_file() and path.name.removeprefix(".").partition(".")[0] not in kept
    ]
    for path in left:
        path.unlink()
    return [path for path in left if not path.name.startswith(".")]


def _put_folder_aside(layout: Layout, folder: Path) -> None:
    if folder.is_dir() and not first_link(folder, layout.results):
        _move(folder, layout.aside / _below(layout, folder))


def _versions(layout: Layout, folder: Path) -> list[Path]:
    """Return the folders that were put aside at different times from the place of one."""
    aside = layout.aside / _below(layout, folder)
    return [folder for folder in (aside, *aside.parent.glob(f"{aside.name}~*")) if folder.is_dir()]


def _below(layout: Layout, folder: Path) -> Path:
    """Return the path of a folder within the results: `runs/…` or `state/…`."""
    return folder.relative_to(layout.results)


def _move(folder: Path, to: Path) -> Path:
    """Move a folder; a folder that is in its new place already is first renamed, with a number."""
    if to.exists():
        number = next(n for n in count(1) if not to.with_name(f"{to.name}~{n}").exists())
        to.rename(to.with_name(f"{to.name}~{number}"))
    to.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(to)
    return to
