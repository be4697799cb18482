"""Train runs that differ in optimizer, learning rate and seed alone as one computation on a GPU.

Reads   data/<dataset>/, and the runs' settings
Makes   results/<dataset>/state/<stack>.stack, until the rule `train` has taken each run's files

This happens with `training.fused`. A stack that was interrupted goes on with those of its runs that
are not done.
"""


wildcard_constraints:
    stack="[^/]+",


rule train_stack:
    """Train the runs of a stack that are still to train."""
    input:
        data=DATA,
    output:
        stack=temp(LAYOUT.stack("{stack}")),
    log:
        LAYOUT.logs / "train_stack" / "{stack}.log",
    threads: 1
    resources:
        # As for single runs: what is no parameter repeats no training.
        gpu_slot=1,
        device=PARAMS.training.device,
        jobs_per_gpu=PARAMS.training.jobs_per_gpu,
        graphs="--cuda-graphs" if PARAMS.training.cuda_graphs else "--no-cuda-graphs",
    params:
        job=lambda wildcards: f"train_stack:{wildcards.stack}",
        code=lambda wildcards: sources.code(
            trainer_of(RUNS[STACKS[wildcards.stack][0]].settings),
            *sorted(
                {module for run in STACKS[wildcards.stack] for module in MODULES[run]}
            ),
        ),
        runs=lambda wildcards: STACKS[wildcards.stack],
        # The others keep their places.
        train=lambda wildcards: [
            word
            for run in fitting.runs_to_train(STACKS[wildcards.stack])
            for word in ("--train", run)
        ],
        dataset=PARAMS.dataset,
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.train_stack"
        " --dataset {params.dataset} --stack {output.stack:q}"
        " --device {resources.device} --jobs-per-gpu {resources.jobs_per_gpu} {resources.graphs}"
        " {params.train:q} {params.runs:q} > {log:q} 2>&1"
