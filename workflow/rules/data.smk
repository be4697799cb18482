import shlex

MIRROR_OPTION = f"--mirror {shlex.quote(PARAMS.mirror)}" if PARAMS.mirror else ""


rule data:
    """Fetch the data set, verify it, and store it once as tensors that every job maps.

    Requires nothing but the network, or the folder or URL named by `mirror:`.
    """
    input:
        code=source_files(
            "latentgrid.data.__main__", f"latentgrid.data.sources.{PARAMS.dataset}"
        ),
    output:
        images=LAYOUT.images,
        description=LAYOUT.description,
    params:
        dataset=PARAMS.dataset,
    log:
        LAYOUT.logs / "data.log",
    shell:
        "python -m latentgrid.data --dataset {params.dataset} --images {output.images:q}"
        " --description {output.description:q} {MIRROR_OPTION} 2>&1 | tee {log:q}"
