"""Fetch the data set.

Reads   the archives of the public mirrors, or those that `mirror:` names; or a folder of images
Makes   data/<dataset>/images.safetensors   images and labels, which every job maps
        data/<dataset>/description.json     counts, shape, classes, checksum
"""

import shlex


rule data:
    """Fetch the data set, verify it, and store it once."""
    input:
        # What it depends on is in the code; Snakemake has to see a date.
        source=plugins.shown(components.file_of(*PARAMS.source.component)),
    output:
        images=LAYOUT.images,
        description=LAYOUT.description,
    log:
        LAYOUT.logs / "data.log",
    resources:
        # Not a parameter: what the source reads of it is in `mirror` below.
        mirror=f"--mirror {shlex.quote(PARAMS.mirror)}" if PARAMS.mirror else "",
    params:
        job="data:fetch",
        code=sources.code(
            "latentgrid.steps.data", components.module_of(*PARAMS.source.component)
        ),
        source=PARAMS.source.text,
        files=sources.fingerprint_of_files(PARAMS),
        mirror=sources.fingerprint_of_mirror(PARAMS),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.data"
        " --dataset {params.source:q} --images {output.images:q}"
        " --description {output.description:q} {resources.mirror} > >(tee {log:q}) 2>&1"
