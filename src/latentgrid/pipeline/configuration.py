"""The configuration that a call of Snakemake's names, read and checked before anything else."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from latentgrid.audit.examine import audited, files_of
from latentgrid.errors import plain_errors
from latentgrid.grid import reading, schema
from latentgrid.reference import published


def load_params(workflow: Any) -> schema.Params:
    """Return the parameters of `--configfile`, else of params.yaml, with `--config` over them.

    A wrong one ends the call with one line.
    """
    given = workflow.config_settings
    with plain_errors():
        return reading.load(given.configfiles or [Path("params.yaml")], given.config_args)


def configuration_files(workflow: Any) -> list[str]:
    """Return the paths of the configuration files of a call, relative to the working directory."""
    given = workflow.config_settings.configfiles or ["params.yaml"]
    return [os.path.relpath(path) for path in given]


def require_files(paths: Iterable[str | Path]) -> None:
    """End the call if a file that a rule reads is missing.

    Snakemake would leave that rule out without a word if its results are there.
    """
    missing = [str(path) for path in paths if not Path(path).is_file()]
    if missing:
        sys.exit(f"error: {', '.join(missing)}: no such file; the workflow reads it")


def require_known_numbers() -> None:
    """End the call if a cell of the published numbers is wrong, before anything is trained."""
    with plain_errors():
        published.numbers()


def audited_files(dataset: str) -> list[str]:
    """Return the files of the studies that are audited beside a data set's results.

    What is wrong in one ends the call with one line.
    """
    with plain_errors():
        return [str(path) for study in audited(dataset) for path in files_of(study)]
