"""Control the measures on cases whose value is known, and flag what is not as it should be.

Reads   data/<dataset>/, the judge's run if there is a judge; for the flags the tables and the runs
Makes   results/<dataset>/tables/controls.csv   a row per control: measure, case, range, value
        results/<dataset>/tables/quality.csv    a row per flag
"""


rule controls:
    """Measure cases whose value is known, to control the measures themselves."""
    input:
        data=DATA,
        judge=LAYOUT.run(JUDGE).outcome if JUDGE else [],
    output:
        LAYOUT.controls,
    log:
        LAYOUT.logs / "controls.log",
    params:
        job="controls",
        code=sources.code(
            "latentgrid.steps.controls",
            # Of the model that a control trains for an epoch; it is named there and not imported.
            components.module_of("optimizers", "adam"),
            *MEASURES,
            *MODULES.get(JUDGE, ()),
        ),
        dataset=PARAMS.dataset,
        test_images=PARAMS.evaluation.test_images,
        judge=["--judge", JUDGE] if JUDGE else [],
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.controls"
        " --dataset {params.dataset} --test-images {params.test_images} {params.judge:q}"
        " > >(tee {log:q}) 2>&1"


rule quality:
    """Flag measures outside their controls, gaps in the tables, and runs that were cut short."""
    input:
        controls=LAYOUT.controls,
        tables=LAYOUT.table_files,
        verdicts=LAYOUT.verdict_files,
        runs=LAYOUT.inventory,
    output:
        LAYOUT.quality,
    log:
        LAYOUT.logs / "quality.log",
    params:
        job="quality",
        code=sources.code("latentgrid.steps.quality", *MODELS),
        dataset=PARAMS.dataset,
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.quality"
        " --dataset {params.dataset} > >(tee {log:q}) 2>&1"
