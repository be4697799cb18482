"""The step that writes a page with tables, verdicts and figures, to be kept in git."""

import shutil
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from latentgrid.files.atomic import save, write_text
from latentgrid.files.layout import Layout
from latentgrid.grid.runs import read_plan
from latentgrid.jobs.step import run_step
from latentgrid.report import quality, reproduction
from latentgrid.report.audit import read_audit
from latentgrid.report.markdown import markdown_templates, write_pictures
from latentgrid.results.tables import read_runs
from latentgrid.results.trained import TrainedRun
from latentgrid.studies import reading


def main(
    dataset: Annotated[str, typer.Option()],
    configuration: Annotated[str, typer.Option(help="file that the page names as its origin")],
    folder: Annotated[Path, typer.Option(help="where page, tables and pictures go")],
    figures: Annotated[list[str] | None, typer.Argument(help="figures to show")] = None,
    study: Annotated[list[str] | None, typer.Option(help="folders of studies")] = None,
) -> None:
    """Write a page that sets the runs of a data set beside what was published."""
    layout = Layout(dataset)
    tables = (layout.controls, layout.quality, layout.audit)
    for table in (*layout.table_files, *layout.verdict_files, *tables):
        save(folder / "tables" / table.name, partial(shutil.copyfile, table))
    studies = [reading.load(one) for one in study or []]
    sections = write_pictures(layout, figures or [], folder, studies)
    runs = read_runs(layout)
    template = markdown_templates().get_template("published.md.j2")
    page = template.render(
        sections=sections,
        missing=[figure for shown in sections.values() for figure in shown if figure.missing],
        dataset=dataset,
        configuration=configuration,
        runs=runs,
        unfinished=runs.loc[runs["status"] != "finished", "run"].tolist(),
        made_with=_made_with(layout),
        verdicts=reproduction.read_reproduction(layout, studies),
        quality=quality.read_quality(layout),
        audit=read_audit(layout),
    )
    write_text(folder / "README.md", page)


def _made_with(layout: Layout) -> dict[str, list[str]]:
    """Return the commits, devices and versions of torch that the runs were made with."""
    configs = [
        run.config
        for planned in read_plan(layout.plan)
        if (run := TrainedRun(layout.run(planned["name"]))).ended
    ]
    return {
        "code": sorted({config.code for config in configs}),
        "device": sorted({config.device for config in configs}),
        "torch": sorted({config.libraries["torch"] for config in configs}),
    }


if __name__ == "__main__":
    run_step(main)
