"""Draws a run's snapshots as images for MLflow, which shows them with a slider over the epochs."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from latentgrid.figures.palette import PALETTE
from latentgrid.figures.style import image_grid
from latentgrid.results.trained import Array, TestSet, TrainedRun
from latentgrid.tracking.names import PLANE, RECONSTRUCTIONS, SAMPLES

PREVIEW, PREVIEW_SIDE = "+compressed.webp", 256  # as of `log_image`
FAST = 1  # of zlib
SIDE = 440  # pixels, about
MARGIN = 0.005  # the share of codes beyond each border of the plane
WHITE = (255, 255, 255)
GAP = 6  # around the plane
SHOWN, COLUMNS = 10, 5  # of reconstructions
MANY = 2000  # points; fewer are drawn larger


def write(run: TrainedRun, test: TestSet, folder: Path, started: int) -> None:
    """Write each picture and a preview of it, under the names that MLflow's `log_image` gives.

    Where that draws a part of the name at random, it is computed here, so that an import that was
    interrupted writes no picture twice.

    Args:
        run: a run that ended.
        test: the test images.
        folder: where to write.
        started: when the run began, in milliseconds since 1970.
    """
    for key, epoch, picture in _pictures(run, test):
        drawn = uuid.uuid5(uuid.NAMESPACE_OID, f"{run.files.folder}/{key}/{epoch}/{started}")
        stem = f"{key}+step+{epoch}+timestamp+{started + epoch}+{drawn}"
        picture.save(folder / f"{stem}.png", compress_level=FAST)
        preview = picture.convert("RGB")
        preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BOX)
        preview.save(folder / f"{stem}{PREVIEW}", method=0)


def _pictures(run: TrainedRun, test: TestSet) -> Iterator[tuple[str, int, Image.Image]]:
    for epoch, samples in run.over_epochs("samples").items():
        yield SAMPLES, epoch, _sheet(samples, 8)
    damaged = run.over_epochs("corrupted")
    for epoch, again in run.over_epochs("reconstructions").items():
        shown = damaged.get(epoch, test.images[: len(again)])
        columns = min(COLUMNS, len(shown), len(again))
        pairs = _under_one_another(shown[:SHOWN], again[:SHOWN], columns)
        yield RECONSTRUCTIONS, epoch, _sheet(pairs, columns)
    codes = run.over_epochs("codes")
    if codes and run.outcome.epochs in codes and _is_small(codes[run.outcome.epochs], test):
        for epoch, plane in _planes(codes, codes[run.outcome.epochs]).items():
            yield PLANE, epoch, _scatter(plane, test)


def _sheet(images: Array, columns: int) -> Image.Image:
    sheet = Image.fromarray(image_grid(images, columns))
    times = max(1, round(SIDE / sheet.width))
    return sheet.resize((times * sheet.width, times * sheet.height), Image.Resampling.NEAREST)


def _under_one_another(upper: Array, lower: Array, columns: int) -> Array:
    """Return images in rows: each row of the first, and below it the same row of the second."""
    n = min(len(upper), len(lower)) // columns * columns
    rows = [images[:n].reshape(-1, columns, *images.shape[1:]) for images in (upper, lower)]
    stacked: Array = np.stack(rows, axis=1)
    return stacked.reshape(2 * n, *upper.shape[1:])


def _is_small(codes: Array, test: TestSet) -> bool:
    """Tell whether codes have fewer dimensions than images have pixels."""
    return bool(codes.shape[1] < test.images[0].size)


def _planes(codes: dict[int, Array], last: Array) -> dict[int, Array]:
    """Return codes in one plane (n, 2), which the last epoch's lie in or spread most in.

    Its borders are 0 and 1 in each direction and hold almost all codes of the last epoch.
    """
    centre = last.mean(axis=0)
    directions = np.eye(last.shape[1], 2)
    if last.shape[1] > 2:  # noqa: PLR2004
        directions = np.linalg.eigh(np.cov(last, rowvar=False)).eigenvectors[:, :-3:-1]
    flat = {epoch: (each - centre) @ directions for epoch, each in codes.items()}
    shown = flat[max(flat)]
    low, high = np.quantile(shown, [MARGIN, 1 - MARGIN], axis=0)
    return {epoch: (each - low) / np.maximum(high - low, 1e-12) for epoch, each in flat.items()}


def _scatter(plane: Array, test: TestSet) -> Image.Image:
    """Draw points of the unit square in the colour of their class, and each class's name."""
    side = np.ones(2) * (SIDE - 2 * GAP)
    places = GAP + (np.clip(plane, 0, 1) * [1, -1] + [0, 1]) * side
    pixels = np.full((SIDE, SIDE, 3), WHITE, dtype=np.uint8)
    colours = np.array([_rgb(colour) for colour in PALETTE], dtype=np.uint8)
    reach = 4 if len(plane) < MANY else 2
    for dy in range(reach):
        for dx in range(reach):
            x, y = (places.astype(int) + np.array([dx, dy])).T
            pixels[y, x] = colours[test.labels % len(PALETTE)]
    picture = Image.fromarray(pixels)
    if test.has_classes:
        _name_classes(picture, places, test)
    return picture


def _name_classes(picture: Image.Image, places: Array, test: TestSet) -> None:
    pen = ImageDraw.Draw(picture)
    for label in np.unique(test.labels):
        x, y = np.median(places[test.labels == label], axis=0)
        pen.text(
            (x, y),
            test.name_of(int(label)),
            fill="black",
            stroke_fill="white",
            stroke_width=2,
            anchor="mm",
            font_size=18,
        )


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))
