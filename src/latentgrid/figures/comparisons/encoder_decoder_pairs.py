"""What a better encoder alone changes (proposed in source 002, section 5.3)."""

from dataclasses import replace
from math import prod

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from latentgrid.figures.drawing import Drawing, nothing, significant
from latentgrid.figures.results import Results
from latentgrid.figures.style import PALETTE, WIDTH
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
        runs.assign(error=runs["test_squared_error"] / pixels)
        for runs in (results.repeated(pair) for pair in pairs)
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
    """Return the entries that name both sides, and the best run of each pair of networks."""
    runs = results.runs
    if not set(SIDES) <= set(runs.columns):
        return results, []
    named = runs.loc[runs[SIDES].notna().all(axis=1), "entry"].unique()
    results = replace(results, entries=tuple(named))
    dimension, _ = results.of_common_dimension()
    of_dimension = results.runs[results.runs["latent_dim"] == dimension]
    best = [
        run
        for _, of_pair in of_dimension.groupby(SIDES, sort=False)
        for run in results.best(of_pair)
    ]
    return results, best


def _label(pair: pd.Series) -> str:
    return f"{pair['entry']}\n{pair['encoder']} encoder, {pair['decoder']} decoder"


def _changes(runs: pd.DataFrame) -> list[str]:
    """Say, for each decoder, what error and silhouette its encoders give."""
    sentences = []
    for (entry, decoder), of_decoder in runs.groupby(["entry", "decoder"], sort=False):
        means = of_decoder.groupby("encoder", sort=False)[list(MEASURES)].mean()
        if len(means) > 1:
            shown = "; ".join(
                f"with the {encoder} encoder {significant(row['error'])} and "
                f"{signed(row['silhouette'], 3)}"
                for encoder, row in means.iterrows()
            )
            sentences.append(
                f"Squared error per pixel and silhouette of {entry} with the {decoder} decoder: "
                f"{shown}."
            )
    return sentences
