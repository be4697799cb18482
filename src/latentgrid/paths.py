"""Where everything lives. Every path of the project is an attribute of one of these two."""

from dataclasses import dataclass
from pathlib import Path

TABLES = (
    "runs.csv",
    "settings.csv",
    "losses.csv",
    "best.csv",
    "marginal.csv",
    "silhouettes.csv",
    "history.csv",
)


@dataclass(frozen=True)
class Layout:
    """The files of one data set."""

    dataset: str

    @property
    def data(self) -> Path:
        """Folder of the downloaded archives and the tensors made of them."""
        return Path("data") / self.dataset

    @property
    def images(self) -> Path:
        """Training and test images with their labels."""
        return self.data / "images.safetensors"

    @property
    def description(self) -> Path:
        """Counts, shape and checksum of the images."""
        return self.data / "description.json"

    @property
    def results(self) -> Path:
        """Everything that the workflow makes."""
        return Path("results") / self.dataset

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.results / "runs"

    @property
    def plan(self) -> Path:
        """The runs of the current configuration."""
        return self.results / "plan.json"

    @property
    def tables(self) -> Path:
        """Tidy tables over all runs."""
        return self.results / "tables"

    @property
    def table_files(self) -> list[Path]:
        """Every table."""
        return [self.tables / name for name in TABLES]

    @property
    def summary(self) -> Path:
        """The few numbers that `dvc metrics` shows."""
        return self.results / "summary.json"

    @property
    def figures(self) -> Path:
        """Figures over all runs."""
        return self.results / "figures"

    @property
    def seen(self) -> Path:
        """Which entries the figures show, what is seen in them, and why some could not be drawn."""
        return self.figures / "seen.json"

    def tensors(self, name: str) -> Path:
        """Return the file of a step between runs and figures: `embeddings`, an experiment."""
        return self.results / f"{name}.safetensors"

    @property
    def report(self) -> Path:
        """The page that people read."""
        return self.results / "report.html"

    @property
    def logs(self) -> Path:
        """What each job said."""
        return self.results / "logs"

    @property
    def tried(self) -> Path:
        """A key to the networks that were found to fit the images."""
        return self.logs / "trial.json"

    @property
    def state(self) -> Path:
        """What unfinished runs have so far; empty when all are done."""
        return self.results / "state"

    @property
    def lock(self) -> Path:
        """Held by the snakemake that makes these results."""
        return self.results / ".lock"

    def run(self, name: str) -> "RunFiles":
        """Return the files of the run called `name`."""
        return RunFiles(self.runs / name, self.state / name.replace("/", ","))


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
    def outcome(self) -> Path:
        """Whether training finished or diverged, and after how many epochs."""
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
    def failure(self) -> Path:
        """Why the last attempt at this run ended without a result."""
        return self.state / "failure.json"

    @property
    def lock(self) -> Path:
        """Held by the process that trains this run."""
        return self.state / "lock"
