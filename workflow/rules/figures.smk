SHOWN = PARAMS.figures_to_draw()
FIGURES = {name: LAYOUT.figures / f"{name}.png" for name in SHOWN}
support.require_files(f"workflow/report/{name}.rst" for name in FIGURES)
SEEN = [LAYOUT.seen(name) for name in SHOWN]
ANIMATIONS = [
    LAYOUT.figures / f"{name}.webp" for name in SHOWN if catalogue.is_animated(name)
]


for name, batch in BATCHES.items():

    rule:
        """Draw one picture of each run: losses, samples, test codes."""
        name:
            f"overview_{name}"
        input:
            data=DATA,
            runs=[run.outcome for run in batch.runs],
        output:
            [run.overview for run in batch.runs],
        log:
            LAYOUT.logs / f"overview_{name}.log",
        params:
            job=f"overview_{name}",
            code=support.code("latentgrid.figures.overview", *MODELS),
            dataset=PARAMS.dataset,
            runs=[LAYOUT.name(run) for run in batch.runs],
        shell:
            "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.figures.overview"
            " --dataset {params.dataset}"
            " {params.runs:q} > {log:q} 2>&1"


for name, entries in SHOWN.items():

    rule:
        """Draw a figure over all runs."""
        name:
            f"figure_{name}"
        input:
            tables=LAYOUT.table_files,
            data=DATA,
            runs=LAYOUT.inventory,
            read=[LAYOUT.tensors(read) for read in catalogue.reads(name)],
        output:
            report(
                FIGURES[name],
                caption=f"../report/{name}.rst",
                category="Figures",
                labels={"figure": name.replace("_", " ")},
            ),
            FIGURES[name].with_suffix(".pdf"),
            FIGURES[name].with_suffix(".webp") if catalogue.is_animated(name) else [],
            seen=LAYOUT.seen(name),
        log:
            LAYOUT.logs / "figures" / f"{name}.log",
        params:
            job=f"figure_{name}",
            code=support.code(
                "latentgrid.figures.draw",
                f"latentgrid.figures.comparisons.{name}",
                *MODELS,
            ),
            dataset=PARAMS.dataset,
            figure=name,
            entries=entries,
        shell:
            "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.figures.draw"
            " --dataset {params.dataset} --figure {params.figure} {params.entries}"
            " > {log:q} 2>&1"


rule figures:
    """The figures over all runs."""
    input:
        list(FIGURES.values()),
        SEEN,
