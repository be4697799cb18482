"""The step that draws a figure's animation."""

from typing import Annotated

import torch
import typer

from latentgrid.figures.draw import draw_figure
from latentgrid.figures.results import Results
from latentgrid.figures.style import save_animation
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step


def main(
    dataset: Annotated[str, typer.Option()],
    figure: Annotated[str, typer.Option(help="its file's name in `comparisons`")],
    entries: Annotated[list[str] | None, typer.Argument(help="entries that it shows")] = None,
) -> None:
    """Draw a figure's frames as one WebP; a figure without frames becomes a still picture."""
    torch.set_num_threads(1)
    layout = Layout(dataset)
    drawing = draw_figure(figure, Results(layout, tuple(entries or [])))
    save_animation(drawing.frames or [drawing.figure], layout.animation(figure))


if __name__ == "__main__":
    run_step(main)
