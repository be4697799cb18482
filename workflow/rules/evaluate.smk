MEASURE_CODE = source_files(
    "latentgrid.evaluation.measure",
    *(f"latentgrid.evaluation.measures.{measure}" for measure in catalogue.measures()),
)


JUDGE = PARAMS.evaluation.judge if PARAMS.evaluation.judge in FILES else None

if JUDGE:

    rule judge:
        """Let a classifier of the same grid look at the samples of all runs."""
        input:
            judge=[FILES[JUDGE][0].config, FILES[JUDGE][0].weights],
            runs=[
                file
                for runs in FILES.values()
                for run in runs
                for file in (run.outcome, run.snapshots)
            ],
            code=source_files(
                "latentgrid.evaluation.judge",
                f"latentgrid.models.{PARAMS.models[JUDGE].model}",
            ),
        output:
            [run.judged for runs in FILES.values() for run in runs],
        log:
            LAYOUT.logs / "judge.log",
        params:
            dataset=PARAMS.dataset,
            judge=JUDGE,
        shell:
            "python -m latentgrid.evaluation.judge --dataset {params.dataset}"
            " --judge {params.judge} > {log:q} 2>&1"


READ = ["judged"] if JUDGE else []


for entry, runs in FILES.items():

    rule:
        """Measure the runs of one model, in one job because starting up costs more than measuring."""
        name:
            f"measure_{entry}"
        input:
            images=LAYOUT.images,
            runs=[
                file
                for run in runs
                for file in (run.config, run.history, run.outcome, run.snapshots)
            ],
            read=[getattr(run, name) for run in runs for name in READ],
            code=MEASURE_CODE,
        output:
            [run.metrics for run in runs],
        log:
            LAYOUT.logs / f"measure_{entry}.log",
        params:
            dataset=PARAMS.dataset,
            entry=entry,
            test_images=PARAMS.evaluation.test_images,
            read=READ,
        shell:
            "python -m latentgrid.evaluation.measure --dataset {params.dataset}"
            " --entry {params.entry} --test-images {params.test_images} {params.read} > {log:q} 2>&1"


rule tables:
    """Gather all runs in tidy tables, a row per run, per setting, per published number."""
    input:
        published="reference/published.csv",
        runs=[
            file
            for runs in FILES.values()
            for run in runs
            for file in (run.config, run.history, run.outcome, run.metrics)
        ],
        code=source_files("latentgrid.evaluation.tabulate"),
    output:
        LAYOUT.table_files,
        summary=LAYOUT.summary,
    log:
        LAYOUT.logs / "tables.log",
    params:
        dataset=PARAMS.dataset,
        plan=PLAN,
    shell:
        "python -m latentgrid.evaluation.tabulate --dataset {params.dataset} > {log:q} 2>&1"


EMBEDDED = PARAMS.figures_to_draw().get("tsne", [])


rule embed:
    """Lay test images, and codes of more than two dimensions, out in the plane."""
    input:
        images=LAYOUT.images,
        tables=LAYOUT.table_files if EMBEDDED else [],
        runs=[
            file
            for entry in EMBEDDED
            for run in FILES[entry]
            for file in (run.outcome, run.snapshots)
        ],
        code=source_files("latentgrid.evaluation.embed"),
    output:
        LAYOUT.tensors("embeddings"),
    log:
        LAYOUT.logs / "embed.log",
    params:
        dataset=PARAMS.dataset,
        entries=EMBEDDED,
    shell:
        "python -m latentgrid.evaluation.embed --dataset {params.dataset} {params.entries}"
        " > {log:q} 2>&1"
