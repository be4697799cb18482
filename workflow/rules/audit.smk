"""Look for what is wrong in published numbers and texts by themselves.

Reads   studies/
Makes   results/<dataset>/tables/audit.csv      a row for each finding, with its place and rule
"""


rule audit:
    """Audit the studies by themselves: no run is needed."""
    input:
        studies=[file for study in JUDGED for file in study.facts_files],
        rates="src/latentgrid/audit/false_alarms.json",
    output:
        LAYOUT.audit,
    log:
        LAYOUT.logs / "audit.log",
    params:
        job="audit",
        code=sources.code("latentgrid.steps.audit"),
        dataset=PARAMS.dataset,
        studies=[str(study.folder) for study in JUDGED],
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.audit"
        " --dataset {params.dataset} {params.studies:q} > >(tee {log:q}) 2>&1"
