"""The data step: fetch a data set once and store it as tensors, which every job maps to memory."""

from pathlib import Path
from typing import Annotated

import typer
from safetensors.torch import save_file

from latentgrid.data import checksum, sources
from latentgrid.files.atomic import save, write_json
from latentgrid.jobs.step import run_step


def prepare(
    dataset: Annotated[str, typer.Option()],
    images: Annotated[Path, typer.Option(help="where the tensors go")],
    description: Annotated[Path, typer.Option(help="where counts and checksum go")],
    mirror: Annotated[str | None, typer.Option(help="URL or folder to fetch from")] = None,
) -> None:
    """Fetch a data set and store it."""
    content = sources.load(dataset, images.parent, mirror)
    digest = checksum(content)
    save(
        images,
        lambda part: save_file(content.tensors(), part, metadata={"checksum": digest}),
    )
    write_json(
        description,
        {
            "dataset": dataset,
            "training images": len(content.train_images),
            "test images": len(content.test_images),
            "image shape": list(content.shape),
            "classes": content.classes,
            "sha256": digest,
        },
    )
    print(
        f"{dataset}: {len(content.train_images)} training and {len(content.test_images)} test "
        f"images of shape {content.shape}, sha256 {digest[:12]}"
    )


if __name__ == "__main__":
    run_step(prepare)
