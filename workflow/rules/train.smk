"""Train each run of the grid.

Reads   data/<dataset>/, and the run's settings
Makes   results/<dataset>/runs/<run>/
            config.json             settings, versions and device it was made with
            history.csv             a row for each epoch
            weights.safetensors
            snapshots.safetensors   samples, codes, reconstructions at some epochs
            timing.json             when and how long
            outcome.json            finished or diverged, and the digests of all others

A loss that is not finite ends the run as diverged, which is a result. With `training.fused`, the runs
of a stack are trained by `train_stack` (train_stack.smk), and this rule takes what it left.
"""


rule train:
    """Train one run: on a free slot of a GPU if there is one, else on one CPU thread."""
    input:
        data=lambda wildcards: fitting.data_to_train(wildcards.run, DATA),
        stack=lambda wildcards: fitting.data_to_train(
            wildcards.run, STACK_OF.get(wildcards.run, [])
        ),
    output:
        config=LAYOUT.run("{run}").config,
        history=LAYOUT.run("{run}").history,
        outcome=LAYOUT.run("{run}").outcome,
        snapshots=LAYOUT.run("{run}").snapshots,
        timing=LAYOUT.run("{run}").timing,
        weights=LAYOUT.run("{run}").weights,
    log:
        LAYOUT.logs / "train" / "{run}.log",
    # What stacks trained is only taken from where they left it: no work for a node of a cluster.
    localrule: bool(STACKS)
    threads: 1
    resources:
        # Not parameters: a run is not trained again because the grid moved to another machine.
        gpu_slot=0 if STACKS else 1,
        device=PARAMS.training.device,
        jobs_per_gpu=PARAMS.training.jobs_per_gpu,
        graphs="--cuda-graphs" if PARAMS.training.cuda_graphs else "--no-cuda-graphs",
    params:
        job=lambda wildcards: f"train:{wildcards.run}",
        code=lambda wildcards: sources.code(
            trainer_of(RUNS[wildcards.run].settings), *MODULES[wildcards.run]
        ),
        settings=lambda wildcards: RUNS[wildcards.run].settings,
        dataset=PARAMS.dataset,
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.train"
        " --dataset {params.dataset} --run {wildcards.run:q}"
        " --device {resources.device} --jobs-per-gpu {resources.jobs_per_gpu} {resources.graphs}"
        " > {log:q} 2>&1"
