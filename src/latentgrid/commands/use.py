"""What trained runs do for a user of the command line: sample, encode, reconstruct, export."""

from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from latentgrid.api.abilities import unable
from latentgrid.api.export import TOLERANCE, export_decoder, export_encoder
from latentgrid.api.runs import load
from latentgrid.commands.inputs import images_for
from latentgrid.commands.outputs import require_writable, write_arrays, write_sheet
from latentgrid.evaluation.tables import write_table
from latentgrid.models import Decoder, Encoder
from latentgrid.text import size

Array = np.ndarray[Any, Any]
PARTS = {"encoder": export_encoder, "decoder": export_decoder}
PICTURE, ARRAYS, TABLE, PAGE = ".png", ".npz", ".csv", ".html"
ACROSS = 10  # pairs of an image and its reconstruction in a row of a sheet


def sample(path: Path, n: int, seed: int, out: Path, force: bool) -> str:
    """Draw images and write them as a sheet, an array `images` or a row of pixels each."""
    require_writable(out, (PICTURE, ARRAYS, TABLE), force)
    run = load(path)
    images = run.sample(n, seed)
    if out.suffix == PICTURE:
        write_sheet(out, images)
    elif out.suffix == ARRAYS:
        write_arrays(out, {"images": images})
    else:
        write_table(out, pd.DataFrame(_columns("pixel", images.reshape(n, -1))))
    return f"{out}: {_count(n)} of {run.settings['model']}, seed {seed}"


def encode(path: Path, images: Path | None, first: int | None, out: Path, force: bool) -> str:
    """Write the code of each image as arrays `codes` and `names`, or as a row each."""
    require_writable(out, (ARRAYS, TABLE), force)
    run = load(path)
    given, names = images_for(run, images, first)
    codes = run.encode(given)
    if out.suffix == ARRAYS:
        write_arrays(out, {"codes": codes, "names": np.array(names)})
    else:
        write_table(out, pd.DataFrame({"name": names, **_columns("code", codes)}))
    return f"{out}: the codes of {_count(len(codes))}, {codes.shape[1]} numbers each"


def reconstruct(path: Path, images: Path | None, first: int | None, out: Path, force: bool) -> str:
    """Write images above their reconstructions as a sheet, or both as arrays."""
    require_writable(out, (PICTURE, ARRAYS), force)
    run = load(path)
    given, _ = images_for(run, images, first)
    again = run.reconstruct(given)
    error = float(np.square(again - given).sum(axis=(1, 2, 3)).mean())
    if out.suffix == PICTURE:
        write_sheet(out, _in_pairs(given, again), ACROSS)
    else:
        write_arrays(out, {"images": given, "reconstructions": again})
    return f"{out}: {_count(len(given))}, squared error {error:.4g} per image"


def export(path: Path, folder: Path, force: bool) -> list[str]:
    """Write encoder.onnx and decoder.onnx, as far as the model has them, to a folder."""
    wanted = [require_writable(folder / f"{part}.onnx", (".onnx",), force) for part in PARTS]
    run = load(path)
    parts = [
        (file, write)
        for file, write, able in zip(wanted, PARTS.values(), (Encoder, Decoder), strict=True)
        if isinstance(run.model, able)
    ]
    if not parts:
        raise unable(run.model, "be exported, as it neither encodes nor decodes")
    said = []
    for file, write in parts:
        distance = write(run, file)
        said.append(
            f"{file}: ONNX Runtime agrees to {distance:.1e} of the largest value "
            f"(allowed: {TOLERANCE:.0e})"
        )
    return said


def export_page(path: Path, out: Path | None, force: bool) -> str:
    """Write the page of a run, by default beside us with the name of the run."""
    from latentgrid.webpage.page import default_name, write_page

    file = require_writable(out or Path(default_name(path)), (PAGE,), force)
    distance = write_page(load(path), file)
    bytes_ = size(file.stat().st_size)
    return f"{file}: {bytes_}; ONNX Runtime agrees to {distance:.1e} of the largest value"


def _columns(name: str, rows: Array) -> dict[str, Array]:
    return {f"{name}_{number}": column for number, column in enumerate(rows.T, start=1)}


def _in_pairs(images: Array, again: Array) -> Array:
    """Return rows of images, each above the row of their reconstructions; gaps are white."""
    rows = ceil(len(images) / ACROSS)
    pairs = np.ones((rows, 2, ACROSS, *images.shape[1:]), np.float32)
    for number, both in enumerate(zip(images, again, strict=True)):
        pairs[number // ACROSS, :, number % ACROSS] = both
    return pairs.reshape(-1, *images.shape[1:])


def _count(n: int) -> str:
    return "1 image" if n == 1 else f"{n} images"
