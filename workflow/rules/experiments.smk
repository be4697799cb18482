rule experiment:
    """Run an experiment on data of its own: seconds on one CPU thread."""
    input:
        code=lambda wildcards: source_files(
            "latentgrid.experiments.__main__",
            f"latentgrid.experiments.{wildcards.experiment}",
        ),
    output:
        LAYOUT.tensors("experiments/{experiment}"),
    log:
        LAYOUT.logs / "experiments" / "{experiment}.log",
    wildcard_constraints:
        experiment="|".join(catalogue.experiments()),
    shell:
        "exec python -m latentgrid.job latentgrid.experiments"
        " --name {wildcards.experiment} --output {output:q}"
        " > {log:q} 2>&1"
