"""What a better encoder alone changes (proposed in source 002, section 5.3)."""

from dataclasses import replace
from math import prod

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentgrid.figures.drawing import Drawing, nothing, significant
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.grid import catalogue
from latentgrid.text import signed

TITLE = "Encoders and decoders paired"
SECTION = "What is lost"
PLACE = 4
CAPTION = (
    "Error and silhouette of the same model with different pairs of networks, at one latent "
    "dimension: on the left the squared error of the reconstructed test images, per pixel with "
    "pixels in [0, 1], on the right the mean silhouette of the test codes with their classes. A "
    "bar is the mean over the seeds of the best setting, a dot a seed. Compare pairs with the "
    "same decoder: what differs there is due to the encoder."
)
CLAIM = (
    "Source 002 improved encoder and decoder together (section 4.3.3) and proposes to improve "
    "the encoder alone (section 5.3). It did not run it."
)
CLAIM_ON = ("conv5_vae",)
NEEDS = ("reconstruct", "encode")
SIDES = ["encoder", "decoder"]
MEASURES = {"error": "test squared error per pixel", "silhouette": "mean silhouette"}


def draw(results: Results) -> Drawing:
    """Draw error and silhouette of each pair's best setting: a dot per seed, a bar for their mean.

    All pairs have the same latent dimension.
    """
    results, pairs = _pairs(results)
    if len(pairs) < 2:  # noqa: PLR2004
        return nothing("No entry has networks to choose from on both sides of the code.")
    pixels = prod(results.test.images.shape[1:])
    tables = [
        runs.assign(error=runs["test_squared_error"] / pixels, **_sides(pair))
        for pair in pairs
        for runs in [results.repeated(pair)]
    ]
    figure = Figure(figsize=(WIDTH, 0.4 * len(pairs) + 0.6))
    places = figure.subplots(1, len(MEASURES), sharey=True)
    for panel, (measure, label) in zip(places, MEASURES.items(), strict=True):
        _draw_measure(panel, [table[measure] for table in tables])
        panel.set_xlabel(label)
    places[0].set_yticks(range(len(pairs)), [_label(pair) for pair in pairs])
    places[0].set_ylim(len(pairs) - 0.5, -0.5)
    return Drawing(figure, _changes(pd.concat(tables)))


def _draw_measure(panel: Axes, values: list["pd.Series[float]"]) -> None:
    """Draw a bar for each pair's mean, from 0, with its number, and a dot for each seed."""
    means = [of_pair.mean() for of_pair in values]
    bars = panel.barh(range(len(values)), means, height=0.5, color=PALETTE[0], alpha=0.5)
    panel.bar_label(bars, [f"{mean:.3g}".replace("-", "−") for mean in means], padding=8, size=7)
    for place, of_pair in enumerate(values):
        panel.plot(of_pair, [place] * len(of_pair), "o", color=PALETTE[2], markersize=3)
    panel.axvline(0, color="black", linewidth=0.8)
    panel.margins(x=0.2)


def _pairs(results: Results) -> tuple[Results, list[pd.Series]]:
    """Return the runs of models with a choice on both sides, and the best run of each pair."""
    models = [model for model in results.runs["model"].unique() if _has_sides(model)]
    entries = results.runs.loc[results.runs["model"].isin(models), "entry"].unique()
    results = replace(results, entries=tuple(entries))
    dimension, _ = results.of_common_dimension()
    if not dimension:
        return results, []
    runs = results.runs[results.runs["latent_dim"] == dimension]
    keys = [(run["model"], *_sides(run).values()) for _, run in runs.iterrows()]
    best = [
        next(iter(results.best(runs[[key == of_pair for key in keys]])))
        for of_pair in dict.fromkeys(keys)
    ]
    return results, best


def _has_sides(model: str) -> bool:
    return set(SIDES) <= set(catalogue.model_hyperparameters(model))


def _sides(run: pd.Series) -> dict[str, str]:
    """Return the networks on both sides of the code; the model's default where none is named."""
    known = catalogue.model_hyperparameters(run["model"])
    return {side: known[side][1] if pd.isna(run.get(side)) else run[side] for side in SIDES}


def _label(pair: pd.Series) -> str:
    sides = _sides(pair)
    return f"{pair['model']}\n{sides['encoder']} encoder, {sides['decoder']} decoder"


def _changes(runs: pd.DataFrame) -> list[str]:
    """Say, for each decoder, what error and silhouette its encoders give."""
    sentences = []
    for (model, decoder), of_decoder in runs.groupby(["model", "decoder"], sort=False):
        means = of_decoder.groupby("encoder", sort=False)[list(MEASURES)].mean()
        if len(means) > 1:
            shown = "; ".join(
                f"with the {encoder} encoder {significant(row['error'])} and "
                f"{signed(row['silhouette'], 3)}"
                for encoder, row in means.iterrows()
            )
            sentences.append(
                f"Squared error per pixel and silhouette of {model} with the {decoder} decoder: "
                f"{shown}."
            )
    return sentences
