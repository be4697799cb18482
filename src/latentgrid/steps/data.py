"""The data step: fetch a data set once and store it as tensors, which every job maps to memory."""

import json
from pathlib import Path
from typing import Annotated

import typer
from safetensors.torch import save_file

from latentgrid.data import CLASS_NAMES, checksum, sources
from latentgrid.files.atomic import save, write_json
from latentgrid.grid.datasets import READ_FROM, of_text
from latentgrid.jobs.step import run_step


def prepare(
    dataset: Annotated[str, typer.Option(help="what `dataset:` says, as one line")],
    images: Annotated[Path, typer.Option(help="where the tensors go")],
    description: Annotated[Path, typer.Option(help="where counts and checksum go")],
    mirror: Annotated[str | None, typer.Option(help="URL or folder to fetch from")] = None,
) -> None:
    """Fetch a data set and store it."""
    source = of_text(dataset)
    content = sources.load(source, images.parent, mirror)
    digest = checksum(content)
    names = {CLASS_NAMES: json.dumps(content.class_names)} if content.class_names else {}
    save(
        images,
        lambda part: save_file(content.tensors(), part, metadata={"checksum": digest} | names),
    )
    write_json(
        description,
        {
            "dataset": source.name,
            "training images": len(content.train_images),
            "test images": len(content.test_images),
            "image shape": list(content.shape),
            "classes": content.classes,
            **({"class names": list(content.class_names)} if content.class_names else {}),
            **({READ_FROM: source.given} if source.reader else {}),
            "sha256": digest,
        },
    )
    print(
        f"{source.name}: {len(content.train_images)} training and {len(content.test_images)} test "
        f"images of shape {content.shape}, sha256 {digest[:12]}"
    )
    if content.classes == 1:
        print(f"{source.name}: no labels: measures and figures of classes are left out")


if __name__ == "__main__":
    run_step(prepare)
