"""The pipeline: fetch the data, train every run, evaluate it, gather, judge, draw, report.

`snakemake --cores all` runs params.yaml; `--configfile other.yaml` runs another file instead, and
`--config 'training={epochs: 2}'` changes single keys. Each step is a file in workflow/rules, which
says what the step reads and makes; its work is done by the file of its name in src/latentgrid/steps.
"""

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/train_stack.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/verdicts.smk"
include: "workflow/rules/controls.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/hooks.smk"


rule all:
    """The report and all that it stands on."""
    default_target: True
    input:
        LAYOUT.report,
        PAGES,
        # What a failed job takes away is made again, although the report is still there.
        [file for run in THERE for file in LAYOUT.run(run).results],
        [LAYOUT.run(run).metrics for run in THERE],
        [LAYOUT.run(run).overview for run in THERE],
        [LAYOUT.run(run).likelihood for run in THERE if run in BOUNDED],
        LAYOUT.table_files,
        LAYOUT.verdict_files,
        LAYOUT.controls,
        LAYOUT.quality,
        LAYOUT.audit,
        PICTURES,
        SEEN,
        MOVING,


JOBS = fitting.look_at_results(
    workflow,
    LAYOUT,
    {
        "train": RUNS,
        "train_stack": STACKS,
        "evaluate": RUNS,
        "likelihood": BOUNDED,
        "experiment": catalogue.experiments(),
        "figure": SHOWN,
        "animation": ANIMATED,
        "model_page": WITH_PAGE,
    },
)
