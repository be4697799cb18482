"""What lies in the results compared with what this call would make, as Snakemake is told it."""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from latentgrid.commands.doctor import SURVEY
from latentgrid.errors import UserError
from latentgrid.files.aside import put_run_aside, take_back
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.files.locks import is_held
from latentgrid.pipeline.failure import FINISHED_ONLY
from latentgrid.pipeline.sources import CODES
from latentgrid.stamps import survey
from latentgrid.stamps.made import Digests, misfit

DRY_RUN = re.compile(r"-[a-zA-Z]*n[a-zA-Z]*|--dry-?run")


FITTING: set[str] = set()
MISFITS: list[survey.Finding] = []


def data_to_train(run: str, data: Sequence[Any]) -> Sequence[Any]:
    """Return the inputs of a training: none if its results fit.

    For Snakemake would train a run again that depends on images that were lost.
    """
    return [] if f"{survey.TRAIN}:{run}" in FITTING else data


def look_at_results(
    workflow: Any, layout: Layout, values: Mapping[str, Iterable[str]]
) -> list[survey.Job]:
    """Compare what lies in the results with what would be made, and let Snakemake know.

    Returns:
        All jobs of the workflow.
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
        findings = [_taken_back(finding, layout) for finding in findings]
        try:
            survey.set_dates(findings)
        except UserError as error:
            sys.exit(f"error: {error}")
    FITTING.update(finding.job.name for finding in findings if not finding.reason)
    for line in survey.sentences(findings, every_run=any(map(DRY_RUN.fullmatch, sys.argv))):
        print(line, file=sys.stderr, flush=True)
    MISFITS.extend(f for f in findings if f.reason and f.is_there and f.job.rule == survey.TRAIN)
    return jobs


def _taken_back(finding: survey.Finding, layout: Layout) -> survey.Finding:
    """Return a finding, that of a run which was put aside if it fits and this one does not."""
    if finding.job.rule != survey.TRAIN or not finding.reason:
        return finding
    run = layout.run(finding.job.name.partition(":")[2])

    def fits(folder: Path) -> bool:
        there = survey.elsewhere(finding.job.product, run.folder, folder)
        return not misfit(there, Digests())

    if take_back(layout, run, fits):
        return replace(finding, reason="")
    return finding


def trained_runs() -> list[str]:
    """Return the names of the runs whose results fit."""
    return [name.partition(":")[2] for name in FITTING if name.startswith(f"{survey.TRAIN}:")]


def put_misfits_aside(layout: Layout) -> None:
    """Move runs that are to be trained again out of the way; Snakemake would delete them first."""
    for finding in MISFITS:
        put_run_aside(layout, layout.run(finding.job.name.partition(":")[2]))
