rule experiment:
    """Run an experiment on data of its own: seconds on one CPU thread."""
    input:
        # What it depends on is in the code; Snakemake has to see a date.
        source="src/latentgrid/experiments/{experiment}.py",
    output:
        LAYOUT.tensors("experiments/{experiment}"),
    log:
        LAYOUT.logs / "experiments" / "{experiment}.log",
    wildcard_constraints:
        experiment="|".join(catalogue.experiments()),
    params:
        job=lambda wildcards: f"experiment:{wildcards.experiment}",
        code=lambda wildcards: support.code(
            "latentgrid.experiments.__main__",
            f"latentgrid.experiments.{wildcards.experiment}",
        ),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.experiments"
        " --name {wildcards.experiment} --output {output:q}"
        " > {log:q} 2>&1"
