"""Where the files of one run live, and whether they are still what its training wrote.

Apart from `paths`, because training imports it.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from latentgrid.errors import damaged
from latentgrid.files.atomic import read_json, sha256


@dataclass(frozen=True)
class Timing:
    """When, where and how long a run trained.

    Attributes:
        host: the machine's name.
        started, ended: in UTC.
        seconds: wall time of each epoch.
    """

    host: str
    started: datetime
    ended: datetime
    seconds: list[float]


@dataclass(frozen=True)
class RunFiles:
    """The files of one run: `folder` when it is done, `state` while it trains."""

    folder: Path
    state: Path

    @property
    def config(self) -> Path:
        """Resolved settings, code version, data checksum, library versions, device."""
        return self.folder / "config.json"

    @property
    def history(self) -> Path:
        """One row per epoch."""
        return self.folder / "history.csv"

    @property
    def weights(self) -> Path:
        """The trained weights."""
        return self.folder / "weights.safetensors"

    @property
    def snapshots(self) -> Path:
        """Samples, test codes, manifold and reconstructions at the chosen epochs."""
        return self.folder / "snapshots.safetensors"

    @property
    def results(self) -> list[Path]:
        """What training makes, besides the outcome and the timing."""
        return [self.config, self.history, self.snapshots, self.weights]

    def as_trained(self, path: Path) -> Path:
        """Return the path of one of `results` if it is what the training wrote.

        Raises:
            UserError: it is missing, changed, or another run's.
        """
        written = read_json(self.outcome, "sha256")["sha256"]
        expected = written.get(path.name) if isinstance(written, dict) else None
        if expected is None:
            raise damaged(self.outcome, f"it has no digest of {path.name}")
        if not path.is_file():
            raise damaged(path, "it is missing")
        if sha256(path) != expected:
            raise damaged(path, "it is not what this run's training wrote")
        return path

    def read_timing(self) -> "Timing":
        """Return when, where and how long the run trained.

        Raises:
            UserError: the file is missing or damaged.
        """
        if not self.timing.is_file():
            raise damaged(self.timing, "it is missing")
        said = read_json(self.timing, "host", "started", "ended", "seconds per epoch")
        try:
            started, ended = (datetime.fromisoformat(said[name]) for name in ("started", "ended"))
            seconds = [float(value) for value in said["seconds per epoch"]]
        except (TypeError, ValueError) as error:
            raise damaged(self.timing, error) from None
        return Timing(str(said["host"]), started, ended, seconds)

    @property
    def outcome(self) -> Path:
        """Whether training finished or diverged, after which epoch, and its results' digests."""
        return self.folder / "outcome.json"

    @property
    def timing(self) -> Path:
        """Seconds, dates and host: what no two runs share."""
        return self.folder / "timing.json"

    @property
    def judged(self) -> Path:
        """What the judge takes the last samples for."""
        return self.folder / "judged.safetensors"

    @property
    def likelihood(self) -> Path:
        """Bounds on the likelihood of test images."""
        return self.folder / "likelihood.json"

    @property
    def metrics(self) -> Path:
        """The measures of the run."""
        return self.folder / "metrics.json"

    @property
    def overview(self) -> Path:
        """One picture of the run."""
        return self.folder / "overview.png"

    @property
    def live_history(self) -> Path:
        """The rows of `history` so far."""
        return self.state / "history.csv"

    @property
    def checkpoints(self) -> Path:
        """What an unfinished run needs to go on."""
        return self.state / "checkpoints"

    @property
    def failure(self) -> Path:
        """Why the last attempt at this run ended without a result."""
        return self.state / "failure.json"

    @property
    def lock(self) -> Path:
        """Held by the process that trains this run."""
        return self.state / "lock"
