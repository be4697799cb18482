"""Say of what was published whether it reproduces.

Reads   results/<dataset>/tables/, the runs, studies/
Makes   results/<dataset>/tables/verdicts.csv, claims.csv, rank_agreement.csv, scanned.csv, regions.csv
"""


rule verdicts:
    """Say of every published number and claim whether it reproduces."""
    input:
        studies=OF_STUDIES,
        data=DATA,
        tables=LAYOUT.table_files,
        runs=LAYOUT.inventory,
    output:
        LAYOUT.verdict_files,
    log:
        LAYOUT.logs / "verdicts.log",
    params:
        job="verdicts",
        code=sources.code(
            "latentgrid.steps.verdicts",
            *(components.module_of("claims", claim) for claim in catalogue.claims()),
            *MODELS,
        ),
        dataset=PARAMS.dataset,
        test_images=PARAMS.evaluation.test_images,
        studies=[str(study.folder) for study in JUDGED],
    shell:
        "exec python -m latentgrid.jobs.client --as {params.job:q} latentgrid.steps.verdicts"
        " --dataset {params.dataset}"
        " --test-images {params.test_images} {params.studies:q} > >(tee {log:q}) 2>&1"
