"""One file a data set; each has `load(folder, mirror)`, which returns its `Images`."""

import importlib
from pathlib import Path

from latentgrid.data import Images


def load(dataset: str, folder: Path, mirror: str | None) -> Images:
    """Fetch the named data set, keeping what it downloads in `folder`."""
    images: Images = importlib.import_module(f"{__name__}.{dataset}").load(folder, mirror)
    return images
