"""The loss over the epochs, of every run."""

from typing import Any

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from latentgrid.figures.drawing import Drawing, nothing
from latentgrid.figures.palette import PALETTE
from latentgrid.figures.results import Results
from latentgrid.figures.style import SMALLEST, label_outer, loss_axis, panels
from latentgrid.results.labels import percent
from latentgrid.results.tables import read_table

TITLE = "Learning curves"
SECTION = "How they train"
PLACE = 1
CAPTION = (
    "Training loss per image over the epochs, one line a run, on a logarithmic scale where all "
    "losses are above zero. Look for curves that still fall at the end: those settings were not "
    "given enough epochs to be judged, except for two players, whose losses need not fall. "
    "Lines of one look differ in hyperparameters that the legend does not name."
)
CLAIM = (
    "Source 000 trained every setting for 50 epochs and publishes the smallest epoch's loss of "
    "each."
)
CLAIM_ON = ("vae", "conv_vae", "mmd_vae")
NEEDS = ()
STILL_FALLING = 0.02
STYLES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)), (0, (1, 4)))


def draw(results: Results) -> Drawing:
    """Draw training losses: a panel for each model and latent dimension, a colour per optimizer.

    Panels of one model have the same scale.
    """
    runs = results.runs[results.runs["epochs"] > 1]
    if runs.empty:
        return nothing("No run of more than one epoch has finished.")
    histories = read_table(results.layout.tables / "history.csv").groupby("run")
    optimizers, rates = sorted(runs["optimizer"].unique()), sorted(runs["learning_rate"].unique())
    groups = list(runs.groupby(["entry", *_dimension(runs)], sort=False, dropna=False))
    # As high as the label of a loss is long.
    figure, places = panels(len(groups), aspect=0.8, title_lines=2, most=4)
    for panel, (name, shown) in zip(places, groups, strict=True):
        for run in shown.itertuples():
            history = histories.get_group(run.run)
            panel.plot(
                history["epoch"],
                history["train_loss"],
                color=PALETTE[optimizers.index(run.optimizer)],
                linestyle=STYLES[rates.index(run.learning_rate) % len(STYLES)],
                linewidth=1,
            )
        same_entry = runs.loc[runs["entry"] == name[0], "run"]
        losses = pd.concat([histories.get_group(run)["train_loss"] for run in same_entry])
        loss_axis(panel, losses)
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        panel.set_title(
            "\nd = ".join(
                f"{part:g}" if part != name[0] else part for part in name if pd.notna(part)
            )
        )
        panel.set_xlabel("epoch")
        panel.set_ylabel(results.loss_label(shown), fontsize=SMALLEST)
    label_outer(places)
    handles = [Line2D([], [], color=PALETTE[i]) for i in range(len(optimizers))]
    handles += [
        Line2D([], [], color="black", linestyle=STYLES[i % len(STYLES)]) for i in range(len(rates))
    ]
    names = [*optimizers, *(f"learning rate {rate:g}" for rate in rates)]
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    last = [_fall(histories.get_group(name)["train_loss"]) for name in runs["run"]]
    falling = sum(fall > STILL_FALLING for fall in last)
    return Drawing(
        figure,
        [
            f"In {falling} of {len(last)} runs the loss still fell in the last epoch by more than "
            f"{percent(STILL_FALLING)} of itself."
        ],
    )


def _dimension(runs: pd.DataFrame) -> list[str]:
    return ["latent_dim"] if "latent_dim" in runs else []


def _fall(losses: pd.Series) -> float:
    """Return by which share the loss fell in the last epoch."""
    before, last = losses.iloc[-2:]
    return float((before - last) / abs(before)) if before else 0.0
