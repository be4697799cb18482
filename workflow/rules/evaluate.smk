import json

from latentgrid import catalogue

MEASURE_CODE = source_files(
    "latentgrid.evaluation.measure",
    *(f"latentgrid.evaluation.measures.{measure}" for measure in catalogue.measures()),
)


rule plan:
    """Write down the runs of this configuration, for the steps that gather all of them."""
    output:
        LAYOUT.plan,
    params:
        plan=json.dumps(grid.plan(PARAMS), indent=1),
    run:
        Path(output[0]).write_text(params.plan)


for entry in filter(runs_of, PARAMS.models):

    rule:
        """Measure the runs of one model, in one job because starting up costs more than measuring."""
        name:
            f"measure_{entry}"
        input:
            plan=ancient(LAYOUT.plan),
            images=LAYOUT.images,
            runs=[
                file
                for run in runs_of(entry)
                for file in (run.config, run.history, run.outcome, run.snapshots)
            ],
            code=MEASURE_CODE,
        output:
            [run.metrics for run in runs_of(entry)],
        params:
            dataset=PARAMS.dataset,
            entry=entry,
            test_images=PARAMS.evaluation.test_images,
        log:
            LAYOUT.logs / f"measure_{entry}.log",
        shell:
            "python -m latentgrid.evaluation.measure --dataset {params.dataset}"
            " --entry {params.entry} --test-images {params.test_images} > {log:q} 2>&1"


rule tables:
    """Gather all runs in tidy tables, a row per run, per setting, per published number."""
    input:
        plan=LAYOUT.plan,
        published="reference/published.csv",
        runs=[
            file
            for entry in PARAMS.models
            for run in runs_of(entry)
            for file in (run.config, run.history, run.outcome, run.metrics)
        ],
        code=source_files("latentgrid.evaluation.tabulate"),
    output:
        LAYOUT.table_files,
        summary=LAYOUT.summary,
    params:
        dataset=PARAMS.dataset,
    log:
        LAYOUT.logs / "tables.log",
    shell:
        "python -m latentgrid.evaluation.tabulate --dataset {params.dataset} > {log:q} 2>&1"
