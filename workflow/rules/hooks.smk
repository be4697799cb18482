"""What happens before the first job and after the last.

MLflow is a view of the files: while jobs run, a process beside them keeps it up to date. If its
server is down, nothing here fails.
"""

import sys

from latentgrid.jobs import fork_server
from latentgrid.jobs.devices import slow_bfloat16


def say_what_is_slow():
    left = [
        run.precision
        for run in RUNS.values()
        if not LAYOUT.run(run.name).outcome.exists()
    ]
    for warning in (
        slow_bfloat16(left, PARAMS.training.device),
        spare_places(PARAMS.training.fused, STACKS),
    ):
        if warning:
            print(warning, file=sys.stderr)


onstart:
    start.stop_on_signals()
    start.require_own_results(LAYOUT)
    start.require_gpu(workflow)
    start.lock_results(LAYOUT)
    fitting.put_misfits_aside(workflow, LAYOUT)
    start.clear_up(LAYOUT)
    fitting.sort_checkpoints(workflow, LAYOUT)
    start.write_plan(LAYOUT, PLAN)
    start.write_orders(LAYOUT, JOBS)
    say_what_is_slow()
    gpus.prepare(workflow, PARAMS.training)
    fork_server.start(LAYOUT.fork_server)
    start.try_networks(LAYOUT, PARAMS.source, PLAN)
    tracking.start_tracking(LAYOUT)


onsuccess:
    tracking.finish_tracking(LAYOUT)
    diverged.say_which_diverged(THERE, LAYOUT)


onerror:
    tracking.finish_tracking(LAYOUT)
    failure.say_what_failed(workflow, LAYOUT)
    if workflow.execution_settings.keep_going:
        failure.report_what_there_is(workflow)
