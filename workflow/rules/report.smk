rule report:
    """Assemble the page that people read: one file that opens offline."""
    input:
        description=LAYOUT.description,
        tables=LAYOUT.table_files,
        figures=list(FIGURES.values()),
        overviews=[run.overview for runs in FILES.values() for run in runs],
        captions=[f"workflow/report/{name}.rst" for name in FIGURES],
        code=source_files("latentgrid.report.__main__"),
        templates=multiext("src/latentgrid/report/", "report.html.j2", "style.css"),
    output:
        LAYOUT.report,
    log:
        LAYOUT.logs / "report.log",
    params:
        dataset=PARAMS.dataset,
    shell:
        "python -m latentgrid.report --dataset {params.dataset} > {log:q} 2>&1"
