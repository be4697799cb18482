"""What the tables show, in sentences computed from them."""

from collections.abc import Sequence

import pandas as pd

from latentgrid.figures.style import setting_label
from latentgrid.text import number

WORDS = {"latent_dim": "latent dimension", "learning_rate": "learning rate"}


def best_settings(best: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    """Say which setting of each entry reaches the smallest loss."""
    sentences = []
    for entry, of_entry in best.groupby("entry", sort=False):
        labels = {row["scale"]: setting_label(row, axes) for _, row in of_entry.iterrows()}
        if len(set(labels.values())) == 1:
            sentences.append(f"{entry} trains best with {labels['corrected']}.")
        else:
            sentences.append(
                f"{entry} trains best with {labels['published']} on the published scale, but with "
                f"{labels['corrected']} once d is subtracted for every image."
            )
    return sentences


def largest_effects(marginal: pd.DataFrame) -> list[str]:
    """Say which hyperparameter moves the mean loss most, and by what factor."""
    sentences = []
    for entry, of_entry in marginal.groupby("entry", sort=False):
        losses = of_entry.groupby("axis", sort=False)["min_train_loss"]
        factors = (losses.max() / losses.min()).sort_values(ascending=False)
        parts = [
            f"the {WORDS.get(axis, axis)} by a factor of {f:.2f}" for axis, f in factors.items()
        ]
        sentences.append(
            f"From best to worst value, the mean loss of {entry} changes with {', '.join(parts)}."
        )
    return sentences


def separation(runs: pd.DataFrame, silhouettes: pd.DataFrame) -> list[str]:
    """Say how well each entry's best run separates the classes, and which ones."""
    sentences = []
    for run in runs.itertuples():
        classes = silhouettes[silhouettes["run"] == run.run].set_index("class")["silhouette"]
        if len(classes):
            sentences.append(
                f"{run.entry}: mean silhouette {run.silhouette:.3f}; {classes.idxmax()} stands "
                f"apart best ({classes.max():.2f}), {classes.idxmin()} least ({classes.min():.2f})."
            )
    return sentences


def agreement(losses: pd.DataFrame, planned_epochs: int) -> list[str]:
    """Say how ours compare with the published losses, table by table."""
    sentences = []
    for table, rows in losses.dropna(subset=["ratio"]).groupby("table", sort=False):
        ratios = rows["ratio"]
        sentences.append(
            f"Table {table}: {len(rows)} of {(losses['table'] == table).sum()} published settings "
            f"were run; ours ÷ published lies between {ratios.min():.3f} and {ratios.max():.3f}, "
            f"median {ratios.median():.3f}."
        )
    if sentences and planned_epochs != PUBLISHED_EPOCHS:
        sentences.append(
            f"These runs trained for {number(planned_epochs)} epochs and the published ones for "
            f"{PUBLISHED_EPOCHS}, so the ratios do not tell yet whether the numbers reproduce."
        )
    return sentences


PUBLISHED_EPOCHS = 50
