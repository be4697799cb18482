"""Gather all runs in tidy tables.

Reads the outcome and the metrics of every run, and the published numbers. Makes a table with a row
per run, per setting, per published number and so on, a summary for `dvc metrics`, and an inventory
of the runs, so that later steps depend on one file instead of thousands.
"""

configuration.require_files(["reference/published.csv"])


rule tables:
    """Gather all runs in tidy tables."""
    input:
        published="reference/published.csv",
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
        STEP + "tables --dataset {params.dataset} > {log:q} 2>&1"
