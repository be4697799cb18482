"""The paths of all files that belong to no single run; `run_files` has those of a run."""

from dataclasses import dataclass
from pathlib import Path

from latentgrid.files.run_files import RunFiles

TABLES = (
    "runs.csv",
    "settings.csv",
    "best.csv",
    "marginal.csv",
    "ablation.csv",
    "silhouettes.csv",
    "history.csv",
)
VERDICTS = ("verdicts.csv", "claims.csv", "rank_agreement.csv", "scanned.csv", "regions.csv")
QUALITY = ("controls.csv", "quality.csv")


def made_data_sets() -> list[str]:
    """Return the names of the data sets that have a folder of results."""
    return sorted(path.name for path in Path("results").glob("[!.]*") if path.is_dir())


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
    def verdict_files(self) -> list[Path]:
        """Every table of verdicts."""
        return [self.tables / name for name in VERDICTS]

    @property
    def controls(self) -> Path:
        """The table of measures of cases whose value is known."""
        return self.tables / "controls.csv"

    @property
    def quality(self) -> Path:
        """The table of flags: what is not as it should be."""
        return self.tables / "quality.csv"

    @property
    def audit(self) -> Path:
        """What the audit finds in the studies."""
        return self.tables / "audit.csv"

    @property
    def inventory(self) -> Path:
        """The digests of all runs' outcomes, the one file on which steps over all runs depend."""
        return self.results / "inventory.json"

    @property
    def summary(self) -> Path:
        """The few numbers that `dvc metrics` shows."""
        return self.results / "summary.json"

    @property
    def figures(self) -> Path:
        """Figures over all runs."""
        return self.results / "figures"

    def picture(self, figure: str) -> Path:
        """Return the file of a figure; a PDF of the same name lies beside it."""
        return self.figures / f"{figure}.png"

    def animation(self, figure: str) -> Path:
        """Return the file of a figure's animation."""
        return self.figures / f"{figure}.webp"

    def seen(self, figure: str) -> Path:
        """Return the file with a figure's entries and sentences, or why it is missing."""
        return self.figures / f"{figure}.json"

    @property
    def drawn_from(self) -> Path:
        """The results of steps between runs and figures."""
        return self.figures / "drawn_from"

    def tensors(self, name: str) -> Path:
        """Return the tensors of a step between runs and figures, such as `embedded_codes`."""
        return self.drawn_from / f"{name}.safetensors"

    @property
    def interactive(self) -> Path:
        """The interactive plots of the report."""
        return self.drawn_from / "interactive.json"

    @property
    def benchmarks(self) -> Path:
        """What each job cost: seconds, CPU seconds and memory."""
        return self.results / "benchmarks.csv"

    @property
    def report(self) -> Path:
        """The page that people read."""
        return self.results / "report.html"

    @property
    def models(self) -> Path:
        """A page for each model, and the configuration that trains it as it was trained."""
        return self.results / "models"

    def model_page(self, model: str) -> Path:
        """Return the page about a model."""
        return self.models / f"{model}.html"

    def model_configuration(self, model: str) -> Path:
        """Return the configuration that asks for the runs of one model and no others."""
        return self.models / f"{model}.yaml"

    @property
    def logs(self) -> Path:
        """The output of each job."""
        return self.results / "logs"

    @property
    def tracking_log(self) -> Path:
        """The messages of the process that brings MLflow up to date."""
        return self.logs / "tracking.log"

    @property
    def tried(self) -> Path:
        """A digest of the networks that were tried and fit the images."""
        return self.logs / "trial.key"

    @property
    def orders(self) -> Path:
        """The orders of the last call: what each job was to make, and by which code."""
        return self.results / ".orders.sqlite"

    @property
    def aside(self) -> Path:
        """Runs that left the grid and were not deleted."""
        return self.results / "aside"

    @property
    def state(self) -> Path:
        """The checkpoints and histories of unfinished runs; empty when all are done."""
        return self.results / "state"

    def stack(self, name: str) -> Path:
        """Return the file that says that the runs of a stack are trained, until they are taken."""
        return self.state / f"{name}.stack"

    @property
    def lock(self) -> Path:
        """The lock that a snakemake holds while it makes these results."""
        return self.results / ".lock"

    @property
    def fork_server(self) -> Path:
        """The socket at which jobs ask the fork server for a fork."""
        return self.results / ".fork_server"

    def run(self, name: str) -> RunFiles:
        """Return the files of the run called `name`."""
        return RunFiles(self.runs / name, self.state / name.replace("/", ","))

    def name(self, run: RunFiles) -> str:
        """Return the name of the run with these files."""
        return str(run.folder.relative_to(self.runs))
