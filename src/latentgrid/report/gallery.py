"""The gallery step: the figures of a data set as a page of the documentation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from latentgrid.evaluation.tables import read_runs
from latentgrid.files.atomic import save, write_text
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.report import sections
from latentgrid.text import number, signed

COLOURS = 256
PIXELS = 1400  # across


def main(
    dataset: Annotated[str, typer.Option()],
    configuration: Annotated[str, typer.Option(help="file that the page names as its origin")],
    folder: Annotated[Path, typer.Option(help="where page and pictures go")],
    figures: Annotated[list[str], typer.Argument(help="figures to show")],
) -> None:
    """Write a page with pictures small enough to be kept in git."""
    layout = Layout(dataset)
    template = markdown().get_template("gallery.md.j2")
    page = template.render(
        sections=with_pictures(layout, figures, folder),
        dataset=dataset,
        configuration=configuration,
        runs=read_runs(layout),
    )
    write_text(folder / "README.md", page)


def markdown() -> Environment:
    """Return the templates of pages in Markdown."""
    environment = Environment(  # noqa: S701 - nothing is escaped in Markdown
        loader=PackageLoader("latentgrid", "report"),
        undefined=StrictUndefined,
        finalize=sections.seen,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "signed": signed}
    return environment


def with_pictures(
    layout: Layout, figures: Sequence[str], folder: Path
) -> dict[str, list[sections.Described]]:
    """Return the figures by section, and write their pictures to a folder."""
    shown = sections.described(layout, figures)
    for described in (figure for of_section in shown.values() for figure in of_section):
        if not described.missing:
            shrink(layout.figures / f"{described.name}.png", folder / f"{described.name}.png")
    return shown


def shrink(picture: Path, to: Path) -> None:
    """Write a picture with fewer pixels and colours."""
    image = Image.open(picture).convert("RGB")
    size = (PIXELS, round(image.height * PIXELS / image.width))
    small = image.resize(size, Image.Resampling.LANCZOS).quantize(COLOURS)
    save(to, lambda part: small.save(part, "PNG", optimize=True))


if __name__ == "__main__":
    run_step(main)
