# What happens before the first job and after the last. MLflow is a view of the files: while jobs
# run, a process beside them keeps it up to date, and at the end it is brought up to date once more.
# If its server is down, nothing here fails.


onstart:
    support.require_own_results(LAYOUT)
    support.take_turns(LAYOUT)
    support.clear_up(LAYOUT)
    support.write_plan(LAYOUT, PLAN)
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
