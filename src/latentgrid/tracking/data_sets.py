"""Says in MLflow which data set a run was trained on."""

import json
from typing import Any

from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout

DIGITS = 36  # of a checksum, as many as MLflow keeps
CONTEXT = ("mlflow.data.context", "training")


def digest(sha256: str) -> str:
    """Return as much of the checksum of a data set's images as MLflow keeps."""
    return sha256[:DIGITS]


def as_input(layout: Layout, sha256: str) -> Any:
    """Return a data set as MLflow's input of a run, with counts and shape if the images are here.

    Args:
        layout: where the images are.
        sha256: of the images that the run was trained on.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    described = read_json(layout.description) if layout.description.exists() else {}
    of_these = described if described.get("sha256") == sha256 else {}
    dataset = Dataset(
        name=layout.dataset,
        digest=digest(sha256),
        source_type="local",
        source=json.dumps({"uri": layout.images.absolute().as_uri()}),
        schema=json.dumps(_schema(of_these)),
        profile=json.dumps({**of_these, "sha256": sha256}),
    )
    return DatasetInput(dataset, [InputTag(*CONTEXT)])


def _schema(described: dict[str, Any]) -> dict[str, Any]:
    shape = [-1, *described.get("image shape", [])]
    images = {"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": shape}}
    labels = {"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": [-1]}}
    return {
        "mlflow_tensorspec": {"features": json.dumps([images]), "targets": json.dumps([labels])}
    }
