if "latent" in SHOWN:

    rule interactive:
        """Make the plots of the report whose points show their images."""
        input:
            tables=LAYOUT.table_files,
            data=DATA,
            runs=LAYOUT.inventory,
        output:
            LAYOUT.interactive,
        log:
            LAYOUT.logs / "interactive.log",
        params:
            job="interactive",
            code=support.code("latentgrid.report.interactive", *MODELS),
            dataset=PARAMS.dataset,
            entries=SHOWN["latent"],
        shell:
            "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.report.interactive"
            " --dataset {params.dataset} {params.entries} > {log:q} 2>&1"


rule report:
    """Assemble the page that people read: one file that opens offline."""
    input:
        description=LAYOUT.description,
        tables=LAYOUT.table_files,
        verdicts=LAYOUT.verdict_files,
        figures=list(FIGURES.values()),
        animations=ANIMATIONS,
        interactive=LAYOUT.interactive if "latent" in SHOWN else [],
        runs=LAYOUT.inventory,
        seen=SEEN,
        overviews=[run.overview for runs in FILES.values() for run in runs],
        captions=[f"workflow/report/{name}.rst" for name in FIGURES],
        templates=multiext(
            "src/latentgrid/report/",
            "report.html.j2",
            "reproduction.html.j2",
            "runs.html.j2",
            "style.css",
        ),
    output:
        LAYOUT.report,
    log:
        LAYOUT.logs / "report.log",
    threads: 4
    params:
        job="report",
        code=support.code("latentgrid.report.__main__", *MODELS),
        dataset=PARAMS.dataset,
        figures=list(FIGURES),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.report --threads {threads}"
        " --dataset {params.dataset} {params.figures} > {log:q} 2>&1"


rule gallery:
    """Set all figures on a page of the documentation; only made when asked for by name."""
    input:
        figures=list(FIGURES.values()),
        seen=SEEN,
        tables=LAYOUT.table_files,
        captions=[f"workflow/report/{name}.rst" for name in FIGURES],
        templates=multiext("src/latentgrid/report/", "gallery.md.j2", "figures.md.j2"),
    output:
        directory("docs/gallery"),
    log:
        LAYOUT.logs / "gallery.log",
    params:
        job="gallery",
        code=support.code("latentgrid.report.gallery", *MODELS),
        dataset=PARAMS.dataset,
        configuration=" ".join(support.configuration_files(workflow)),
        figures=list(FIGURES),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.report.gallery"
        " --dataset {params.dataset}"
        " --configuration {params.configuration:q} --folder {output:q} {params.figures}"
        " > {log:q} 2>&1"


rule published:
    """Set tables, verdicts and figures on a page to be kept in git; only made when asked for by name."""
    input:
        figures=list(FIGURES.values()),
        seen=SEEN,
        tables=LAYOUT.table_files,
        verdicts=LAYOUT.verdict_files,
        runs=LAYOUT.inventory,
        captions=[f"workflow/report/{name}.rst" for name in FIGURES],
        templates=multiext("src/latentgrid/report/", "published.md.j2", "figures.md.j2"),
    output:
        directory("docs/published"),
    log:
        LAYOUT.logs / "published.log",
    params:
        job="published",
        code=support.code("latentgrid.report.published", *MODELS),
        dataset=PARAMS.dataset,
        configuration=" ".join(support.configuration_files(workflow)),
        figures=list(FIGURES),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.report.published"
        " --dataset {params.dataset}"
        " --configuration {params.configuration:q} --folder {output:q} {params.figures}"
        " > {log:q} 2>&1"
