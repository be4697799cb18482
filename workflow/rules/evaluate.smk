MEASURE_CODE = source_files(
    "latentgrid.evaluation.measure",
    *(f"latentgrid.evaluation.measures.{measure}" for measure in catalogue.measures()),
)


JUDGE = PARAMS.evaluation.judge if PARAMS.evaluation.judge in FILES else None

if JUDGE:

    rule judge:
        """Let a classifier of the same grid look at what all runs make."""
        input:
            images=LAYOUT.images,
            runs=[
                file
                for runs in FILES.values()
                for run in runs
                for file in (run.config, run.outcome, run.snapshots, run.weights)
            ],
            code=source_files(
                "latentgrid.evaluation.judge",
                *(f"latentgrid.models.{model}" for model in MODELS),
            ),
        output:
            [run.judged for runs in FILES.values() for run in runs],
        log:
            LAYOUT.logs / "judge.log",
        params:
            dataset=PARAMS.dataset,
            judge=JUDGE,
        shell:
            "exec python -m latentgrid.evaluation.judge --dataset {params.dataset}"
            " --judge {params.judge} > {log:q} 2>&1"


WITH_LIKELIHOOD = [entry for entry in PARAMS.with_likelihood() if entry in FILES]


for entry in WITH_LIKELIHOOD:

    rule:
        """Bound the likelihood of test images by the runs of one model.

        On a free slot of a GPU if there is one, else on one CPU thread.
        """
        name:
            f"likelihood_{entry}"
        input:
            images=LAYOUT.images,
            runs=[
                file
                for run in FILES[entry]
                for file in (run.config, run.outcome, run.weights)
            ],
            code=source_files(
                "latentgrid.evaluation.likelihood",
                f"latentgrid.models.{PARAMS.models[entry].model}",
            ),
        output:
            [run.likelihood for run in FILES[entry]],
        log:
            LAYOUT.logs / f"likelihood_{entry}.log",
        threads: 1
        resources:
            # Not parameters, as in train.smk.
            device=PARAMS.training.device,
            jobs_per_gpu=PARAMS.training.jobs_per_gpu,
        params:
            dataset=PARAMS.dataset,
            entry=entry,
            images=PARAMS.evaluation.likelihood.images,
            draws=PARAMS.evaluation.likelihood.draws,
        shell:
            "exec python -m latentgrid.evaluation.likelihood --dataset {params.dataset}"
            " --entry {params.entry} --images {params.images} --draws {params.draws}"
            " --device {resources.device} --jobs-per-gpu {resources.jobs_per_gpu}"
            " > {log:q} 2>&1"


# Results of other steps that are measured, as `RunFiles` names them.
MEASURED = {
    entry: [
        *(["judged"] if JUDGE else []),
        *(["likelihood"] if entry in WITH_LIKELIHOOD else []),
    ]
    for entry in FILES
}


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
            read=[getattr(run, name) for run in runs for name in MEASURED[entry]],
            code=MEASURE_CODE,
        output:
            [run.metrics for run in runs],
        log:
            LAYOUT.logs / f"measure_{entry}.log",
        params:
            dataset=PARAMS.dataset,
            entry=entry,
            test_images=PARAMS.evaluation.test_images,
            read=MEASURED[entry],
        shell:
            "exec python -m latentgrid.evaluation.measure --dataset {params.dataset}"
            " --entry {params.entry} --test-images {params.test_images} {params.read} > {log:q} 2>&1"


support.require_files(["reference/published.csv"])


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
        "exec python -m latentgrid.evaluation.tabulate --dataset {params.dataset} > {log:q} 2>&1"


rule verdicts:
    """Say of every published number and claim whether it reproduces."""
    input:
        published="reference/published.csv",
        images=LAYOUT.images,
        tables=LAYOUT.table_files,
        snapshots=[run.snapshots for runs in FILES.values() for run in runs],
        code=source_files(
            "latentgrid.verdicts.__main__",
            *(f"latentgrid.verdicts.claims.{claim}" for claim in catalogue.claims()),
        ),
    output:
        LAYOUT.verdict_files,
    log:
        LAYOUT.logs / "verdicts.log",
    params:
        dataset=PARAMS.dataset,
        test_images=PARAMS.evaluation.test_images,
    shell:
        "exec python -m latentgrid.verdicts --dataset {params.dataset}"
        " --test-images {params.test_images} > >(tee {log:q}) 2>&1"


EMBEDDED = [
    entry for entry in PARAMS.figures_to_draw().get("tsne", []) if entry in FILES
]


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
        "exec python -m latentgrid.evaluation.embed --dataset {params.dataset} {params.entries}"
        " > {log:q} 2>&1"
