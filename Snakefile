"""The pipeline: fetch the data, train every run, measure, draw, report.

`snakemake --cores all` runs params.yaml; `--configfile other.yaml` runs another file instead, and
`--config 'training={epochs: 2}'` changes single keys. Each step is a file in workflow/rules.
"""

import os
import subprocess
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from latentgrid import grid, params
from latentgrid.errors import UserError
from latentgrid.imports import source_files
from latentgrid.paths import Layout

min_version("9.27")

# Jobs run the Python that runs Snakemake, whether or not its environment is activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

try:
    PARAMS = params.load(
        workflow.config_settings.configfiles or ["params.yaml"],
        workflow.config_settings.config,
    )
except UserError as error:
    raise WorkflowError(str(error)) from None
LAYOUT = Layout(PARAMS.dataset)
RUNS = {run.name: run for run in grid.runs(PARAMS)}


def runs_of(entry):
    """Return the files of an entry's runs; of those that trained only, when a report is made of
    what there is after a failure."""
    files = [LAYOUT.run(name) for name, run in RUNS.items() if run.entry == entry]
    if "LATENTGRID_ONLY_FINISHED" in os.environ:
        return [run for run in files if run.outcome.exists()]
    return files


wildcard_constraints:
    run=".+",


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/tracking.smk"


rule all:
    """The report and all that it stands on."""
    default_target: True
    input:
        LAYOUT.report,
