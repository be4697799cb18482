"""Checkpoints: what a killed run needs to resume after its last written epoch.

They lie in the run's state folder and not among its outputs, because Snakemake deletes outputs
before it starts a job again. The name of a checkpoint's file contains the hash of its content, so
that a half-written file is recognised.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor

from latentgrid.files.atomic import replacing

KEPT = 2  # the last one, and the one before it in case the last is half-written
DIGITS = 16
RECORD = "record"


@dataclass(frozen=True)
class TrainingLog:
    """What a checkpoint holds besides tensors.

    Attributes:
        run: hash of the run's settings, data, code, libraries and device.
        epoch: the number of completed epochs.
        history: one row for each completed epoch.
        seconds: wall time of each completed epoch.
        continued_after: the epochs after which the run was interrupted and resumed.
    """

    run: str
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    continued_after: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after an epoch.

    Attributes:
        state: every tensor that the next epoch depends on.
        snapshots: the snapshots taken so far, by "epoch/name".
    """

    log: TrainingLog
    state: dict[str, Tensor]
    snapshots: dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run.

    Attributes:
        folder: holds the checkpoints and nothing else.
        run: hash of the run's settings, data, code, libraries and device; a checkpoint with another
            hash is never used.
        snapshot_epochs: the epochs after which a snapshot is taken.
    """

    folder: Path
    run: str
    snapshot_epochs: Sequence[int]

    def last(self) -> Checkpoint | None:
        """Return the last complete checkpoint, or None after deleting the folder if none is."""
        found = next(self.complete(), None)
        if found is None:
            self.clear()
        return found

    def complete(self) -> Iterator[Checkpoint]:
        """Yield the complete checkpoints, the last one first."""
        candidates = sorted(self._numbered("checkpoint"), reverse=True)
        yield from filter(None, (self._read(path) for _, path in candidates))

    def clear(self) -> None:
        """Delete all checkpoints and snapshots."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep(self, state: Mapping[str, Tensor], log: TrainingLog) -> None:
        """Write a checkpoint and delete those that are no longer needed."""
        text = bytearray(json.dumps(asdict(log)).encode())
        stored = {**state, RECORD: torch.frombuffer(text, dtype=torch.uint8)}
        self._write(f"checkpoint-{log.epoch}", stored)
        for _, path in sorted(self._numbered("checkpoint"))[:-KEPT]:
            path.unlink()

    def keep_snapshot(self, epoch: int, snapshot: Mapping[str, Tensor]) -> None:
        """Write the snapshot of an epoch."""
        self._write(f"snapshot-{epoch}", snapshot)

    def _read(self, path: Path) -> Checkpoint | None:
        """Return a checkpoint; None unless it and its snapshots are complete and this run's."""
        state = _whole(path)
        if state is None or RECORD not in state:
            return None
        fields = json.loads(bytes(state.pop(RECORD).tolist()))
        # Compared before the fields are used: other code may have written other fields.
        if fields.get("run") != self.run:
            return None
        log = TrainingLog(**fields)
        snapshots: dict[str, Tensor] = {}
        for epoch in self.snapshot_epochs:
            if epoch <= log.epoch:
                snapshot = self._snapshot(epoch)
                if snapshot is None:
                    return None
                snapshots |= {f"{epoch}/{name}": tensor for name, tensor in snapshot.items()}
        return Checkpoint(log, state, snapshots)

    def _snapshot(self, wanted: int) -> dict[str, Tensor] | None:
        paths = (path for epoch, path in self._numbered("snapshot") if epoch == wanted)
        return next((tensors for tensors in map(_whole, paths) if tensors is not None), None)

    def _numbered(self, kind: str) -> Iterator[tuple[int, Path]]:
        for path in self.folder.glob(f"{kind}-*.safetensors"):
            yield int(path.name.split("-")[1]), path

    def _write(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        content = save(dict(tensors))
        with replacing(self.folder / f"{name}-{_digest(content)}.safetensors") as part:
            part.write_bytes(content)


def _whole(path: Path) -> dict[str, Tensor] | None:
    """Return the tensors of a file, or None if its content does not match the hash in its name."""
    content = path.read_bytes()
    return load(content) if path.stem.endswith(f"-{_digest(content)}") else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
