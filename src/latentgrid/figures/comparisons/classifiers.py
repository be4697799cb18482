"""How often each classifier is wrong, over its size and its depth (source 001)."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from latentgrid.evaluation.shares import of_share
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import WIDTH
from latentgrid.results.labels import plain

TITLE = "Classifiers"
SECTION = "How they train"
PLACE = 5
CAPTION = (
    "The share of test images that each classifier takes for another class, a point for each "
    "run, with the 95 % interval that so many images allow (Wilson's). On the left over the "
    "number of parameters, on a logarithmic scale; on the right over the depth of the residual "
    "networks and of the same networks without their skip connections. Look for intervals that "
    "do not overlap, and on the right for the line that rises with depth."
)
CLAIM = (
    "Source 001 shows LeNet-5, AlexNet, ZFNet, VGGNet, GoogLeNet and ResNet as a history of "
    "falling errors on ImageNet. A ResNet of 34 layers, it says, is much better than one of "
    "18, which is not so without skip connections."
)
NEEDS = ("classify",)
MEASURE = "test_accuracy"
NAMED_BY_DEPTH = re.compile(r"(resnet|plain)(\d+)")
FAMILIES = {"resnet": "with", "plain": "without"}


def draw(results: Results) -> Drawing:
    """Draw errors over parameters and, if there are networks named by their depth, over that."""
    if MEASURE not in results.runs or results.runs[MEASURE].isna().all():
        return nothing("No classifier has finished.")
    runs = results.runs.dropna(subset=[MEASURE])
    runs = runs.assign(
        error=1 - runs[MEASURE],
        label=[_name(results, run) for _, run in runs.iterrows()],
    )
    images = len(results.test.labels)
    deep = _by_depth(runs)
    figure = Figure(figsize=(WIDTH, 3.2))
    places = figure.subplots(
        1, 1 + bool(deep), sharey=True, squeeze=False, width_ratios=[1.6, 1][: 1 + bool(deep)]
    )[0]
    _draw_sizes(places[0], runs, images)
    for panel in places[1:]:
        _draw_depths(panel, deep, images)
    places[0].set_ylim(bottom=0)
    places[0].yaxis.set_minor_locator(MultipleLocator(1))
    places[0].set_ylabel("errors, % of test images")
    figure.legend(
        *places[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False
    )
    return Drawing(figure, [_ranked(runs, images), *_compared(deep)])


def _name(results: Results, run: pd.Series) -> str:
    """Name a run as all figures do, its network without the word."""
    return results.label(run).replace("\nnetwork ", " ").replace("\n", " ")


def _by_depth(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the runs of networks that are named by their depth, by family, in column `depth`."""
    if "network" not in runs:
        return {}
    named = runs["network"].astype(str).str.extract(NAMED_BY_DEPTH)
    deep = runs.assign(family=named[0], depth=pd.to_numeric(named[1])).dropna(subset=["depth"])
    return {str(family): of for family, of in deep.groupby("family", sort=False)}


def _draw_sizes(panel: Axes, runs: pd.DataFrame, images: int) -> None:
    for number, (label, of) in enumerate(runs.groupby("label", sort=False)):
        marker = "o^sDvP*X"[number // len(PALETTE) % 8]
        style = {"color": PALETTE[number % len(PALETTE)], "marker": marker}
        _draw_points(panel, of["parameters"], of, images, label=plain(label), **style)
    panel.set_xscale("log")
    panel.set_xlim(runs["parameters"].min() / 2, runs["parameters"].max() * 2)
    panel.set_xlabel("parameters")


def _draw_depths(panel: Axes, deep: Mapping[str, pd.DataFrame], images: int) -> None:
    for (family, of), colour in zip(deep.items(), ("black", "0.5"), strict=False):
        style = {"color": colour, "marker": "o" if family == "resnet" else "s"}
        _draw_points(panel, of["depth"], of, images, **style)
        means = of.groupby("depth")["error"].mean()
        panel.plot(means.index, 100 * means, color=colour, linewidth=1)
        panel.annotate(
            FAMILIES[family],
            (means.index[-1], 100 * means.iloc[-1]),
            (6, 0),
            textcoords="offset points",
            color=colour,
            va="center",
        )
    depths = sorted({depth for of in deep.values() for depth in of["depth"]})
    panel.set_xticks(depths, [f"{depth:.0f}" for depth in depths])
    panel.margins(x=0.5)
    panel.set(xlabel="layers with weights", title="skip connections")


def _draw_points(
    panel: Axes, x: "pd.Series[float]", runs: pd.DataFrame, images: int, **style: Any
) -> None:
    ranges = [of_share(error, images) for error in runs["error"]]
    below = [100 * (error - of.low) for error, of in zip(runs["error"], ranges, strict=True)]
    above = [100 * (of.high - error) for error, of in zip(runs["error"], ranges, strict=True)]
    panel.errorbar(
        x, 100 * runs["error"], [below, above], linestyle="", markersize=4, linewidth=1, **style
    )


def _ranked(runs: pd.DataFrame, images: int) -> str:
    means = runs.groupby("label", sort=False)["error"].mean().sort_values()
    listed = ", ".join(f"{plain(label)} {100 * error:.2f} %" for label, error in means.items())
    return f"Of {images} test images the classifiers take for another class: {listed}."


def _compared(deep: Mapping[str, pd.DataFrame]) -> list[str]:
    """Say what depth did to the error of each family."""
    sentences = []
    for family, of in deep.items():
        means = of.groupby("depth")["error"].mean()
        if len(means) > 1:
            changes = " and ".join(f"{100 * m:.2f} % at {d:.0f}" for d, m in means.items())
            sentences.append(f"Error {FAMILIES[family]} skip connections: {changes} layers.")
    return sentences
