SHOWN = PARAMS.figures_to_draw()
FIGURES = {name: LAYOUT.figures / f"{name}.png" for name in SHOWN}
support.require_files(f"workflow/report/{name}.rst" for name in FIGURES)
ANIMATIONS = [
    LAYOUT.figures / f"{name}.webp" for name in FIGURES if catalogue.is_animated(name)
]


for name, batch in BATCHES.items():

    rule:
        """Draw one picture of each run: losses, samples, test codes."""
        name:
            f"overview_{name}"
        input:
            data=DATA,
            runs=[run.outcome for run in batch.runs],
            code=source_files("latentgrid.figures.overview"),
        output:
            [run.overview for run in batch.runs],
        log:
            LAYOUT.logs / f"overview_{name}.log",
        params:
            dataset=PARAMS.dataset,
            runs=[LAYOUT.name(run) for run in batch.runs],
        shell:
            "exec python -m latentgrid.figures.overview --dataset {params.dataset}"
            " {params.runs:q} > {log:q} 2>&1"


rule figures:
    """Draw the figures over all runs, in one job because starting up costs more than drawing."""
    input:
        tables=LAYOUT.table_files,
        data=DATA,
        runs=LAYOUT.inventory,
        read={
            LAYOUT.tensors(name)
            for figure in FIGURES
            for name in catalogue.reads(figure)
        },
        code=source_files(
            "latentgrid.figures.draw",
            *(f"latentgrid.figures.comparisons.{name}" for name in FIGURES),
            *(f"latentgrid.models.{model}" for model in MODELS),
        ),
    output:
        **{
            name: report(
                path,
                caption=f"../report/{name}.rst",
                category="Figures",
                labels={"figure": name.replace("_", " ")},
            )
            for name, path in FIGURES.items()
        },
        vector=[path.with_suffix(".pdf") for path in FIGURES.values()],
        animations=ANIMATIONS,
        seen=LAYOUT.seen,
    log:
        LAYOUT.logs / "figures.log",
    params:
        dataset=PARAMS.dataset,
        shown=grid.canonical(SHOWN),
    shell:
        "exec python -m latentgrid.figures.draw --dataset {params.dataset} --shown {params.shown:q}"
        " > {log:q} 2>&1"
