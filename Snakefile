"""The pipeline: fetch the data, train every run, measure, draw, report.

`snakemake --cores all` runs params.yaml; `--configfile other.yaml` runs another file instead, and
`--config 'training={epochs: 2}'` changes single keys. Each step is a file in workflow/rules;
its command is an `exec`, so that Snakemake is the parent of the job, which dies with it.
"""

import sys
from pathlib import Path

from snakemake.utils import min_version

from latentgrid.grid import catalogue

from latentgrid.jobs import fork_server

from latentgrid.grid.runs import canonical, plan_of, planned_runs

from latentgrid.pipeline import workflow as support
from latentgrid.files.layout import Layout
from latentgrid.jobs.devices import slow_bfloat16

min_version("9.27")
support.require_own_code()
support.require_hooks()
support.use_this_python()
support.name_this_workflow()
support.require_space()
support.require_own_records()

PARAMS = support.load_params(workflow)
support.require_known_numbers()
LAYOUT = Layout(PARAMS.dataset)
RUNS = {run.name: run for run in planned_runs(PARAMS)}
PLANNED = support.runs_by_entry(LAYOUT, RUNS.values())
BATCHES = support.batches(PLANNED)
FILES = {entry: runs for entry in PLANNED if (runs := support.there(PLANNED[entry]))}
OUTCOMES = [run.outcome for runs in FILES.values() for run in runs]
# What later steps ask of models, their abilities and what ranks their runs, is in the models' files.
MODELS = sorted(
    {f"latentgrid.models.{entry.model}" for entry in PARAMS.models.values()}
)
SOURCE = {
    "code": support.code(
        "latentgrid.data.__main__", f"latentgrid.data.sources.{PARAMS.dataset}"
    ),
    "dataset": PARAMS.dataset,
    "mirror": support.fingerprint_of_mirror(PARAMS),
}
# What a step depends on is in the description; that the images are there is enough.
DATA = [LAYOUT.description, ancient(LAYOUT.images)]
PLAN = canonical(plan_of(PARAMS))


wildcard_constraints:
    run=".+",


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/hooks.smk"


rule all:
    """The report and all that it stands on."""
    default_target: True
    input:
        LAYOUT.report,
        # What a failed job takes away is made again, although the report is still there.
        [file for runs in FILES.values() for run in runs for file in run.results],
        [run.metrics for runs in FILES.values() for run in runs],
        [run.overview for runs in FILES.values() for run in runs],
        LAYOUT.table_files,
        LAYOUT.verdict_files,
        list(FIGURES.values()),
        SEEN,


JOBS = support.look_at_results(
    workflow, LAYOUT, {"run": RUNS, "experiment": catalogue.experiments()}
)
