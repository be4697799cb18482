"""Codes that were drawn to different priors (source 004, section 1.4)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from latentgrid.evaluation.prior import densest_regions
from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.results import Results
from latentgrid.figures.style import (
    WIDTH,
    class_legend,
    folded,
    label_outer,
    name_classes,
    scatter_by_class,
    show_images,
)

TITLE = "Priors of choice"
SECTION = "Where the codes lie"
PLACE = 5.5
CAPTION = (
    "The same model trained for one prior after another, a column each: above draws of the prior, "
    "in the middle the codes of the test images by class, on the same axes, below images decoded "
    "at places of equal prior mass: from left to right from one Gaussian of the mixture to the "
    "next, or along the roll, and downwards within each, or across the roll. Look for codes that "
    "fill the prior's shape and nothing beside it, and for how the classes share it out."
)
CLAIM = (
    "Source 004 (section 1.4) lets p(z) be any distribution that the codes are to follow; that the "
    "discriminator needs only draws of it is what sets the model apart from a variational "
    "autoencoder, which needs its KL divergence. It shows no results; Makhzani et al. (2016), whom "
    "it cites, show a mixture of ten Gaussians and a Swiss roll (figures 2 and 4)."
)
NEEDS = ("encode", "decode", "quantile", "log_prior")
AXIS = "prior"
DRAWS = 3000
REACH = 3.6  # the axes' half width, in standard deviations of N(0, I)
SIDE = 12  # decoded images along each side
SHARE = 0.95
COLUMNS = 3


def draw(results: Results) -> Drawing:
    """Draw a column for each prior of an entry that varies it: draws, codes, decoded images."""
    shown = results.with_snapshot("codes", _of_priors(results))[:COLUMNS]
    if not shown:
        return nothing("No entry with two latent dimensions varies its prior.")
    figure = Figure(figsize=(WIDTH, 6.4))
    places = figure.subplots(3, len(shown), squeeze=False)
    middles = (np.arange(SIDE) + 0.5) / SIDE
    square = np.stack(np.meshgrid(middles, middles[::-1]), axis=-1).reshape(-1, 2)
    draws = np.random.default_rng(0).random((DRAWS, 2), dtype=np.float32)
    seen = []
    for (above, middle, below), (run, codes) in zip(places.T, shown, strict=True):
        model = results.loaded(run)
        above.plot(*model.quantile(draws).T, ".", color="0.35", markersize=1.2)
        scatter_by_class(middle, codes, results.test.labels)
        show_images(below, model.decode(model.quantile(square.astype(np.float32))), SIDE)
        for panel in (above, middle):
            panel.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xlabel="$z_1$")
            panel.set_box_aspect(1)
        name_classes(middle, codes, results.test.labels, results.test.name_of)
        above.set_title(folded(results.label(run)))
        share = densest_regions(model, [SHARE]).share(codes, 0)
        seen.append(f"{str(run[AXIS]).replace('_', ' ')} {100 * share:.0f} %")
    for row, name in zip(places, ("draws of the prior", "codes of test images"), strict=False):
        row[0].set_ylabel(f"{name}\n$z_2$")
    places[2, 0].set_ylabel("decoded at equal\nprior mass")
    label_outer(list(places[:2].flat))
    class_legend(figure, results.test.labels, results.test.name_of)
    return Drawing(
        figure,
        [
            "Of the test codes, so many lie within the densest region that holds 95 % of their "
            f"prior: {', '.join(seen)}."
        ],
    )


def _of_priors(results: Results) -> list[pd.Series]:
    """Return the best two-dimensional run with each prior, of the first entry that varies it."""
    runs = results.runs
    if AXIS not in runs or "latent_dim" not in runs:
        return []
    plane = runs[runs["latent_dim"] == 2]  # noqa: PLR2004
    for _, of_entry in plane.groupby("entry", sort=False):
        if of_entry[AXIS].nunique() > 1:
            groups = of_entry.groupby(AXIS, sort=False)
            return [run for _, group in groups for run in results.best(group)]
    return []
