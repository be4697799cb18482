"""Damaged images and what is made of them (source 003, "Denoising Auto-encoders")."""

import pandas as pd
from matplotlib.figure import Figure, SubFigure

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH, show_images
from latentgrid.results.trained import Array

TITLE = "Denoising"
SECTION = "What is restored"
PLACE = 1
CAPTION = (
    "For each kind of damage, the first test images, what the models were given, and what the "
    "run of each model that was trained on this damage makes of it. Images and damage are the "
    "same for all models. Look for images that come back clean but of another class: where much "
    "is missing, several fit."
)
CLAIM = (
    'Source 003 ("Denoising Auto-encoders", "Ejemplo MNIST") shows digits with half of the '
    "pixels removed, with 90 % removed, blurred with σ = 4 pixels and with a 16×16 square "
    "removed, and what an autoencoder makes of them: some are restored as other digits after 90 "
    "% removed and after the square. Source 001 describes the U-Net, and has no result of it on "
    "digits."
)
CLAIM_ON = ("dae", "unet")
NEEDS = ("corrupt", "reconstruct")
SHOWN = 8
ABREAST = 2  # blocks side by side
ROW = 0.36  # the height of a row in inches
NAMES = {
    "pixels_50": "50 % of the pixels removed",
    "pixels_90": "90 % of the pixels removed",
    "blur": "Gaussian blur, σ = 4 pixels",
    "block": "a square of at most 16×16 pixels removed",
    "noise": "Gaussian noise, σ = 0.5",
    "inpainting": "one half removed",
}


def draw(results: Results) -> Drawing:
    """Draw a block for each corruption: clean and damaged images, and a row for each entry.

    All shown runs have the same seed, so that all runs of a corruption see the same damage.
    """
    if results.runs.empty:
        return nothing("No run that restores damaged images has finished.")
    runs = results.runs[results.runs["seed"] == results.runs["seed"].mode()[0]]
    kinds = runs["run"].map(lambda run: _corruption(results, run))
    blocks = {str(kind): list(results.best(runs[kinds == kind])) for kind in kinds.unique()}
    tallest = max(map(len, blocks.values())) + 2
    rows = -(-len(blocks) // ABREAST)
    figure = Figure(figsize=(WIDTH, rows * (ROW * tallest + 0.25)))
    places = figure.subfigures(rows, min(ABREAST, len(blocks)), squeeze=False).flatten()
    for place, (kind, of_kind) in zip(places, blocks.items(), strict=False):
        place.suptitle(NAMES.get(kind, kind), fontsize=8)
        _draw_block(place, results, of_kind, tallest)
    return Drawing(figure, [_errors(kind, of_kind) for kind, of_kind in blocks.items()])


def _corruption(results: Results, run: str) -> str:
    settings = results.trained(run).config.settings
    return str(settings["hyperparameters"].get("corruption", settings["model"]))


def _draw_block(place: SubFigure, results: Results, runs: list[pd.Series], rows: int) -> None:
    damaged = results.with_snapshot("corrupted", runs)
    restored = results.with_snapshot("reconstructions", runs)
    shown: list[tuple[str, Array]] = [("clean", results.test.images)]
    shown += [("damaged", images) for _, images in damaged[:1]]
    shown += [(run["entry"], images) for run, images in restored]
    panels = place.subplots(rows, 1)
    for panel, (label, images) in zip(panels, shown, strict=False):
        show_images(panel, images[:SHOWN], SHOWN)
        panel.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
    for unused in panels[len(shown) :]:
        unused.set_axis_off()


def _errors(kind: str, runs: list[pd.Series]) -> str:
    """Say how much the restored images differ from the clean ones, from best model to worst."""
    errors = pd.DataFrame(runs).sort_values("test_squared_error")
    listed = ", ".join(f"{run.entry} {run.test_squared_error:.1f}" for run in errors.itertuples())
    return f"Squared error per test image, {NAMES.get(kind, kind)}: {listed}."
