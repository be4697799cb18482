"""What the tables show, in sentences computed from them."""

import pandas as pd

from latentgrid.figures.style import axis_label
from latentgrid.text import number, signed


def largest_effects(marginal: pd.DataFrame) -> list[str]:
    """Say which hyperparameter moves the mean loss most, and by what factor."""
    sentences = []
    for entry, of_entry in marginal.groupby("entry", sort=False):
        if of_entry["min_train_loss"].min() <= 0:
            continue  # a ratio of losses that can be negative says nothing
        losses = of_entry.groupby("axis", sort=False)["min_train_loss"]
        factors = (losses.max() / losses.min()).sort_values(ascending=False)
        parts = [
            f"the {axis_label(str(axis))} by a factor of {f:.2f}" for axis, f in factors.items()
        ]
        sentences.append(
            f"From best to worst value, the mean loss of {entry} changes with {', '.join(parts)}."
        )
    return sentences


def separation(runs: pd.DataFrame, silhouettes: pd.DataFrame) -> list[str]:
    """Say which entry's best run separates the classes best and which least, and which classes."""
    ranked = runs.dropna(subset=["silhouette"]).sort_values("silhouette", ascending=False)
    shown = silhouettes[silhouettes["run"].isin(ranked["run"])]
    if shown.empty:
        return []
    order = ", ".join(f"{run.entry} ({signed(run.silhouette, 3)})" for run in ranked.itertuples())
    classes = shown.groupby("class")["silhouette"].mean()
    return [
        f"By mean silhouette, from best to worst: {order}.",
        f"Over these models, {classes.idxmax()} stands apart best (on average "
        f"{signed(classes.max(), 2)}) and {classes.idxmin()} least ({signed(classes.min(), 2)}).",
    ]


def agreement(losses: pd.DataFrame) -> list[str]:
    """Say how ours compare with the published losses, table by table."""
    sentences = []
    for table, rows in losses.dropna(subset=["ratio"]).groupby("table", sort=False):
        ratios = rows["ratio"]
        sentences.append(
            f"Table {table}: {len(rows)} of {(losses['table'] == table).sum()} published settings "
            f"were run; ours ÷ published lies between {ratios.min():.3f} and {ratios.max():.3f}, "
            f"median {ratios.median():.3f}."
        )
    epochs = losses.dropna(subset=["ratio"])["epochs"]
    if (epochs != PUBLISHED_EPOCHS).any():
        sentences.append(
            f"Some of these runs trained for as few as {number(epochs.min())} epochs"
            f" and the published ones for {PUBLISHED_EPOCHS}, so their ratios do not tell yet"
            f" whether the numbers reproduce."
            if epochs.min() < PUBLISHED_EPOCHS
            else f"Some of these runs trained longer than the published {PUBLISHED_EPOCHS} epochs."
        )
    return sentences


PUBLISHED_EPOCHS = 50
