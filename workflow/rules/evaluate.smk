MEASURE_CODE = support.code(
    "latentgrid.evaluation.measure",
    *(f"latentgrid.evaluation.measures.{measure}" for measure in catalogue.measures()),
)
JUDGE = PARAMS.evaluation.judge if PARAMS.evaluation.judge in FILES else None
WITH_LIKELIHOOD = [entry for entry in PARAMS.with_likelihood() if entry in FILES]


for name, batch in BATCHES.items():
    if JUDGE:

        rule:
            """Let a classifier of the same grid look at what runs make."""
            name:
                f"judge_{name}"
            input:
                data=DATA,
                judge=FILES[JUDGE][0].outcome,
                runs=[run.outcome for run in batch.runs],
            output:
                [run.judged for run in batch.runs],
            log:
                LAYOUT.logs / f"judge_{name}.log",
            params:
                job=f"judge_{name}",
                code=support.code(
                    "latentgrid.evaluation.judge",
                    f"latentgrid.models.{PARAMS.models[JUDGE].model}",
                    f"latentgrid.models.{PARAMS.models[batch.entry].model}",
                ),
                dataset=PARAMS.dataset,
                judge=LAYOUT.name(FILES[JUDGE][0]),
                runs=[LAYOUT.name(run) for run in batch.runs],
            shell:
                "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.evaluation.judge"
                " --dataset {params.dataset}"
                " --judge {params.judge:q} {params.runs:q} > {log:q} 2>&1"

    if batch.entry in WITH_LIKELIHOOD:

        rule:
            """Bound the likelihood of test images by runs of one model.

            On a free slot of a GPU if there is one, else on one CPU thread.
            """
            name:
                f"likelihood_{name}"
            input:
                data=DATA,
                runs=[run.outcome for run in batch.runs],
            output:
                [run.likelihood for run in batch.runs],
            log:
                LAYOUT.logs / f"likelihood_{name}.log",
            threads: 1
            resources:
                # Not parameters, as in train.smk.
                device=PARAMS.training.device,
                jobs_per_gpu=PARAMS.training.jobs_per_gpu,
            params:
                job=f"likelihood_{name}",
                code=support.code(
                    "latentgrid.evaluation.likelihood",
                    f"latentgrid.models.{PARAMS.models[batch.entry].model}",
                ),
                dataset=PARAMS.dataset,
                images=PARAMS.evaluation.likelihood.images,
                draws=PARAMS.evaluation.likelihood.draws,
                runs=[LAYOUT.name(run) for run in batch.runs],
            shell:
                "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.evaluation.likelihood"
                " --dataset {params.dataset}"
                " --images {params.images} --draws {params.draws} --device {resources.device}"
                " --jobs-per-gpu {resources.jobs_per_gpu} {params.runs:q} > {log:q} 2>&1"


# Results of other steps that are measured, as `RunFiles` names them.
MEASURED = {
    entry: [
        *(["judged"] if JUDGE else []),
        *(["likelihood"] if entry in WITH_LIKELIHOOD else []),
    ]
    for entry in FILES
}


for name, batch in BATCHES.items():

    rule:
        """Measure runs of one model."""
        name:
            f"measure_{name}"
        input:
            data=DATA,
            runs=[run.outcome for run in batch.runs],
            read=[
                getattr(run, read)
                for run in batch.runs
                for read in MEASURED[batch.entry]
            ],
        output:
            [run.metrics for run in batch.runs],
        log:
            LAYOUT.logs / f"measure_{name}.log",
        params:
            job=f"measure_{name}",
            code=MEASURE_CODE,
            dataset=PARAMS.dataset,
            test_images=PARAMS.evaluation.test_images,
            read=[f"--read {read}" for read in MEASURED[batch.entry]],
            runs=[LAYOUT.name(run) for run in batch.runs],
        shell:
            "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.evaluation.measure"
            " --dataset {params.dataset}"
            " --test-images {params.test_images} {params.read} {params.runs:q} > {log:q} 2>&1"


support.require_files(["reference/published.csv"])


rule tables:
    """Gather all runs in tidy tables, a row per run, per setting, per published number."""
    input:
        published="reference/published.csv",
        data=DATA,
        runs=OUTCOMES,
        metrics=[run.metrics for runs in FILES.values() for run in runs],
        failures=support.failures(RUNS, LAYOUT),
    output:
        LAYOUT.table_files,
        summary=LAYOUT.summary,
        inventory=LAYOUT.inventory,
    log:
        LAYOUT.logs / "tables.log",
    params:
        job="tables",
        code=support.code("latentgrid.evaluation.tabulate", *MODELS),
        dataset=PARAMS.dataset,
        plan=support.digest(PLAN),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.evaluation.tabulate"
        " --dataset {params.dataset} > {log:q} 2>&1"


rule verdicts:
    """Say of every published number and claim whether it reproduces."""
    input:
        published="reference/published.csv",
        data=DATA,
        tables=LAYOUT.table_files,
        runs=LAYOUT.inventory,
    output:
        LAYOUT.verdict_files,
    log:
        LAYOUT.logs / "verdicts.log",
    params:
        job="verdicts",
        code=support.code(
            "latentgrid.verdicts.__main__",
            *(f"latentgrid.verdicts.claims.{claim}" for claim in catalogue.claims()),
            *MODELS,
        ),
        dataset=PARAMS.dataset,
        test_images=PARAMS.evaluation.test_images,
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.verdicts"
        " --dataset {params.dataset}"
        " --test-images {params.test_images} > >(tee {log:q}) 2>&1"


rule embed_images:
    """Lay test images out in the plane."""
    input:
        data=DATA,
    output:
        LAYOUT.tensors("embedded_images"),
    log:
        LAYOUT.logs / "embed_images.log",
    params:
        job="embed_images",
        code=support.code("latentgrid.evaluation.embed_images"),
        dataset=PARAMS.dataset,
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.evaluation.embed_images"
        " --dataset {params.dataset} > {log:q} 2>&1"


rule embed_codes:
    """Lay codes of more than two dimensions out in the plane."""
    input:
        tables=LAYOUT.table_files,
        runs=LAYOUT.inventory,
    output:
        LAYOUT.tensors("embedded_codes"),
    log:
        LAYOUT.logs / "embed_codes.log",
    params:
        job="embed_codes",
        code=support.code("latentgrid.evaluation.embed_codes", *MODELS),
        dataset=PARAMS.dataset,
        entries=PARAMS.figures_to_draw().get("tsne", []),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.evaluation.embed_codes"
        " --dataset {params.dataset} {params.entries} > {log:q} 2>&1"
