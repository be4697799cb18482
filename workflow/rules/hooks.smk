# What happens before the first job and after the last. MLflow is a view of the files: while jobs
# run, a process beside them keeps it up to date, and at the end it is brought up to date once more.
# If its server is down, nothing here fails.


def say_what_is_slow():
    left = [
        run.precision
        for run in RUNS.values()
        if not LAYOUT.run(run.name).outcome.exists()
    ]
    if warning := slow_bfloat16(left, PARAMS.training.device):
        print(warning, file=sys.stderr)


onstart:
    support.stop_on_signals()
    support.require_own_results(LAYOUT)
    support.take_turns(LAYOUT)
    support.put_misfits_aside(LAYOUT)
    support.clear_up(LAYOUT)
    support.write_plan(LAYOUT, PLAN)
    support.write_orders(LAYOUT, JOBS)
    say_what_is_slow()
    fork_server.start(LAYOUT.fork_server)
    support.try_networks(LAYOUT, PLAN)
    support.start_tracking(LAYOUT)


onsuccess:
    support.finish_tracking(LAYOUT)


onerror:
    support.finish_tracking(LAYOUT)
    support.say_what_failed(workflow, LAYOUT)
    if workflow.execution_settings.keep_going:
        support.report_what_there_is(workflow)
