"""How well the digits stand apart in latent space, by class (source 002, figures 4.6 and 4.7)."""

import pandas as pd
from matplotlib.figure import Figure

from latentgrid.figures.comparisons import nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import PALETTE, WIDTH, setting_label

MARKERS = "osD^vP*X"


def draw(material: Material) -> Figure:
    """Draw each class's mean silhouette for the best run of each model, and the overall mean."""
    by_class = pd.read_csv(material.layout.tables / "silhouettes.csv")
    runs = [r for r in material.best(material.runs) if r["run"] in set(by_class["run"])]
    if not runs:
        return nothing("No run that encodes images has finished.")
    figure = Figure(figsize=(WIDTH, 2.6))
    panel = figure.subplots()
    for place, run in enumerate(runs):
        of_run = by_class[by_class["run"] == run["run"]]
        colour = PALETTE[place % len(PALETTE)]
        label = (
            f"{run['entry']} ({setting_label(run, material.axes)}), mean {run['silhouette']:.3f}"
        )
        panel.plot(
            of_run["class"] + 0.14 * (place - (len(runs) - 1) / 2),
            of_run["silhouette"],
            MARKERS[place % len(MARKERS)],
            color=colour,
            markersize=5,
            label=label,
        )
        panel.axhline(run["silhouette"], color=colour, linewidth=0.8, linestyle="--")
    panel.axhline(0, color="black", linewidth=0.6)
    panel.set(xlabel="digit", ylabel="mean silhouette", xticks=by_class["class"].unique())
    panel.set_ylim(min(-0.5, by_class["silhouette"].min()), max(0.5, by_class["silhouette"].max()))
    figure.legend(loc="outside lower center", ncols=1, frameon=False)
    return figure
