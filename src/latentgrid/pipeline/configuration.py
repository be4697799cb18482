"""The configuration that a call of Snakemake's names, read and checked before anything else."""

import os
from pathlib import Path
from typing import Any

from latentgrid.errors import plain_errors
from latentgrid.files.layout import Layout
from latentgrid.grid import own_results, reading, schema
from latentgrid.studies import reading as studies
from latentgrid.studies.collection import checked
from latentgrid.studies.study import Study


def load_params(workflow: Any) -> schema.Params:
    """Return the parameters of `--configfile`, else of params.yaml, with `--config` over them.

    A wrong one ends the call with one line.
    """
    given = workflow.config_settings
    with plain_errors():
        return reading.load(given.configfiles or [Path("params.yaml")], given.config_args)


def require_own_data(params: schema.Params, layout: Layout) -> None:
    """Refuse a data set whose results would take the place of another's, with one line."""
    with plain_errors():
        own_results.require_own_results(params.source, layout)


def configuration_files(workflow: Any) -> list[str]:
    """Return the paths of the configuration files of a call, relative to the working directory."""
    given = workflow.config_settings.configfiles or ["params.yaml"]
    return [os.path.relpath(path) for path in given]


def load_studies(params: schema.Params) -> list[Study]:
    """Return the studies that the configuration names.

    Anything wrong in one of them or in a record of it ends the call with one line, before anything
    is trained.
    """
    with plain_errors():
        chosen = studies.chosen(params.studies)
        checked(study for study in chosen if study.facts.dataset == params.dataset)
        return chosen
