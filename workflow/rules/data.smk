import shlex


rule data:
    """Fetch the data set, verify it, and store it once as tensors that every job maps.

    Requires nothing but the network, or the folder or URL named by `mirror:`.
    """
    input:
        # What it depends on is in the code; Snakemake has to see a date.
        source=f"src/latentgrid/data/sources/{PARAMS.dataset}.py",
    output:
        images=LAYOUT.images,
        description=LAYOUT.description,
    log:
        LAYOUT.logs / "data.log",
    resources:
        # Not a parameter: what the source reads of it is in SOURCE.
        mirror=f"--mirror {shlex.quote(PARAMS.mirror)}" if PARAMS.mirror else "",
    params:
        **SOURCE,
        job="fetch",
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.data"
        " --dataset {params.dataset} --images {output.images:q}"
        " --description {output.description:q} {resources.mirror} > >(tee {log:q}) 2>&1"
