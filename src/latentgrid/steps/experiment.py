"""The step that runs one experiment and writes its tensors."""

import importlib
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import save_file

from latentgrid.errors import UserError
from latentgrid.files.atomic import save
from latentgrid.grid import components, plugins
from latentgrid.grid.blame import blaming
from latentgrid.jobs.step import run_step

CONTIGUOUS = torch.contiguous_format


def main(
    name: Annotated[str, typer.Option(help="the experiment's file")],
    output: Annotated[Path, typer.Option(help="where its tensors go")],
) -> None:
    """Run one experiment."""
    torch.set_num_threads(1)
    with blaming("experiments", name):
        found = importlib.import_module(components.module_of("experiments", name)).run()
    _require_tensors(name, found)
    # Copies, because safetensors stores no tensors that share memory.
    tensors = {key: found[key].detach().clone(memory_format=CONTIGUOUS) for key in found}
    save(output, lambda part: save_file(tensors, part))


def _require_tensors(name: str, found: object) -> None:
    """Refuse what `run` returned if it is anything but tensors by name."""
    unfit = type(found).__name__
    if isinstance(found, dict) and found:
        others = [
            f"{key!r}: {type(value).__name__}"
            for key, value in found.items()
            if not (isinstance(key, str) and isinstance(value, torch.Tensor))
        ]
        if not others:
            return
        unfit = ", ".join(others)
    file = plugins.shown(components.file_of("experiments", name))
    raise UserError(f"{file}: run() returns {unfit}; allowed: tensors by name")


if __name__ == "__main__":
    run_step(main)
