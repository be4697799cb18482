"""Draw the figures over all runs.

Reads   results/<dataset>/tables/ and the runs
Makes   results/<dataset>/figures/
            <figure>.png, .pdf    the figure
            <figure>.json         of what it was drawn, and what is seen in it
            <figure>.webp         its frames, if it moves
            drawn_from/           what some figures read besides: codes and images laid out in the
                                  plane, experiments on data of their own
"""

SHOWN = PARAMS.figures_to_draw()
ANIMATED = [name for name in SHOWN if catalogue.figure(name).is_animated]
PICTURES = [LAYOUT.picture(name) for name in SHOWN]
SEEN = [LAYOUT.seen(name) for name in SHOWN]
MOVING = [LAYOUT.animation(name) for name in ANIMATED]


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
        code=sources.code("latentgrid.steps.embed_images"),
        dataset=PARAMS.dataset,
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.embed_images"
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
        code=sources.code("latentgrid.steps.embed_codes", *MODELS),
        dataset=PARAMS.dataset,
        entries=SHOWN.get("tsne", []),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.embed_codes"
        " --dataset {params.dataset} {params.entries} > {log:q} 2>&1"


rule experiment:
    """Run an experiment on data of its own: seconds on one CPU thread."""
    input:
        # What it depends on is in the code; Snakemake has to see a date.
        source=lambda wildcards: plugins.shown(
            components.file_of("experiments", wildcards.experiment)
        ),
    output:
        LAYOUT.tensors("experiments/{experiment}"),
    log:
        LAYOUT.logs / "experiments" / "{experiment}.log",
    wildcard_constraints:
        experiment="|".join(catalogue.experiments()),
    params:
        job=lambda wildcards: f"experiment:{wildcards.experiment}",
        code=lambda wildcards: sources.code(
            "latentgrid.steps.experiment",
            components.module_of("experiments", wildcards.experiment),
        ),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.experiment"
        " --name {wildcards.experiment} --output {output:q} > {log:q} 2>&1"


rule figure:
    """Draw a figure."""
    input:
        tables=LAYOUT.table_files,
        data=DATA,
        runs=LAYOUT.inventory,
        read=lambda wildcards: [
            LAYOUT.tensors(read) for read in catalogue.figure(wildcards.figure).reads
        ],
    output:
        report(
            LAYOUT.picture("{figure}"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        LAYOUT.picture("{figure}").with_suffix(".pdf"),
        seen=LAYOUT.seen("{figure}"),
    log:
        LAYOUT.logs / "figures" / "{figure}.log",
    wildcard_constraints:
        figure="|".join(SHOWN) or "none",
    params:
        job=lambda wildcards: f"figure:{wildcards.figure}",
        code=lambda wildcards: sources.code(
            "latentgrid.steps.figure",
            components.module_of("figures", wildcards.figure),
            *MODELS,
        ),
        dataset=PARAMS.dataset,
        entries=lambda wildcards: SHOWN[wildcards.figure],
        caption=lambda wildcards: catalogue.figure(wildcards.figure).caption,
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.figure"
        " --dataset {params.dataset} --figure {wildcards.figure} {params.entries}"
        " > {log:q} 2>&1"


rule animation:
    """Draw the frames of a figure that moves."""
    input:
        tables=LAYOUT.table_files,
        data=DATA,
        runs=LAYOUT.inventory,
        read=lambda wildcards: [
            LAYOUT.tensors(read) for read in catalogue.figure(wildcards.figure).reads
        ],
    output:
        LAYOUT.animation("{figure}"),
    log:
        LAYOUT.logs / "animations" / "{figure}.log",
    wildcard_constraints:
        figure="|".join(ANIMATED) or "none",
    params:
        job=lambda wildcards: f"animation:{wildcards.figure}",
        code=lambda wildcards: sources.code(
            "latentgrid.steps.animation",
            components.module_of("figures", wildcards.figure),
            *MODELS,
        ),
        dataset=PARAMS.dataset,
        entries=lambda wildcards: SHOWN[wildcards.figure],
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.animation"
        " --dataset {params.dataset} --figure {wildcards.figure} {params.entries}"
        " > {log:q} 2>&1"


rule figures:
    """The figures over all runs."""
    input:
        PICTURES,
        SEEN,
        MOVING,
