"""Assemble what people read.

Reads   tables, verdicts, flags, studies/, figures, and templates of src/latentgrid/report/
Makes   results/<dataset>/report.html   one page that opens offline
        results/<dataset>/models/       a page a model, and the configuration that trains it again
        docs/gallery, docs/published    pages of the documentation, when asked for by name
"""

# Title, caption and section of a figure are in its file.
FIGURES = [components.module_of("figures", name) for name in SHOWN]
NAMED = [word for study in STUDIES for word in ("--study", str(study.folder))]
WITH_PAGE = sorted({run.model for run in RUNS.values()})
PAGES = [LAYOUT.model_page(model) for model in WITH_PAGE]


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
            code=sources.code("latentgrid.steps.interactive", *MODELS),
            dataset=PARAMS.dataset,
            entries=SHOWN["latent"],
        shell:
            "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.interactive"
            " --dataset {params.dataset} {params.entries} > {log:q} 2>&1"


rule report:
    """Assemble the page that people read: one file that opens offline."""
    input:
        data=DATA,
        tables=LAYOUT.table_files,
        verdicts=LAYOUT.verdict_files,
        studies=OF_STUDIES,
        quality=[LAYOUT.controls, LAYOUT.quality],
        audit=LAYOUT.audit,
        figures=PICTURES,
        animations=MOVING,
        interactive=LAYOUT.interactive if "latent" in SHOWN else [],
        runs=LAYOUT.inventory,
        seen=SEEN,
        overviews=[LAYOUT.run(run).overview for run in THERE],
        templates=multiext(
            "src/latentgrid/report/",
            "report.html.j2",
            "parts.html.j2",
            "first.html.j2",
            "figure.html.j2",
            "reproduction.html.j2",
            "quality.html.j2",
            "audit.html.j2",
            "disagreements.html.j2",
            "style.css",
            "script.js",
        ),
    output:
        LAYOUT.report,
    log:
        LAYOUT.logs / "report.log",
    threads: 4
    params:
        job="report",
        code=sources.code("latentgrid.steps.report", *FIGURES, *MODELS),
        dataset=PARAMS.dataset,
        studies=NAMED,
        figures=list(SHOWN),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.report"
        " --threads {threads} {params.studies:q}"
        " --dataset {params.dataset} {params.figures} > {log:q} 2>&1"


rule model_page:
    """Assemble the page about a model, which opens offline, and write what trains it again."""
    input:
        tables=LAYOUT.table_files,
        verdicts=LAYOUT.verdict_files,
        studies=OF_STUDIES,
        runs=LAYOUT.inventory,
        overviews=lambda wildcards: [
            LAYOUT.run(run).overview
            for run in THERE
            if RUNS[run].model == wildcards.model
        ],
        templates=multiext(
            "src/latentgrid/report/",
            "model.html.j2",
            "parts.html.j2",
            "style.css",
            "script.js",
        ),
    output:
        LAYOUT.model_page("{model}"),
        LAYOUT.model_configuration("{model}"),
    log:
        LAYOUT.logs / "models" / "{model}.log",
    wildcard_constraints:
        model="|".join(WITH_PAGE),
    params:
        job=lambda wildcards: f"model_page:{wildcards.model}",
        code=lambda wildcards: sources.code("latentgrid.steps.model_page", *MODELS),
        dataset=PARAMS.dataset,
        source=PARAMS.source.text,
        # Docstrings are in no digest of code.
        said=lambda wildcards: sources.digest(catalogue.about(wildcards.model)),
        studies=NAMED,
        plugins=[word for name in PARAMS.plugins for word in ("--plugin", name)],
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.model_page"
        " --dataset {params.dataset} --source {params.source:q} --model {wildcards.model}"
        " {params.studies:q} {params.plugins:q} > {log:q} 2>&1"


rule gallery:
    """Set all figures on a page of the documentation; only made when asked for by name."""
    input:
        figures=PICTURES,
        seen=SEEN,
        tables=LAYOUT.table_files,
        studies=[file for study in STUDIES for file in study.facts_files],
        templates=multiext("src/latentgrid/report/", "gallery.md.j2", "figures.md.j2"),
    output:
        directory("docs/gallery"),
    log:
        LAYOUT.logs / "gallery.log",
    params:
        job="gallery",
        code=sources.code("latentgrid.steps.gallery", *FIGURES, *MODELS),
        dataset=PARAMS.dataset,
        configuration=" ".join(configuration.configuration_files(workflow)),
        studies=NAMED,
        figures=list(SHOWN),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.gallery"
        " --dataset {params.dataset} {params.studies:q}"
        " --configuration {params.configuration:q} --folder {output:q} {params.figures}"
        " > {log:q} 2>&1"


rule published:
    """Set tables, verdicts and figures on a page to be kept in git; only made when asked for by name."""
    input:
        figures=PICTURES,
        seen=SEEN,
        tables=LAYOUT.table_files,
        verdicts=LAYOUT.verdict_files,
        quality=[LAYOUT.controls, LAYOUT.quality],
        audit=LAYOUT.audit,
        runs=LAYOUT.inventory,
        studies=OF_STUDIES,
        templates=multiext(
            "src/latentgrid/report/",
            "published.md.j2",
            "quality.md.j2",
            "audit.md.j2",
            "figures.md.j2",
        ),
    output:
        directory("docs/published"),
    log:
        LAYOUT.logs / "published.log",
    params:
        job="published",
        code=sources.code("latentgrid.steps.published", *FIGURES, *MODELS),
        dataset=PARAMS.dataset,
        configuration=" ".join(configuration.configuration_files(workflow)),
        studies=NAMED,
        figures=list(SHOWN),
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.published"
        " --dataset {params.dataset} {params.studies:q}"
        " --configuration {params.configuration:q} --folder {output:q} {params.figures}"
        " > {log:q} 2>&1"
