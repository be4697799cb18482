"""Trained runs, from their folders: what the workflow trained, used from Python."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from latentgrid.api import abilities, images
from latentgrid.api.abilities import Array, ConditionalSampler
from latentgrid.api.code import require_same_code
from latentgrid.api.plugins import use_plugins
from latentgrid.api.surroundings import of_our_own
from latentgrid.errors import UserError, damaged
from latentgrid.files.run_files import RunFiles
from latentgrid.grid.messages import shown
from latentgrid.grid.runs import read_plan
from latentgrid.models import Model
from latentgrid.results.loaded import load_model
from latentgrid.results.run_json import flat, read_metrics
from latentgrid.results.tables import read_table
from latentgrid.results.trained import TestSet, TrainedRun, load_test_set
from latentgrid.stamps import made

# Which folders above a run's own are those of its data set's results and of its project, from
# <project>/results/<data set>/runs/<entry>/<settings>/seed=<n>.
DATASET, PROJECT = 3, 5


class Run:
    """A trained run: its model, its history and its measures. `load` returns it.

    Images are float32 in [0, 1], (n, c, h, w); what takes images also takes (n, h, w) where there
    is one channel, (n, c·h·w), and uint8, which is divided by 255 as in the training. Codes are
    float32, (n, d). Nothing is drawn unless a `seed` is given or named here.

    Attributes:
        path: the run's folder.
        model: its network, a `latentgrid.models.Model` on the CPU, in evaluation mode.
    """

    def __init__(self, trained: TrainedRun, model: Model) -> None:
        self.path = trained.files.folder
        self.model = model
        self._trained = trained

    def __repr__(self) -> str:
        """Return what the run is in a line."""
        told = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"<Run {told}; {self.status}>"

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that the result depends on, flat: model, hyperparameters, epochs, seed, …."""
        settings = self._trained.config.settings
        first = {"model": settings["model"], **settings["hyperparameters"]}
        return first | flat(settings)

    @property
    def status(self) -> str:
        """`finished`, or `diverged` if a loss was not finite; then `model` is the last good one."""
        return self._trained.outcome.status

    @property
    def history(self) -> pd.DataFrame:
        """A row per epoch: `epoch`, and each loss of training and test images, per image."""
        return self._trained.history.copy()

    @property
    def measures(self) -> dict[str, float]:
        """The measures of the run by name, as in `runs.csv` (docs/design.md says what they are).

        Raises:
            UserError: the run was not measured yet, or the file is damaged.
        """
        metrics = self._trained.files.metrics
        if not metrics.is_file():
            raise UserError(f"{metrics}: is missing; run snakemake, which measures the run")
        made.require_unchanged(metrics)
        return read_metrics(self._trained.files).numbers

    @property
    def abilities(self) -> frozenset[str]:
        """What the model can do: `encode`, `decode`, `reconstruct`, `sample`, `classify`, …."""
        return abilities.able(self.model)

    @property
    def classes(self) -> int:
        """The number of classes of which `sample` can be asked for one; 0 for none."""
        return self.model.classes if isinstance(self.model, ConditionalSampler) else 0

    @property
    def epochs(self) -> list[int]:
        """The epochs of which there is a snapshot, 0 before the training."""
        return sorted(self._trained.snapshot_names())

    def snapshot(self, epoch: int) -> dict[str, Array]:
        """Return what the model showed after an epoch, of `epochs`.

        What it has depends on the model: `samples` and `manifold` (uint8 images), `codes` of all
        test images (float32), `reconstructions` of the first of them, …. Treat them as read-only.

        Raises:
            UserError: there is none of this epoch, or the file is damaged.
        """
        if epoch not in self.epochs:
            raise UserError(
                f"epoch: found {shown(epoch)}; allowed: {', '.join(map(str, self.epochs))}"
            )
        all_of_run = self._trained.snapshots
        of_epoch = f"{epoch}/"
        return {
            k.removeprefix(of_epoch): v for k, v in all_of_run.items() if k.startswith(of_epoch)
        }

    @property
    def latent_dim(self) -> int | None:
        """The number of a code's dimensions; None if the model has no code."""
        return getattr(self.model, "latent_dim", None)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the model's images."""
        return self._trained.config.image_shape

    def encode(self, pictures: ArrayLike) -> Array:
        """Map images to codes (n, d); the mean where the model has a distribution of codes.

        Raises:
            UserError: the model does not encode, or the images do not fit it.
        """
        return abilities.encode(self.model, images.as_images(pictures, self.image_shape))

    def decode(self, codes: ArrayLike) -> Array:
        """Map codes (n, d) to images.

        Raises:
            UserError: the model does not decode, or the codes do not fit it.
        """
        if self.latent_dim is None:
            raise abilities.unable(self.model, "decode")
        return abilities.decode(self.model, images.as_codes(codes, self.latent_dim))

    def reconstruct(self, pictures: ArrayLike) -> Array:
        """Map images to their reconstructions; of a denoiser, damaged images to mended ones.

        Raises:
            UserError: the model does not reconstruct, or the images do not fit it.
        """
        return abilities.reconstruct(self.model, images.as_images(pictures, self.image_shape))

    def sample(self, n: int, seed: int = 0, label: int | None = None) -> Array:
        """Draw n new images; the same seed gives the same images.

        Args:
            n: how many.
            seed: of the draws.
            label: the class that all should be of, where the model is told one (`classes`); by
                default such a model draws equally many of each, one class after another.

        Raises:
            UserError: the model does not sample, or not by class, or a number is none.
        """
        count = images.as_count("n", n, 1, images.MOST)
        chosen = images.as_count("seed", seed, 0)
        if label is None:
            return abilities.sample(self.model, count, chosen)
        of = images.as_count("label", label, 0)
        return abilities.sample_class(self.model, count, chosen, of)

    def corrupt(self, pictures: ArrayLike, seed: int = 0) -> Array:
        """Damage images as the training of this denoiser did; the same seed, the same damage.

        Raises:
            UserError: the model is no denoiser, the images do not fit it, or the seed is none.
        """
        given = images.as_images(pictures, self.image_shape)
        return abilities.corrupt(self.model, given, images.as_count("seed", seed, 0))

    def classify(self, pictures: ArrayLike) -> Array:
        """Map images to the probability of each class, (n, classes).

        Raises:
            UserError: the model is no classifier, or the images do not fit it.
        """
        return abilities.classify(self.model, images.as_images(pictures, self.image_shape))

    @cached_property
    def test_set(self) -> TestSet:
        """The images of the run's data set that it was not trained on: uint8, labels, class names.

        Raises:
            UserError: the data set is not in the project's folder data/, or holds other images.
        """
        from latentgrid.data import load_images

        above = self.path.absolute().parents
        if len(above) <= PROJECT:
            raise UserError(f"{self.path}: lies in no results/<data set>/runs; give images")
        file = above[PROJECT] / "data" / above[DATASET].name / "images.safetensors"
        if not file.is_file():
            raise UserError(f"{file}: is missing; run snakemake to make it, or give images")
        if load_images(file).checksum != self._trained.config.data_sha256:
            raise UserError(f"{file}: holds other images than {self.path} was trained on")
        return load_test_set(file)


def load(path: str | Path) -> Run:
    """Load a trained run.

    Args:
        path: its folder, which ends in seed=…; its files are as the training wrote them.

    Raises:
        UserError: there is no such run, its training has not ended, a file is damaged, or the code
            of its model is not what it was trained with.
    """
    use_plugins()
    folder = Path(path)
    if not os.path.isdir(folder):  # noqa: PTH112 - false for names that are too long, too
        raise UserError(f"{folder}: no such folder; a run's is results/<data set>/runs/…/seed=…")
    run = TrainedRun(RunFiles(folder, state=folder))
    if not run.ended:
        raise UserError(
            f"{folder}: has no {run.files.outcome.name}, so it is no run, or its training has not "
            f"ended; snakemake goes on with it"
        )
    require_same_code(run)
    with of_our_own():
        return Run(run, load_model(run))


def runs(path: str | Path) -> pd.DataFrame:
    """Return the table of all runs on a data set, tables/runs.csv, a row per run.

    Args:
        path: the folder of the results, such as results/mnist.

    Returns:
        The columns of runs.csv, and first `path`, which `load` takes. `status` is finished,
        diverged or failed; a run that failed has nothing to load.

    Raises:
        UserError: there is no such table, or it is not that of the last plan.
    """
    folder = Path(path)
    file, plan = folder / "tables" / "runs.csv", folder / "plan.json"
    if not (file.is_file() and plan.is_file()):
        raise UserError(f"{folder}: has no {file.relative_to(folder)}; run snakemake to make it")
    table = read_table(made.require_unchanged(file))
    planned = [run["name"] for run in read_plan(plan)]
    if "run" not in table or table["run"].tolist() != planned:
        raise damaged(file, f"it does not hold the {len(planned)} runs of {plan}")
    table.insert(0, "path", [str(folder / "runs" / name) for name in planned])
    return table
