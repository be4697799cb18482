"""The paths of the files of one run. A module of its own, because training imports nothing else."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunFiles:
    """The files of one run: in `folder` when it is done, in `state` while it trains."""

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
        """The results of training, without the outcome and the timing."""
        return [self.config, self.history, self.snapshots, self.weights]

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
        """The judge's probabilities for the run's images."""
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
        """What an unfinished run needs to resume."""
        return self.state / "checkpoints"

    @property
    def of_stack(self) -> "RunFiles":
        """The same files as a stack leaves them, where the run's own job takes them from."""
        return RunFiles(self.state / "finished", self.state)

    @property
    def failure(self) -> Path:
        """Why the last attempt at this run ended without a result."""
        return self.state / "failure.json"

    @property
    def lock(self) -> Path:
        """The lock that a process holds while it trains this run."""
        return self.state / "lock"
