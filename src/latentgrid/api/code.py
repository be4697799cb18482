"""Refuses runs whose model's code is not what it was trained with."""

from latentgrid.errors import UserError
from latentgrid.grid.components import module_of
from latentgrid.results.trained import TrainedRun
from latentgrid.stamps import made
from latentgrid.stamps.code import code_of


def require_same_code(run: TrainedRun) -> None:
    """Refuse a run whose model means something else by now, so that its weights would too.

    Other code that trained it, such as an optimizer's, may have changed. A module counts by its
    content, wherever it lies, as in `stamps.code`.

    Raises:
        UserError: the code is another one, or nothing says which it was.
    """
    trained_by = made.read_stamp(run.files.outcome).get("modules")
    folder = run.files.folder
    if not isinstance(trained_by, dict) or not trained_by:
        stamp = made.stamp_of(run.files.outcome).name
        raise UserError(
            f"{folder}: has no {stamp}, which says by what code it was trained; copy the folder "
            f"with its hidden files, or train the run again"
        )
    known = set(trained_by.values())
    digits = len(next(iter(known)))
    now = code_of(module_of("models", run.config.settings["model"])).modules
    changed = [module for module, digest in now.items() if digest[:digits] not in known]
    if changed:
        raise UserError(
            f"{folder}: was trained with other code of {', '.join(changed)} (commit "
            f"{run.config.code}); use that commit, or run snakemake, which trains it again"
        )
