"""What is said at a workflow's end of trainings that diverged.

Their jobs did not fail and their logs are files, so that Snakemake's own output does not show it.
"""

import sys
from collections.abc import Iterable

from latentgrid.errors import plain_errors, printable
from latentgrid.files.layout import Layout
from latentgrid.results.run_json import read_outcome

MOST = 5  # runs that are named
TO_DO = "try a smaller learning_rate, or set warm_up or clip_norm"


def say_which_diverged(runs: Iterable[str], layout: Layout) -> None:
    """Print a line for each run that ended with a loss that is not finite, and what to do.

    A call that was asked for single files may have left some of the runs untrained.
    """
    ended = [run for run in runs if layout.run(run).outcome.exists()]
    with plain_errors():
        outcomes = {run: read_outcome(layout.run(run)) for run in ended}
    lost = {run: outcome for run, outcome in outcomes.items() if not outcome.is_finished}
    for run, outcome in list(lost.items())[:MOST]:
        print(printable(f"diverged: {run}: {outcome.reason}; {TO_DO}"), file=sys.stderr, flush=True)
    if len(lost) > MOST:
        print(f"diverged: {len(lost) - MOST} more; the report names all", file=sys.stderr)
