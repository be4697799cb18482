"""Runs docs/notebook.ipynb and keeps its outputs; it needs the results of `make run`."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path("docs/notebook.ipynb")

notebook = nbformat.read(NOTEBOOK, as_version=4)
NotebookClient(notebook, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
for cell in notebook.cells:
    cell.metadata.pop("execution", None)
notebook.metadata.pop("language_info", None)
nbformat.write(notebook, NOTEBOOK)
