"""What the pipeline logged in a run of MLflow: a tag of the run says so, and all else is users'."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from latentgrid.grid.runs import canonical
from latentgrid.tracking.records import Record

LOGGED_TAG = "mlflow.latentgrid.logged"
NOTE_TAG = "mlflow.note.content"


@dataclass(frozen=True)
class Logged:
    """What the pipeline logged in a run of MLflow.

    Attributes:
        metrics: the keys of its metrics.
        params: the keys of its params.
        artifacts: from the name of a file to a text that changes with its content.
        note: the SHA-256 of its description.
        data: the SHA-256 of the images of its data set.
        snapshots: the record's text for them if its pictures are drawn from them.
        weights: the record's text for them if its logged model has them.
    """

    metrics: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    artifacts: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    data: str = ""
    snapshots: str = ""
    weights: str = ""

    @classmethod
    def of(cls, run: Any) -> "Logged":
        """Read the tag of a run in MLflow; empty if MLflow has cut the tag's text."""
        try:
            said = json.loads(run.data.tags.get(LOGGED_TAG, "{}"))
        except ValueError:
            return cls()
        return cls(
            metrics=frozenset(said.get("metrics", ())),
            params=frozenset(said.get("params", ())),
            artifacts=said.get("artifacts", {}),
            **{name: said.get(name, "") for name in ("note", "data", "snapshots", "weights")},
        )

    @classmethod
    def all_of(cls, record: Record) -> "Logged":
        """Return what a run has logged when it shows all of a record."""
        return cls(
            metrics=frozenset(record.columns) | record.measures.keys(),
            params=frozenset(record.params),
            artifacts={Path(path).name: version for path, version in record.artifacts.items()},
            note=_digest(record.note),
            data=record.data,
            snapshots=record.snapshots,
            weights=record.weights,
        )

    def claiming(self, other: "Logged") -> "Logged":
        """Return the keys of both, with everything else of this one."""
        metrics, params = self.metrics | other.metrics, self.params | other.params
        return replace(self, metrics=metrics, params=params)

    def is_note_ours(self, run: Any) -> bool:
        """Tell whether a run has no description, or the one that the pipeline wrote."""
        shown = run.data.tags.get(NOTE_TAG, "")
        return not shown or _digest(shown) == self.note

    @property
    def tag(self) -> tuple[str, str]:
        """Key and value of the tag that holds this."""
        keys = {"metrics": sorted(self.metrics), "params": sorted(self.params)}
        return LOGGED_TAG, canonical({**vars(self), **keys})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
