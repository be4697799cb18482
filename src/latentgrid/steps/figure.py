"""The step that draws a figure over all runs."""

from typing import Annotated

import torch
import typer

from latentgrid.figures.draw import draw_figure
from latentgrid.figures.results import Results
from latentgrid.figures.style import save_pdf, save_png
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step


def main(
    dataset: Annotated[str, typer.Option()],
    figure: Annotated[str, typer.Option(help="its file's name in `comparisons`")],
    entries: Annotated[list[str] | None, typer.Argument(help="entries that it shows")] = None,
) -> None:
    """Draw a figure as PNG and PDF, and write its entries and sentences to a file."""
    torch.set_num_threads(1)
    layout, shown = Layout(dataset), entries or []
    drawing = draw_figure(figure, Results(layout, tuple(shown)))
    save_png(drawing.figure, layout.picture(figure))
    save_pdf(drawing.figure, layout.picture(figure).with_suffix(".pdf"))
    seen = {"entries": shown, "seen": drawing.seen, "missing": drawing.missing}
    write_json(layout.seen(figure), seen)


if __name__ == "__main__":
    run_step(main)
