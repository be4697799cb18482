"""The step that audits the studies of a data set by themselves."""

from typing import Annotated

import typer

from latentgrid.audit import table
from latentgrid.audit.examine import audited, examine
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step


def main(dataset: Annotated[str, typer.Option()]) -> None:
    """Write what is found in the studies of a data set, and in those of none."""
    found = {study.name: examine(study) for study in audited(dataset)}
    table.write(Layout(dataset).audit, found)
    for study, findings in found.items():
        print(f"{study}: {len(findings)} findings", flush=True)


if __name__ == "__main__":
    run_step(main)
