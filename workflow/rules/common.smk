"""Every name that several rule files share: the configuration, the runs, and where things lie.

A shell command begins with `exec`, so that Snakemake is the parent of the job, which dies with it.
A call that cannot succeed ends here, before Snakemake has looked at a file.
"""

from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue, components, plugins
from latentgrid.grid.runs import canonical, plan_of, planned_runs, trainer_of
from latentgrid.grid.stacks import spare_places, stacks
from latentgrid.pipeline import (
    configuration,
    diverged,
    failure,
    fitting,
    gpus,
    sources,
    start,
    tracking,
)

start.require_own_code()
start.require_hooks()
start.use_this_python()
start.name_this_workflow()
start.require_space()
start.require_own_records()

PARAMS = configuration.load_params(workflow)
LAYOUT = Layout(PARAMS.dataset)
gpus.limit_jobs(workflow, PARAMS.training)
configuration.require_own_data(PARAMS, LAYOUT)
STUDIES = configuration.load_studies(PARAMS)
JUDGED = [study for study in STUDIES if study.facts.dataset == PARAMS.dataset]
# The files of the studies' facts and records; their claims' code is in the digests of code.
OF_STUDIES = [file for study in STUDIES for file in study.files]
PLAN = canonical(plan_of(PARAMS))
RUNS = {run.name: run for run in planned_runs(PARAMS)}
STACKS = stacks(RUNS.values())
STACK_OF = {run: [LAYOUT.stack(name)] for name, runs in STACKS.items() for run in runs}
# All runs; in the call that makes a report after a failure, those that have a result.
THERE = failure.finished_only(RUNS, LAYOUT)
OUTCOMES = [LAYOUT.run(run).outcome for run in THERE]
# What a step depends on is in the description; that the images are there is enough.
DATA = [LAYOUT.description, ancient(LAYOUT.images)]
# The modules of each run's model and of what it is trained with, found once for all of its jobs.
MODULES = {name: catalogue.modules_of(run.settings) for name, run in RUNS.items()}
# What later steps ask of models, their abilities and what ranks their runs, is in the models' files.
MODELS = sorted({module for modules in MODULES.values() for module in modules})


wildcard_constraints:
    run=".+",
