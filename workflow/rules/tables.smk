"""Gather all runs in tidy tables.

Reads   outcome and metrics of every run
Makes   results/<dataset>/tables/*.csv     a row per run, per setting, per epoch, …
        results/<dataset>/summary.json     the few numbers of `dvc metrics`
        results/<dataset>/inventory.json   the runs by digest, so that later steps read one file
"""


rule tables:
    """Gather all runs in tidy tables."""
    input:
        data=DATA,
        runs=OUTCOMES,
        metrics=[LAYOUT.run(run).metrics for run in THERE],
        failures=failure.failures(RUNS, LAYOUT),
    output:
        LAYOUT.table_files,
        summary=LAYOUT.summary,
        inventory=LAYOUT.inventory,
    log:
        LAYOUT.logs / "tables.log",
    params:
        job="tables",
        code=sources.code("latentgrid.steps.tables", *MODELS),
        dataset=PARAMS.dataset,
        plan=sources.digest(PLAN),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.tables"
        " --dataset {params.dataset} > {log:q} 2>&1"
