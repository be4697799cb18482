"""The step that runs one experiment and writes its tensors."""

import importlib
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import save_file

from latentgrid.files.atomic import save
from latentgrid.grid import components
from latentgrid.jobs.step import run_step


def main(
    name: Annotated[str, typer.Option(help="the experiment's file")],
    output: Annotated[Path, typer.Option(help="where its tensors go")],
) -> None:
    """Run one experiment."""
    torch.set_num_threads(1)
    module = importlib.import_module(components.module_of("experiments", name))
    tensors = {key: tensor.contiguous() for key, tensor in module.run().items()}
    save(output, lambda part: save_file(tensors, part))


if __name__ == "__main__":
    run_step(main)
