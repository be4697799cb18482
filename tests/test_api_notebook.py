"""docs/notebook.ipynb runs, and says what it said when its outputs were kept."""

import re
from pathlib import Path

import nbformat
import pytest

from project import environment

NOTEBOOK = Path(__file__).parents[1] / "docs/notebook.ipynb"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def said(cell):
    """Return the words of a code cell's outputs, and their numbers."""
    texts = [
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    ]
    text = "".join(texts)
    return NUMBER.sub("#", text).split(), [float(number) for number in NUMBER.findall(text)]


@pytest.mark.slow
def test_the_notebook_says_what_it_said(built, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", environment(built)["PYTHONPATH"])
    kept = nbformat.read(NOTEBOOK, as_version=4)
    again = nbformat.read(NOTEBOOK, as_version=4)
    where = {"metadata": {"path": str(built / "docs")}}
    NotebookClient(again, resources=where, kernel_name="python3").execute()
    compared = 0
    for before, now in zip(kept.cells, again.cells, strict=True):
        if before.cell_type != "code":
            continue
        assert len(before.outputs) > 0 or not now.outputs
        if "of-runs" not in before.metadata.get("tags", []):  # those are of a smaller grid here
            words, numbers = said(before)
            words_now, numbers_now = said(now)
            assert words_now == words
            # Other processors round differently, and a training carries that on.
            assert numbers_now == pytest.approx(numbers, rel=0.1, abs=0.3)
            compared += len(numbers)
    assert compared > 20
