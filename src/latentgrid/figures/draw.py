"""The drawing step: figures that compare runs."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

from latentgrid.figures import comparisons
from latentgrid.figures.material import Material
from latentgrid.figures.style import save_png
from latentgrid.paths import Layout
from latentgrid.step import run_step


def main(
    dataset: Annotated[str, typer.Option()],
    output: Annotated[list[Path], typer.Argument(help="pictures to make, named as the figures")],
) -> None:
    """Draw each figure named by an output."""
    material = Material(Layout(dataset))
    for path in output:
        module = importlib.import_module(f"{comparisons.__name__}.{path.stem}")
        save_png(module.draw(material), path)
        print(path, flush=True)


if __name__ == "__main__":
    run_step(main)
