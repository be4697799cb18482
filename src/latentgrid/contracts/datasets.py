"""The contract of a data set (`latentgrid.data.sources`)."""

import tempfile
from pathlib import Path

from latentgrid.data import sources


def size_can_be_true(name: str) -> None:
    """`SIZE` says how many images and classes there are, and of which shape."""
    sources.size(name)


def load_gives_what_size_says(name: str) -> None:
    """`load` gives bytes and labels as `SIZE` says, without a mirror."""
    with tempfile.TemporaryDirectory() as folder:
        sources.load(name, Path(folder), None)


CHECKS = (size_can_be_true, load_gives_what_size_says)
