"""The loss over the epochs, of every run."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from latentgrid.figures.comparisons import nothing
from latentgrid.figures.material import Material
from latentgrid.figures.style import PALETTE, WIDTH, loss_axis

STYLES: tuple[Any, ...] = ("-", "--", ":", "-.")


def draw(material: Material) -> Figure:
    """Draw training losses: a panel per model and latent dimension, a colour per optimizer."""
    runs = material.runs
    if runs.empty:
        return nothing("No run has finished.")
    histories = pd.read_csv(material.layout.tables / "history.csv").groupby("run")
    entries = list(runs["entry"].unique())
    dimensions = sorted(runs["latent_dim"].unique()) if "latent_dim" in runs else [None]
    optimizers, rates = sorted(runs["optimizer"].unique()), sorted(runs["learning_rate"].unique())
    figure = Figure(figsize=(WIDTH, 1.55 * len(entries) + 0.4))
    grid = figure.subplots(len(entries), len(dimensions), squeeze=False, sharex="row", sharey="row")
    for panels, entry in zip(grid, entries, strict=True):
        of_entry = runs[runs["entry"] == entry]
        for panel, dimension in zip(panels, dimensions, strict=True):
            shown = of_entry[of_entry["latent_dim"] == dimension] if dimension else of_entry
            for run in shown.itertuples():
                history = histories.get_group(run.run)
                panel.plot(
                    history["epoch"],
                    history["train_loss"],
                    color=PALETTE[optimizers.index(run.optimizer)],
                    linestyle=STYLES[rates.index(run.learning_rate) % len(STYLES)],
                    linewidth=1,
                )
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            panel.set_title(f"{entry}, d = {dimension}" if dimension else entry)
        loss_axis(panels[0])
        panels[0].set_ylabel(material.loss_label(of_entry))
    for panel in grid[-1]:
        panel.set_xlabel("epoch")
    handles = [Line2D([], [], color=PALETTE[i]) for i in range(len(optimizers))]
    handles += [Line2D([], [], color="black", linestyle=STYLES[i % 4]) for i in range(len(rates))]
    names = [*optimizers, *(f"learning rate {rate:g}" for rate in rates)]
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return figure
