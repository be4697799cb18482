"""The drawing step: a figure over all runs."""

import importlib
import traceback
from dataclasses import replace
from typing import Annotated

import torch
import typer

from latentgrid.errors import UserError
from latentgrid.figures import comparisons
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import save_animation, save_pdf, save_png
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.jobs.step import run_step


def main(
    dataset: Annotated[str, typer.Option()],
    figure: Annotated[str, typer.Option(help="its file's name in `comparisons`")],
    entries: Annotated[list[str] | None, typer.Argument(help="entries that it shows")] = None,
) -> None:
    """Draw a figure as PNG and PDF, and write down of what and what is seen in it."""
    torch.set_num_threads(1)
    layout, shown = Layout(dataset), entries or []
    drawing = drawn(figure, Material(layout, tuple(shown)))
    save_png(drawing.figure, layout.figures / f"{figure}.png")
    save_pdf(drawing.figure, layout.figures / f"{figure}.pdf")
    if catalogue.is_animated(figure):
        frames = drawing.frames or [drawing.figure]
        save_animation(frames, layout.figures / f"{figure}.webp")
    seen = {"entries": shown, "seen": drawing.seen, "missing": drawing.missing}
    write_json(layout.seen(figure), seen)


def drawn(name: str, material: Material) -> Drawing:
    """Return a figure, and what its best runs were chosen by.

    One that fails is missing, and the log says where it failed.
    """
    try:
        module = importlib.import_module(f"{comparisons.__name__}.{name}")
        drawing: Drawing = module.draw(material)
    except UserError:
        raise
    except Exception as error:  # whatever a figure raises, the report is made without it
        traceback.print_exc()
        return nothing(f"It failed: {type(error).__name__}: {error}".partition("\n")[0])
    if drawing.missing:
        return drawing
    return replace(drawing, seen=[*drawing.seen, *material.how_chosen()])


if __name__ == "__main__":
    run_step(main)
