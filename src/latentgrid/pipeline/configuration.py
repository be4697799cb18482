"""The configuration that a call of Snakemake's names, read and checked before anything else."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from latentgrid.errors import UserError, printable
from latentgrid.grid import params
from latentgrid.reference import published


def load_params(workflow: Any) -> params.Params:
    """Return the parameters of `--configfile`, else of params.yaml, with `--config` over them.

    If something in them is wrong, Snakemake ends here: an exception would show a traceback.
    """
    given = workflow.config_settings
    try:
        return params.load(given.configfiles or [Path("params.yaml")], given.config_args)
    except UserError as error:
        sys.exit(f"error: {printable(str(error))}")


def configuration_files(workflow: Any) -> list[str]:
    """Return the files of a call's configuration, seen from where it was called."""
    given = workflow.config_settings.configfiles or ["params.yaml"]
    return [os.path.relpath(path) for path in given]


def require_files(paths: Iterable[str | Path]) -> None:
    """End here if a file of the project is missing: Snakemake would take it for nothing to do."""
    missing = [str(path) for path in paths if not Path(path).is_file()]
    if missing:
        sys.exit(f"error: {', '.join(missing)}: no such file; the workflow reads it")


def require_known_numbers() -> None:
    """End here if a published number is wrong: after all training it would be named too late."""
    try:
        published.numbers()
    except UserError as error:
        sys.exit(f"error: {printable(str(error))}")
