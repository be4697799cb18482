"""Which results fit this call's plan, and how Snakemake comes to know it.

Snakemake judges a file by its date alone. So the results are compared with the plan before it looks
at any, and their dates are set by what is found.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from latentgrid.commands.doctor import SURVEY
from latentgrid.errors import plain_errors
from latentgrid.files.aside import (
    put_checkpoints_aside,
    put_run_aside,
    take_back,
    take_checkpoints_back,
)
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.files.locks import is_held
from latentgrid.files.run_files import RunFiles
from latentgrid.pipeline.failure import FINISHED_ONLY
from latentgrid.pipeline.sources import CODES
from latentgrid.stamps import survey
from latentgrid.stamps.made import Digests, misfit

DRY_RUN = re.compile(r"-[a-zA-Z]*n[a-zA-Z]*|--dry-?run")


# What `look_at_results` found: the names of jobs whose results fit, and runs that do not.
FITTING: set[str] = set()
MISFITS: list[survey.Finding] = []


def data_to_train(run: str, data: Sequence[Any]) -> Sequence[Any]:
    """Return inputs of a training: none if its results fit already.

    Otherwise Snakemake would train it again when the images were lost and are fetched anew.
    """
    return [] if f"{survey.TRAIN}:{run}" in FITTING else data


def runs_to_train(runs: Iterable[str]) -> list[str]:
    """Return those of the runs whose results do not fit."""
    return [run for run in runs if f"{survey.TRAIN}:{run}" not in FITTING]


def look_at_results(
    workflow: Any, layout: Layout, values: Mapping[str, Iterable[str]]
) -> list[survey.Job]:
    """Compare all results with what would be made, set their dates, and print what does not fit.

    Runs that were put aside and fit are moved back first. For `latentgrid doctor`, the comparison
    is written to a file and this process ends.

    Args:
        workflow: Snakemake's, all of whose rules are there.
        layout: of the data set.
        values: the values of each rule's wildcard, by the rule's name.

    Returns:
        All jobs that the workflow can run.
    """
    jobs = survey.jobs(workflow.rules, layout, CODES, values)
    findings = survey.survey(jobs, Digests())
    to_file = os.environ.get(SURVEY)
    if to_file:
        targets = [Path(path) for path in workflow.get_rule("all").input]
        wanted = survey.needed(jobs, targets)
        write_json(Path(to_file), survey.as_data(f for f in findings if f.job.name in wanted))
        sys.exit(0)
    # A dry run beside a workflow that runs leaves files to that one.
    if FINISHED_ONLY in os.environ or not is_held(layout.lock):
        taken_back = [finding for finding in findings if _is_taken_back(finding, layout)]
        if taken_back:
            # What is made of these runs was compared with those that lay in their places.
            findings = survey.survey(jobs, Digests())
        with plain_errors():
            survey.set_dates(findings)
    FITTING.update(finding.job.name for finding in findings if not finding.reason)
    for line in survey.sentences(findings, every_run=any(map(DRY_RUN.fullmatch, sys.argv))):
        print(line, file=sys.stderr, flush=True)
    MISFITS.extend(f for f in findings if f.reason and f.exists and f.job.rule == survey.TRAIN)
    return jobs


def _is_taken_back(finding: survey.Finding, layout: Layout) -> bool:
    """Take back a run that was put aside if it fits and the one in its place does not."""
    if finding.job.rule != survey.TRAIN or not finding.reason:
        return False
    run = _run_of(layout, finding.job.name)

    def fits(folder: Path) -> bool:
        relocated = survey.relocate(finding.job.product, run.folder, folder)
        return not misfit(relocated, Digests())

    return take_back(layout, run, fits)


def put_misfits_aside(workflow: Any, layout: Layout) -> None:
    """Put aside the runs that this call trains again; Snakemake would delete their files."""
    trained = _trained_by(workflow)
    for finding in MISFITS:
        if finding.job.name in trained:
            put_run_aside(layout, _run_of(layout, finding.job.name))


def sort_checkpoints(workflow: Any, layout: Layout) -> None:
    """Put aside the checkpoints of runs that are done, and take back those of runs to train."""
    for name in FITTING:
        if name.startswith(f"{survey.TRAIN}:"):
            put_checkpoints_aside(layout, _run_of(layout, name))
    for name in _trained_by(workflow):
        take_checkpoints_back(layout, _run_of(layout, name))


def _trained_by(workflow: Any) -> set[str]:
    """Return the names of the jobs that train in this call."""
    jobs = workflow.dag.needrun_jobs()
    return {f"{survey.TRAIN}:{job.wildcards.run}" for job in jobs if job.rule.name == survey.TRAIN}


def _run_of(layout: Layout, job: str) -> RunFiles:
    """Return the files of the run that a job trains."""
    return layout.run(job.partition(":")[2])
