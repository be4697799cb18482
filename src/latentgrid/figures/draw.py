"""The drawing step: figures over all runs."""

import importlib
import json
import traceback
from typing import Annotated

import torch
import typer

from latentgrid import catalogue
from latentgrid.errors import UserError
from latentgrid.figures import comparisons
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import save_animation, save_pdf, save_png
from latentgrid.files import write_json
from latentgrid.paths import Layout
from latentgrid.step import run_step


def main(
    dataset: Annotated[str, typer.Option()],
    shown: Annotated[str, typer.Option(help="figures, each with the entries it shows, as JSON")],
) -> None:
    """Draw figures as PNG and PDF, and write down of what and what is seen in them."""
    torch.set_num_threads(1)
    layout = Layout(dataset)
    seen = {}
    for name, entries in json.loads(shown).items():
        drawing = drawn(name, Material(layout, tuple(entries)))
        save_png(drawing.figure, layout.figures / f"{name}.png")
        save_pdf(drawing.figure, layout.figures / f"{name}.pdf")
        if catalogue.is_animated(name):
            frames = drawing.frames or [drawing.figure]
            save_animation(frames, layout.figures / f"{name}.webp")
        seen[name] = {
            "entries": entries,
            "seen": drawing.seen,
            "missing": drawing.missing,
        }
        print(name, drawing.missing, flush=True)
    write_json(layout.seen, seen)


def drawn(name: str, material: Material) -> Drawing:
    """Return a figure; one that fails is missing, and the log says where it failed."""
    try:
        module = importlib.import_module(f"{comparisons.__name__}.{name}")
        drawing: Drawing = module.draw(material)
    except UserError:
        raise
    except Exception as error:  # whatever a figure raises must not take the others with it
        traceback.print_exc()
        return nothing(f"It failed: {type(error).__name__}: {error}".partition("\n")[0])
    return drawing


if __name__ == "__main__":
    run_step(main)
