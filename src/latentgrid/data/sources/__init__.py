"""One file a data set; each has its `SIZE` and `load(folder, mirror)`, which gives `Images`."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from latentgrid.data import Images


@dataclass(frozen=True)
class Size:
    """How many images there are to train and to test on, and their channels, height, width."""

    train: int
    test: int
    shape: tuple[int, int, int]


def size(dataset: str) -> Size:
    """Return what the named data set holds, without fetching it."""
    known: Size = importlib.import_module(f"{__name__}.{dataset}").SIZE
    return known


def load(dataset: str, folder: Path, mirror: str | None) -> Images:
    """Fetch the named data set, keeping what it downloads in `folder`."""
    images: Images = importlib.import_module(f"{__name__}.{dataset}").load(folder, mirror)
    return images
