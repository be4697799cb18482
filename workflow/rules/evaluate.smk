"""Look at each trained run by itself.

Reads   results/<dataset>/runs/<run>/, data/<dataset>/, and the judge's run if there is a judge
Makes   results/<dataset>/runs/<run>/
            likelihood.json      bounds on the likelihood of test images, if the model has a density
            judged.safetensors   the judge's scores of what the run makes, if there is a judge
            metrics.json         all measures
            overview.png         losses, samples and codes in one picture
"""

JUDGE = next((run for run in THERE if RUNS[run].entry == PARAMS.evaluation.judge), None)
MEASURES = [
    components.module_of("measures", measure) for measure in catalogue.measures()
]
BOUNDED = {run for run in RUNS if RUNS[run].entry in PARAMS.with_likelihood()}


rule likelihood:
    """Bound the likelihood of test images: on a free slot of a GPU, else on one CPU thread."""
    input:
        data=DATA,
        run=LAYOUT.run("{run}").outcome,
    output:
        LAYOUT.run("{run}").likelihood,
    log:
        LAYOUT.logs / "likelihood" / "{run}.log",
    threads: 1
    resources:
        # Not parameters, as in train.smk.
        gpu_slot=1,
        device=PARAMS.training.device,
        jobs_per_gpu=PARAMS.training.jobs_per_gpu,
    params:
        job=lambda wildcards: f"likelihood:{wildcards.run}",
        code=lambda wildcards: sources.code(
            "latentgrid.steps.likelihood",
            *MODULES[wildcards.run],
        ),
        dataset=PARAMS.dataset,
        images=PARAMS.evaluation.likelihood and PARAMS.evaluation.likelihood.images,
        draws=PARAMS.evaluation.likelihood and PARAMS.evaluation.likelihood.draws,
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.likelihood"
        " --dataset {params.dataset} --run {wildcards.run:q}"
        " --images {params.images} --draws {params.draws}"
        " --device {resources.device} --jobs-per-gpu {resources.jobs_per_gpu}"
        " > {log:q} 2>&1"


rule evaluate:
    """Let the judge score a run, measure it, and draw its picture."""
    input:
        data=DATA,
        run=LAYOUT.run("{run}").outcome,
        judge=LAYOUT.run(JUDGE).outcome if JUDGE else [],
        likelihood=lambda wildcards: [
            LAYOUT.run(run).likelihood for run in BOUNDED & {wildcards.run}
        ],
    output:
        scores=LAYOUT.run("{run}").judged if JUDGE else [],
        metrics=LAYOUT.run("{run}").metrics,
        overview=LAYOUT.run("{run}").overview,
    log:
        LAYOUT.logs / "evaluate" / "{run}.log",
    params:
        job=lambda wildcards: f"evaluate:{wildcards.run}",
        code=lambda wildcards: sources.code(
            "latentgrid.steps.evaluate",
            *MEASURES,
            *sorted({*MODULES[wildcards.run], *MODULES.get(JUDGE, ())}),
        ),
        dataset=PARAMS.dataset,
        test_images=PARAMS.evaluation.test_images,
        judge=["--judge", JUDGE, "--read", "judged"] if JUDGE else [],
        likelihood=lambda wildcards: (
            "--read likelihood" if wildcards.run in BOUNDED else ""
        ),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.evaluate"
        " --dataset {params.dataset} --run {wildcards.run:q}"
        " --test-images {params.test_images} {params.judge:q} {params.likelihood}"
        " > {log:q} 2>&1"
