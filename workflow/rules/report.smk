rule report:
    """Assemble the page that people read: one file that opens offline."""
    input:
        plan=LAYOUT.plan,
        description=LAYOUT.description,
        tables=LAYOUT.table_files,
        figures=list(FIGURES.values()),
        overviews=[run.overview for entry in PARAMS.models for run in runs_of(entry)],
        captions=[f"workflow/report/{name}.rst" for name in FIGURES],
        code=source_files("latentgrid.report.__main__"),
        templates=multiext("src/latentgrid/report/", "report.html.j2", "style.css"),
    output:
        LAYOUT.report,
    params:
        dataset=PARAMS.dataset,
    log:
        LAYOUT.logs / "report.log",
    shell:
        "python -m latentgrid.report --dataset {params.dataset} > {log:q} 2>&1"
