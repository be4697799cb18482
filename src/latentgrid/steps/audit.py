"""The step that audits the studies of a data set by themselves."""

from typing import Annotated

import typer

from latentgrid.audit import table
from latentgrid.audit.examine import examine
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.studies import reading


def main(
    dataset: Annotated[str, typer.Option()],
    named: Annotated[
        list[str] | None, typer.Argument(help="the studies on this data set, by folder")
    ] = None,
) -> None:
    """Write what is found in the studies of a data set."""
    studies = [reading.load(name) for name in named or []]
    found = {study.name: examine(study) for study in studies}
    table.write(Layout(dataset).audit, found)
    for study, findings in found.items():
        print(f"{study}: {len(findings)} findings", flush=True)


if __name__ == "__main__":
    run_step(main)
